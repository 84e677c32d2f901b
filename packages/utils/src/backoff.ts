/** Delays between attempts; all in milliseconds. */
export interface BackoffOptions {
  /** The first delay. */
  readonly first: number
  /** Factor from one delay to the next. */
  readonly factor: number
  /** No delay is longer. */
  readonly max: number
}

/**
 * Exponential back-off with full jitter: the delay before attempt n is drawn evenly from
 * 0 to min(max, first × factorⁿ), so that many clients of a dead hub do not return at once.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #options: BackoffOptions
  readonly #random: () => number
  #attempts = 0

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options
    this.#random = random
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts
  }

  /**
   * The delay before the next attempt, in milliseconds; counts the attempt.
   *
   * @param widest the delay is drawn from at least so wide a range, `max` permitting
   */
  next(widest = 0): number {
    const { first, factor, max } = this.#options
    const ceiling = Math.min(max, Math.max(widest, first * factor ** this.#attempts))
    this.#attempts++
    return this.#random() * ceiling
  }

  /** Starts anew after a success. */
  reset(): void {
    this.#attempts = 0
  }
}
