import { ChannelClosedError } from '../errors.ts'
import { NOTHING } from './channel-port.ts'
import type { ChannelPort, Puller, Pusher } from './channel-port.ts'
import { Pumps } from './pumps.ts'
import { Fifo } from '../fifo.ts'
import { WaitQueue } from './wait-queue.ts'

/**
 * What stands behind both ends of a channel: its buffer, and who waits at either side.
 *
 * A receive that waits is a puller, and a send that waits a pusher, each for one value: so calls,
 * selects and pumps take turns in one queue. Between two calls nobody waits for values while there
 * are any, and nobody with values while there is room. A pump may call back from within; so each
 * step looks again at what there is.
 */
export class ChannelCore implements ChannelPort {
  readonly capacity: number
  readonly takers = new WaitQueue<Puller>()
  readonly givers = new WaitQueue<Pusher>()
  readonly #buffer = new Fifo<unknown>()
  readonly #pullers = new Pumps<Puller>(this.takers)
  readonly #pushers = new Pumps<Pusher>(this.givers)
  #guards: readonly ((value: unknown) => void)[] = []
  #end: { readonly error: Error | undefined } | undefined

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get buffered(): number {
    return this.#buffer.length
  }

  get blockedSends(): number {
    return this.givers.calls
  }

  get blockedReceives(): number {
    return this.takers.calls
  }

  get closed(): boolean {
    return this.#end !== undefined
  }

  get error(): Error | undefined {
    return this.#end?.error
  }

  /** A send would not wait. */
  get sendable(): boolean {
    return this.closed || this.takers.ready || this.#buffer.length < this.capacity
  }

  /** A receive would not wait. */
  get receivable(): boolean {
    return this.closed || this.#buffer.length > 0 || this.givers.ready
  }

  /** What a send on the closed channel is refused with. */
  get refusal(): Error {
    return this.error ?? new ChannelClosedError('the channel is closed: the value was not sent')
  }

  /** Throws when a value may not be sent. */
  check(value: unknown): void {
    if (this.closed) throw this.refusal
    for (const guard of this.#guards) guard(value)
  }

  /** Takes in a value that was checked; `false` when there is no room. */
  accept(value: unknown): boolean {
    const taker = this.takers.next()?.party
    if (taker !== undefined) taker.take(value)
    else if (this.#buffer.length < this.capacity) this.#buffer.push(value)
    else return false
    return true
  }

  /** Gives a value out; {@link NOTHING} when there is none now. */
  poll(): unknown {
    if (this.#buffer.length === 0) return this.#fetch()
    const value = this.#buffer.shift()
    this.#settle()
    return value
  }

  attachPuller(puller: Puller): () => void {
    if (this.closed && this.#buffer.length === 0) {
      puller.end(this.error)
      return () => {}
    }
    this.#pullers.attach(puller)
    this.pull(puller)
    return () => this.#pullers.detach(puller)
  }

  pull(puller: Puller): void {
    this.#pullers.wake(puller)
    this.#settle()
  }

  attachPusher(pusher: Pusher): () => void {
    if (this.closed) {
      pusher.end(this.error)
      return () => {}
    }
    this.#pushers.attach(pusher)
    this.push(pusher)
    return () => this.#pushers.detach(pusher)
  }

  push(pusher: Pusher): void {
    this.#pushers.wake(pusher)
    this.#settle()
  }

  guard(check: (value: unknown) => void): () => void {
    // An own function for each, so that the same check can be added twice.
    const guard = (value: unknown): void => check(value)
    this.#guards = [...this.#guards, guard]
    return () => {
      this.#guards = this.#guards.filter(each => each !== guard)
    }
  }

  close(error?: Error): void {
    if (this.closed) return
    this.#end = { error }
    // Ready ones stand in the queue, the others only among the pumps.
    const pushers = this.#pushers.drain()
    for (const call of this.givers.drain()) call.end(error)
    for (const pusher of pushers) pusher.end(error)
    this.#endPullers()
  }

  /** Hands out what there is, the oldest first, and fetches as much as there is room for. */
  #settle(): void {
    for (;;) {
      const wanted = this.takers.ready
      if (wanted && this.#buffer.length > 0) {
        this.takers.next()?.party.take(this.#buffer.shift())
        continue
      }
      if (!wanted && this.#buffer.length >= this.capacity) break
      const value = this.#fetch()
      if (value === NOTHING) break
      const taker = this.takers.next()?.party
      if (taker === undefined) this.#buffer.push(value)
      else taker.take(value)
    }
    this.#endPullers()
  }

  /** The value of the giver whose turn it is. */
  #fetch(): unknown {
    for (let place = this.givers.next(); place !== undefined; place = this.givers.next()) {
      const value = place.party.give()
      if (value !== NOTHING) return value
      place.leave()
    }
    return NOTHING
  }

  /** Once closed and empty, whoever waits for values waits no longer. */
  #endPullers(): void {
    if (this.#end === undefined || this.#buffer.length > 0) return
    const { error } = this.#end
    const pullers = this.#pullers.drain()
    for (const call of this.takers.drain()) call.end(error)
    for (const puller of pullers) puller.end(error)
  }
}
