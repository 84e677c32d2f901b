/** Size and speed of a {@link TokenBucket}. */
export interface TokenBucketOptions {
  /** Tokens that the bucket holds when full, and at the start. */
  readonly burst: number
  /** Tokens that flow back per second. */
  readonly perSecond: number
}

/** A rate limit with a burst. Time is an argument (monotonic milliseconds), never read. */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #tokens: number
  #at: number

  constructor(options: TokenBucketOptions, now: number) {
    this.#burst = options.burst
    this.#perMs = options.perSecond / 1000
    this.#tokens = options.burst
    this.#at = now
  }

  /** Takes `count` tokens if they are there; `false`, and nothing taken, if they are not. */
  take(now: number, count = 1): boolean {
    this.#tokens = this.tokens(now)
    this.#at = now
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** Tokens in the bucket at `now`. A full bucket is one that may be forgotten. */
  tokens(now: number): number {
    return Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs)
  }
}
