import { NetchanLinkLostError } from '../errors.ts'
import { errorOf } from '../failures.ts'
import type { Binding, BindingEvent, BindingHandler } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'
import { Fifo } from '../fifo.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import type { CarriedEnds, CarriedPump } from '../pumps/carried-ends.ts'

/** A value of an exported channel, and its place in the order in which they were taken from it. */
export interface Numbered {
  readonly value: unknown
  readonly number: number
}

/** What an {@link Outlet} tells the source that it belongs to. */
export interface OutletOwner {
  /** There may be room for more, or values were confirmed. */
  onReady(outlet: Outlet): void
  /** It is over; `returned`: what was sent and nobody confirmed, in order. Called once. */
  onGone(outlet: Outlet, returned: readonly Numbered[], error: Error | undefined): void
}

/** What an {@link Outlet} works on. */
export interface OutletInit {
  /** For messages: `channel prices`. */
  readonly what: string
  readonly core: LinkCore
  readonly binding: Binding
  readonly ends: CarriedEnds
  readonly owner: OutletOwner
}

/** One importer of an exported channel that sends: what is in flight to it. */
export class Outlet implements BindingHandler {
  readonly #init: OutletInit
  readonly #numbers = new Fifo<number>()
  /** Channels inside values in flight, taken back with them. */
  readonly #carried = new Fifo<{
    readonly number: number
    readonly pumps: readonly CarriedPump[]
  }>()
  #gone = false

  constructor(init: OutletInit) {
    this.#init = init
    init.binding.handler = this
  }

  get ends(): CarriedEnds {
    return this.#init.ends
  }

  /** Another value may be sent to it now. */
  get ready(): boolean {
    return !this.#gone && this.#init.core.canSend(this.#init.binding)
  }

  get inFlight(): number {
    return this.#init.binding.send?.inFlight ?? 0
  }

  get sent(): number {
    return this.#init.binding.send?.sent ?? 0
  }

  /** The longest value that the peer accepts. */
  get maxValueBytes(): number {
    return this.#init.core.peerMaxValueBytes
  }

  /** Some value up to `number` is in flight. */
  holds(number: number): boolean {
    this.#settle()
    return this.#numbers.some(each => each <= number)
  }

  /** Sends a value; only while {@link Outlet.ready}. */
  send(value: unknown, number: number, bytes: Uint8Array): void {
    const { core, binding, ends } = this.#init
    const pumps = ends.commit()
    if (pumps.length > 0) this.#carried.push({ number, pumps })
    this.#settle()
    this.#numbers.push(number)
    core.send(binding, bytes, value)
    if (binding.send?.exhausted === true) this.end(undefined)
  }

  /** Sends no more. It is gone once everything is confirmed. */
  end(failure: Failure | undefined): void {
    const { core, binding } = this.#init
    core.end(binding, failure)
    if (binding.send?.state === 'over') this.#go(undefined)
  }

  /** A value is longer than its importer accepts, which gets no more of them. */
  endTooShort(bytes: number): void {
    this.end({
      code: CODE.limit,
      message: `a value of ${bytes} bytes is longer than this importer accepts`
    })
  }

  handle(event: BindingEvent): void {
    if (this.#gone) return
    const { what, owner, binding } = this.#init
    switch (event.type) {
      case 'ready':
        if (binding.send?.state === 'over') this.#go(undefined)
        else owner.onReady(this)
        return
      case 'left':
        // An importer that leaves has not failed.
        this.#go(
          event.failure === undefined || event.failure.code === CODE.hangup
            ? undefined
            : errorOf(event.failure, what, this.inFlight)
        )
        return
      case 'failed':
      case 'refused':
        this.#go(errorOf(event.failure, what, this.inFlight))
        return
      case 'lost':
        this.#go(
          new NetchanLinkLostError(`${what}: ${event.error.message}`, this.inFlight, {
            cause: event.error
          })
        )
        return
      case 'bound':
      case 'data':
      case 'ended':
      case 'drained':
    }
  }

  #go(error: Error | undefined): void {
    if (this.#gone) return
    this.#gone = true
    this.#settle()
    const numbers = this.#numbers.drain()
    for (const { number, pumps } of this.#carried.drain()) {
      if (numbers.includes(number)) for (const pump of pumps) pump.release()
    }
    const values = this.#init.binding.send?.takeUnconfirmed() ?? []
    const returned = values.map((value, i) => ({ value, number: numbers[i] ?? 0 }))
    this.#init.owner.onGone(this, returned, error)
  }

  /** Forgets the numbers of what was confirmed meanwhile: always the oldest. */
  #settle(): void {
    while (this.#numbers.length > this.inFlight) {
      const number = this.#numbers.shift()
      if (this.#carried.peek()?.number === number) this.#carried.shift()
    }
  }
}
