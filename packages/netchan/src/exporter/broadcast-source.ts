import type { ChannelPort, Puller } from '../channel/channel-port.ts'
import type { OverloadPolicy } from '../directions.ts'
import { failureOf } from '../failures.ts'
import { CODE, type Failure } from '../protocol/codes.ts'
import { Fifo } from '../fifo.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import { type Numbered, Outlet, type OutletInit, type OutletOwner } from './outlet.ts'
import type { Source, SourceHooks } from './source.ts'

/** What waits for the window of one importer. */
interface Waiting {
  readonly values: Fifo<{
    readonly value: unknown
    readonly number: number
    readonly bytes: Uint8Array
  }>
}

/**
 * An exported channel that gives each importer every value sent while it is bound. Under the policy
 * `block` a value is taken from the channel when every importer has room; under the others at once,
 * and an importer that is behind by more than `backlog` values loses some, counted.
 */
export class BroadcastSource implements Source, Puller, OutletOwner {
  readonly redelivers = false
  readonly #port: ChannelPort
  readonly #coder: ValueCoder
  readonly #hooks: SourceHooks
  readonly #policy: OverloadPolicy
  readonly #backlog: number
  readonly #outlets = new Map<Outlet, Waiting>()
  readonly #detach: () => void
  #taken = 0
  #dropped = 0
  #end: { readonly failure: Failure | undefined } | undefined

  constructor(
    port: ChannelPort,
    coder: ValueCoder,
    hooks: SourceHooks,
    policy: OverloadPolicy,
    backlog: number
  ) {
    this.#port = port
    this.#coder = coder
    this.#hooks = hooks
    this.#policy = policy
    this.#backlog = policy === 'latest' ? 1 : backlog
    this.#detach = port.attachPuller(this)
  }

  get pending(): number {
    let pending = this.#port.buffered + this.#port.blockedSends
    for (const [outlet, { values }] of this.#outlets) pending += outlet.inFlight + values.length
    return pending
  }

  get mark(): number {
    return this.#taken + this.#port.buffered + this.#port.blockedSends
  }

  get redelivered(): number {
    return 0
  }

  get dropped(): number {
    return this.#dropped
  }

  isTaken(mark: number): boolean {
    if (this.#taken < mark) return false
    for (const [outlet, { values }] of this.#outlets) {
      if (outlet.holds(mark) || values.some(({ number }) => number <= mark)) return false
    }
    return true
  }

  add(init: Omit<OutletInit, 'owner'>): Outlet {
    const outlet = new Outlet({ ...init, owner: this })
    this.#outlets.set(outlet, { values: new Fifo() })
    return outlet
  }

  start(outlet: Outlet): void {
    if (this.#end !== undefined) this.#finish(outlet)
    else this.#port.pull(this)
  }

  stop(failure: Failure | undefined): void {
    this.#detach()
    for (const outlet of this.#outlets.keys()) outlet.end(failure)
  }

  // --- For the local channel ---

  get ready(): boolean {
    if (this.#policy !== 'block') return true
    let isReady = this.#outlets.size > 0
    // Each is asked, so that each that lacks room says when it has it.
    for (const outlet of this.#outlets.keys()) if (!outlet.ready) isReady = false
    return isReady
  }

  take(value: unknown): void {
    const number = ++this.#taken
    let bytes: Uint8Array
    try {
      // The coder of a broadcast lets no channel pass.
      bytes = this.#coder.encode(value, () => 0)
    } catch (error) {
      this.#hooks.report(error as Error)
      return
    }
    if (this.#outlets.size === 0) this.#dropped++
    for (const [outlet, waiting] of this.#outlets) {
      if (bytes.length > outlet.maxValueBytes) {
        outlet.endTooShort(bytes.length)
        continue
      }
      if (waiting.values.length === 0 && outlet.ready) outlet.send(value, number, bytes)
      else this.#queue(outlet, waiting, value, number, bytes)
    }
  }

  end(error: Error | undefined): void {
    this.#end = { failure: failureOf(error) }
    for (const outlet of this.#outlets.keys()) this.#finish(outlet)
  }

  // --- For the importers ---

  onReady(outlet: Outlet): void {
    const waiting = this.#outlets.get(outlet)
    while (waiting !== undefined && waiting.values.length > 0 && outlet.ready) {
      const next = waiting.values.shift()
      if (next !== undefined) outlet.send(next.value, next.number, next.bytes)
    }
    if (this.#end === undefined) this.#port.pull(this)
    else this.#finish(outlet)
    this.#hooks.onProgress()
  }

  onGone(outlet: Outlet, returned: readonly Numbered[], error: Error | undefined): void {
    this.#outlets.delete(outlet)
    this.#hooks.onGone(outlet, returned.length, error)
    if (this.#end === undefined) this.#port.pull(this)
    this.#hooks.onProgress()
  }

  /** The importer's window is full. */
  #queue(
    outlet: Outlet,
    { values }: Waiting,
    value: unknown,
    number: number,
    bytes: Uint8Array
  ): void {
    if (this.#policy !== 'block' && values.length >= this.#backlog) {
      this.#dropped++
      if (this.#policy === 'error') {
        outlet.end({ code: CODE.overload, message: `more than ${this.#backlog} values behind` })
        values.drain()
        return
      }
      if (this.#policy === 'drop-newest') return
      values.shift()
    }
    values.push({ value, number, bytes: new Uint8Array(bytes) })
  }

  #finish(outlet: Outlet): void {
    if (this.#end !== undefined && this.#outlets.get(outlet)?.values.length === 0) {
      outlet.end(this.#end.failure)
    }
  }
}
