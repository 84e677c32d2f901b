import type { ExportTable } from '../../src/exporter/export-table.ts'
import { type LinkOwner, dispatch } from '../../src/protocol/dispatch.ts'
import { LinkCore } from '../../src/protocol/link-core.ts'
import type { Random } from './random.ts'

/** Packets that a direction of a link holds before its sender waits. */
const ROOM = 3

/** Both ends of one link, and the packets between them; nothing moves but by a call. */
export class SimLink {
  readonly exporter: LinkCore
  readonly importer: LinkCore
  readonly #owners: Record<'exporter' | 'importer', LinkOwner>
  readonly #packets: Record<'exporter' | 'importer', Uint8Array[]> = { exporter: [], importer: [] }
  isCut = false

  constructor(table: ExportTable, peer: string, random: Random, now: number) {
    const common = {
      maxValueBytes: 4_096,
      maxBindings: 16,
      creditDelay: random.pick([0, 5, 50]) ?? 0,
      helloTimeout: 1_000_000,
      packetBytes: random.pick([32, 100, 4_096]) ?? 0,
      wake: () => {}
    }
    this.exporter = new LinkCore({ ...common, role: 'exporter' }, now)
    this.importer = new LinkCore({ ...common, role: 'importer' }, now)
    const owner: LinkOwner = {
      onOpen: () => {},
      onBind: () => {},
      onClosed: failure => {
        throw new Error(`the link was ended: ${failure?.message ?? 'in order'}`)
      },
      onFault: error => {
        throw error
      }
    }
    this.#owners = {
      importer: owner,
      exporter: {
        ...owner,
        onBind: (binding, request) => table.bind(this.exporter, peer, binding, request)
      }
    }
  }

  /** Packets under way. */
  get busy(): boolean {
    return this.#packets.exporter.length + this.#packets.importer.length > 0
  }

  /** One end handles what has happened and writes what the link takes. Did anything leave? */
  turn(end: 'exporter' | 'importer', now: number): boolean {
    const core = this[end]
    const timeout = core.nextTimeout()
    if (timeout !== undefined && timeout <= now) core.onTimeout(now)
    dispatch(core, this.#owners[end])
    let moved = false
    while (!this.isCut && this.#packets[end].length < ROOM) {
      const packet = core.pollOutput(now)
      if (packet === undefined) break
      this.#packets[end].push(packet)
      moved = true
    }
    dispatch(core, this.#owners[end])
    return moved
  }

  /** One packet that `end` has sent arrives. */
  deliver(end: 'exporter' | 'importer'): boolean {
    const packet = this.#packets[end].shift()
    if (packet === undefined) return false
    this[end === 'exporter' ? 'importer' : 'exporter'].receive(packet)
    return true
  }

  /** Both ends lose it, and what is under way. */
  cut(): void {
    this.isCut = true
    this.#packets.exporter.length = 0
    this.#packets.importer.length = 0
    for (const end of ['exporter', 'importer'] as const) {
      this[end].lose(new Error('cut'), false)
      dispatch(this[end], this.#owners[end])
    }
  }
}
