import type { ChannelPort, Puller } from '../channel/channel-port.ts'
import { failureOf } from '../failures.ts'
import type { Failure } from '../protocol/codes.ts'
import { Fifo } from '../fifo.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import { type Numbered, Outlet, type OutletInit, type OutletOwner } from './outlet.ts'
import type { Source, SourceHooks } from './source.ts'

/**
 * An exported channel whose importers compete: each value goes to one of them. What an importer was
 * sent and had not taken when it left goes to the next that has room, before anything else.
 */
export class QueueSource implements Source, OutletOwner {
  readonly redelivers = true
  readonly #port: ChannelPort
  readonly #coder: ValueCoder
  readonly #hooks: SourceHooks
  readonly #lanes = new Map<Outlet, Lane>()
  readonly #returned = new Fifo<Numbered>()
  #taken = 0
  #redelivered = 0
  /** The channel was closed and is empty. */
  #end: { readonly failure: Failure | undefined } | undefined

  constructor(port: ChannelPort, coder: ValueCoder, hooks: SourceHooks) {
    this.#port = port
    this.#coder = coder
    this.#hooks = hooks
  }

  get pending(): number {
    const { buffered, blockedSends } = this.#port
    return buffered + blockedSends + this.#returned.length + this.#inFlight
  }

  get mark(): number {
    return this.#taken + this.#port.buffered + this.#port.blockedSends
  }

  get redelivered(): number {
    return this.#redelivered
  }

  get dropped(): number {
    return 0
  }

  isTaken(mark: number): boolean {
    if (this.#taken < mark) return false
    if (this.#returned.some(({ number }) => number <= mark)) return false
    return [...this.#lanes.keys()].every(outlet => !outlet.holds(mark))
  }

  add(init: Omit<OutletInit, 'owner'>): Outlet {
    const outlet = new Outlet({ ...init, owner: this })
    const lane = new Lane({
      isReady: () => this.#returned.length === 0 && outlet.ready,
      take: value => this.#send(outlet, { value, number: ++this.#taken }),
      end: error => this.#onEnd(error)
    })
    this.#lanes.set(outlet, lane)
    return outlet
  }

  start(outlet: Outlet): void {
    this.#lanes.get(outlet)?.attach(this.#port)
    this.onReady(outlet)
  }

  stop(failure: Failure | undefined): void {
    for (const [outlet, lane] of this.#lanes) {
      lane.detach()
      outlet.end(failure)
    }
  }

  onReady(outlet: Outlet): void {
    while (this.#returned.length > 0 && outlet.ready) {
      const next = this.#returned.shift()
      if (next !== undefined) this.#send(outlet, next)
    }
    const lane = this.#lanes.get(outlet)
    if (this.#returned.length === 0 && lane !== undefined) this.#port.pull(lane)
    this.#settle()
    this.#hooks.onProgress()
  }

  onGone(outlet: Outlet, returned: readonly Numbered[], error: Error | undefined): void {
    this.#lanes.get(outlet)?.detach()
    this.#lanes.delete(outlet)
    this.#returned.unshift(returned)
    this.#redelivered += returned.length
    this.#hooks.onGone(outlet, returned.length, error)
    for (const other of this.#lanes.keys()) this.onReady(other)
    this.#hooks.onProgress()
  }

  #send(outlet: Outlet, { value, number }: Numbered): void {
    let bytes: Uint8Array
    try {
      bytes = this.#coder.encode(value, outlet.ends.attach)
    } catch (error) {
      outlet.ends.rollBack()
      this.#hooks.report(error as Error)
      return
    }
    if (bytes.length <= outlet.maxValueBytes) {
      outlet.send(value, number, bytes)
      return
    }
    // Not for this importer, which would lose its place in the order: it ends, others may take it.
    outlet.ends.rollBack()
    this.#returned.unshift([{ value, number }])
    outlet.endTooShort(bytes.length)
  }

  #onEnd(error: Error | undefined): void {
    this.#end ??= { failure: failureOf(error) }
    this.#settle()
  }

  /**
   * After the end, an importer is told once no other holds a value that could still come back to
   * it: so that the last value finds a taker even when the importer that held it crashes.
   */
  #settle(): void {
    if (this.#end === undefined || this.#returned.length > 0) return
    const inFlight = this.#inFlight
    for (const outlet of this.#lanes.keys()) {
      if (inFlight === outlet.inFlight) outlet.end(this.#end.failure)
    }
  }

  get #inFlight(): number {
    let sum = 0
    for (const outlet of this.#lanes.keys()) sum += outlet.inFlight
    return sum
  }
}

interface LaneHooks {
  isReady(): boolean
  take(value: unknown): void
  end(error: Error | undefined): void
}

/** How one importer takes its turn at the local channel. */
class Lane implements Puller {
  readonly #hooks: LaneHooks
  #detach: (() => void) | undefined
  #detached = false

  constructor(hooks: LaneHooks) {
    this.#hooks = hooks
  }

  get ready(): boolean {
    return this.#hooks.isReady()
  }

  take(value: unknown): void {
    this.#hooks.take(value)
  }

  end(error: Error | undefined): void {
    this.#hooks.end(error)
  }

  attach(port: ChannelPort): void {
    this.#detach = port.attachPuller(this)
    if (this.#detached) this.#detach()
  }

  detach(): void {
    this.#detached = true
    this.#detach?.()
  }
}
