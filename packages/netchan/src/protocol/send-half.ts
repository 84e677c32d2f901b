import { CODE, Violation } from './codes.ts'
import { Fifo } from '../fifo.ts'
import type { Window } from './frames.ts'
import { MAX_WINDOW_BYTES, MAX_WINDOW_ITEMS } from './limits.ts'

/**
 * `granting`: the peer has not said its window. `open`: values go. `closing`: `close` was sent,
 * values wait to be confirmed. `over`: the end.
 */
export type SendState = 'granting' | 'open' | 'closing' | 'over'

/**
 * The sending half of a binding: which values the peer's application has not taken, and whether the
 * window has room for another. A value stays on record until a credit confirms it.
 */
export class SendHalf {
  #state: SendState = 'granting'
  #items = 0
  #bytes = 0
  /** The values themselves, in whatever form the sender wants them back. */
  readonly #tokens = new Fifo<unknown>()
  readonly #sizes = new Fifo<number>()
  #inFlightBytes = 0
  /** Values that may still be sent; Infinity without a count. */
  #remaining: number
  #sent = 0

  /** @param count values after which it ends; 0: no limit */
  constructor(count: number) {
    this.#remaining = count === 0 ? Infinity : count
  }

  get state(): SendState {
    return this.#state
  }

  /** One more value may be sent now. */
  get ready(): boolean {
    return (
      this.#state === 'open' &&
      this.#tokens.length < this.#items &&
      this.#inFlightBytes < this.#bytes &&
      this.#remaining > 0
    )
  }

  /** Its count has been sent. */
  get exhausted(): boolean {
    return this.#remaining === 0
  }

  /** Values sent and not confirmed. */
  get inFlight(): number {
    return this.#tokens.length
  }

  /** Values ever sent. */
  get sent(): number {
    return this.#sent
  }

  /** Values that the peer's application has taken. */
  get confirmed(): number {
    return this.#sent - this.#tokens.length
  }

  /** The peer's window; larger ones than we make use of are cut. */
  grant(window: Window): void {
    this.#items = Math.min(window.items, MAX_WINDOW_ITEMS)
    this.#bytes = Math.min(window.bytes, MAX_WINDOW_BYTES)
    if (this.#state === 'granting') this.#state = 'open'
  }

  /** A value of `size` bytes was sent. */
  record(token: unknown, size: number): void {
    this.#tokens.push(token)
    this.#sizes.push(size)
    this.#inFlightBytes += size
    this.#remaining--
    this.#sent++
  }

  /**
   * The peer's application has taken the oldest `taken` values.
   *
   * @throws Violation when so many are not in flight
   */
  confirm(taken: number): void {
    if (taken > this.#tokens.length) {
      throw new Violation(
        CODE.surplusCredit,
        `a credit for ${taken} values, where ${this.#tokens.length} are in flight`
      )
    }
    for (let i = 0; i < taken; i++) {
      this.#tokens.shift()
      this.#inFlightBytes -= this.#sizes.shift() ?? 0
    }
    if (this.#state === 'closing' && this.#tokens.length === 0) this.#state = 'over'
  }

  /** No more will be sent. */
  end(): void {
    this.#state = this.#tokens.length === 0 ? 'over' : 'closing'
  }

  /** Over at once: nothing will be confirmed any more. */
  abandon(): void {
    this.#state = 'over'
  }

  /** The values that nobody confirmed, oldest first; they are the caller's from now on. */
  takeUnconfirmed(): unknown[] {
    this.#sizes.drain()
    this.#inFlightBytes = 0
    return this.#tokens.drain()
  }
}
