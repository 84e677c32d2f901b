import { PacketBatch } from '../link/packet-batch.ts'
import type { Clock, ClockTimer } from './clock.ts'
import type { Flow, FlowEntry } from './flow-table.ts'
import { FlowTable } from './flow-table.ts'
import type { NetInterface } from './net-interface.ts'

/** Limits of the SYNs that wait for a decision. */
export interface PendingLimits {
  /** At once in all. */
  readonly maxPending: number
  /** At once from one address. */
  readonly maxPendingPerSource: number
  /** How long a decision may take, in ms; after it the SYN is forgotten. */
  readonly decisionTimeout: number
}

/** A SYN that waits for a decision: its bytes, and where it came from. */
export class PendingSyn implements FlowEntry {
  readonly local: Int32Array
  readonly localPort: number
  readonly remote: Int32Array
  readonly remotePort: number
  readonly via: NetInterface
  /** The whole IP packet, alone in a batch of its own. */
  readonly packet: PacketBatch
  readonly until: number
  nextInBucket: FlowEntry | undefined

  constructor(flow: Flow, via: NetInterface, packet: Uint8Array, until: number) {
    this.local = flow.local.slice()
    this.localPort = flow.localPort
    this.remote = flow.remote.slice()
    this.remotePort = flow.remotePort
    this.via = via
    this.packet = PacketBatch.of(1, packet.length)
    this.packet.push(packet)
    this.until = until
  }
}

/** SYNs that the forwarder is deciding on. */
export class PendingSyns {
  readonly #limits: PendingLimits
  readonly #clock: Clock
  readonly #timer: ClockTimer
  readonly #flows: FlowTable<PendingSyn>
  /** In the order in which they arrived, which is that of their ends. */
  readonly #order = new Set<PendingSyn>()
  readonly #perSource = new Map<string, number>()

  constructor(limits: PendingLimits, clock: Clock, key: number) {
    this.#limits = limits
    this.#clock = clock
    this.#flows = new FlowTable(key)
    this.#timer = clock.timer(() => this.#expire())
  }

  /** SYNs that wait now. */
  get size(): number {
    return this.#order.size
  }

  /** Whether a SYN of this flow waits already. */
  has(flow: Flow): boolean {
    return this.#flows.get(flow.local, flow.localPort, flow.remote, flow.remotePort) !== undefined
  }

  /** Keeps a SYN; `undefined` when a limit is reached. */
  add(flow: Flow, via: NetInterface, packet: Uint8Array, now: number): PendingSyn | undefined {
    const source = flow.remote.join()
    const ofSource = this.#perSource.get(source) ?? 0
    if (this.#order.size >= this.#limits.maxPending || ofSource >= this.#limits.maxPendingPerSource)
      return undefined
    const pending = new PendingSyn(flow, via, packet, now + this.#limits.decisionTimeout)
    this.#flows.add(pending)
    this.#order.add(pending)
    this.#perSource.set(source, ofSource + 1)
    if (this.#order.size === 1) this.#timer.set(pending.until)
    return pending
  }

  /** Takes a SYN out; `false` when it is not kept any more. */
  remove(pending: PendingSyn): boolean {
    if (!this.#order.delete(pending)) return false
    this.#flows.remove(pending)
    const source = pending.remote.join()
    const left = (this.#perSource.get(source) ?? 1) - 1
    if (left === 0) this.#perSource.delete(source)
    else this.#perSource.set(source, left)
    if (this.#order.size === 0) this.#timer.clear()
    return true
  }

  close(): void {
    for (const pending of this.#order) this.remove(pending)
  }

  #expire(): void {
    const now = this.#clock.now()
    for (const pending of this.#order) {
      if (pending.until > now) {
        this.#timer.set(pending.until)
        return
      }
      this.remove(pending)
    }
  }
}
