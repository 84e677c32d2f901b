/** Granularity of the clock in RFC 6298's formula, in ms. */
const GRANULARITY = 1

/** Before the first measurement (RFC 6298 §2.1). */
export const INITIAL_RTO = 1000

/** Shortest round trip, in ms. */
const LEAST_SAMPLE = 0.001

/** How long a minimum of the round trip counts, in ms: paths change. */
const MIN_RTT_WINDOW = 300_000

/** Round trip estimates and the retransmission timeout (RFC 6298). Times in ms. */
export class RoundTrip {
  /** Smoothed; 0 before the first sample. */
  smoothed = 0
  variation = 0
  minimum = Infinity
  #minimumAt = 0
  #base = INITIAL_RTO
  /** Doublings since the last acknowledgement of something new. */
  backoffs = 0
  readonly #least: number
  readonly #most: number

  constructor(least: number, most: number) {
    this.#least = least
    this.#most = most
  }

  /** A segment that was sent once took so long until its acknowledgement. */
  sample(measured: number, now: number): void {
    // Never quite 0, which means "not measured", and would decay into denormal numbers.
    const time = Math.max(measured, LEAST_SAMPLE)
    if (time <= this.minimum || now - this.#minimumAt > MIN_RTT_WINDOW) {
      this.minimum = time
      this.#minimumAt = now
    }
    if (this.smoothed === 0) {
      this.smoothed = time
      this.variation = time / 2
    } else {
      this.variation += (Math.abs(this.smoothed - time) - this.variation) / 4
      this.smoothed += (time - this.smoothed) / 8
    }
    // The least is a margin above the round trip, as in Linux: a peer's delayed ACK fits in it.
    this.#base = this.smoothed + Math.max(this.#least, GRANULARITY, 4 * this.variation)
  }

  /** The timeout, with its back-off. */
  get timeout(): number {
    return Math.min(this.#base * 2 ** this.backoffs, this.#most)
  }

  /** The timeout without back-off. */
  get base(): number {
    return Math.min(this.#base, this.#most)
  }

  /** A timeout has passed: the next is twice as long (RFC 6298 §5.5). */
  backOff(): void {
    if (this.timeout < this.#most) this.backoffs++
  }

  /** The SYN itself timed out: the data phase starts with three seconds (RFC 6298 §5.7). */
  afterLostSyn(): void {
    if (this.smoothed === 0) this.#base = 3 * INITIAL_RTO
    this.backoffs = 0
  }
}
