import type { BackoffOptions } from '@warren/utils'
import { Backoff } from '@warren/utils'

/**
 * Milliseconds by which the return to a peer is spread for each link that it had: about 20 of its
 * clients come back a second, however many they are (as far as the longest pause reaches).
 */
const SPREAD_PER_LINK = 50

/**
 * How long to wait before a node is dialled again. A peer tells how many links it has; its death
 * takes them all at the same moment, and nobody who loses one can know that it is not the only one.
 * So each return is drawn from a range as wide as that number asks for. Times in milliseconds.
 */
export class RedialPauses {
  readonly #options: BackoffOptions
  readonly #random: () => number
  readonly #backoff: Backoff
  #spread = 0

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options
    this.#random = random
    this.#backoff = new Backoff(options, random)
  }

  /** Failed attempts since the last success. */
  get attempts(): number {
    return this.#backoff.attempts
  }

  /** The peer had so many links. Its own word: it can delay nobody beyond the longest pause. */
  crowd(links: number): void {
    this.#spread = Math.min(this.#options.max, links * SPREAD_PER_LINK)
  }

  /** Starts anew after a success. */
  reset(): void {
    this.#backoff.reset()
  }

  /** Before the first attempt to make a link anew that was established and that nothing waits for. */
  idle(): number {
    return this.#random() * this.#spread
  }

  /**
   * After an attempt that failed, or a peer that left. Twice as wide as the first range, so that those
   * who found the peer dead do not come on top of those who have not tried yet.
   */
  failed(): number {
    return this.#backoff.next(2 * this.#spread)
  }
}
