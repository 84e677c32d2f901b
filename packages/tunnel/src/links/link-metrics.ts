/** Share of the old value in each average, as in go-micro's tunnel. */
const KEEP = 0.8

/** An exponentially weighted moving average: 0.8 old + 0.2 new; the first sample as it is. */
export class Ewma {
  #value: number | undefined

  get value(): number | undefined {
    return this.#value
  }

  add(sample: number): void {
    if (!Number.isFinite(sample) || sample < 0) return
    this.#value = this.#value === undefined ? sample : KEEP * this.#value + (1 - KEEP) * sample
  }
}

/** Errors in a row after which a link counts as failed. */
export const MAX_LINK_ERRORS = 4

/** What is measured of a link. Time is an argument: monotonic milliseconds. */
export class LinkMetrics {
  readonly #length = new Ewma()
  readonly #rate = new Ewma()
  #countedBytes: number | undefined
  #countedAt = 0
  #errors = 0

  /** Round-trip time in milliseconds. */
  get length(): number | undefined {
    return this.#length.value
  }

  /** Bits per second that the link carries. */
  get rate(): number | undefined {
    return this.#rate.value
  }

  /** Errors since the last success. */
  get errors(): number {
    return this.#errors
  }

  get failed(): boolean {
    return this.#errors >= MAX_LINK_ERRORS
  }

  roundTrip(ms: number): void {
    this.#length.add(ms)
  }

  /**
   * Takes the bytes carried since the link began, both ways. Idle time counts as well, so that the
   * rate of a link that was busy falls again.
   */
  carried(totalBytes: number, now: number): void {
    const before = this.#countedBytes
    const seconds = (now - this.#countedAt) / 1000
    this.#countedBytes = totalBytes
    this.#countedAt = now
    if (before === undefined || seconds <= 0) return
    // Bytes of sessions that ended are no longer in the total.
    const bytes = Math.max(0, totalBytes - before)
    if (bytes === 0 && this.rate === undefined) return
    this.#rate.add((bytes * 8) / seconds)
  }

  success(): void {
    this.#errors = 0
  }

  /** @returns `true` when this error was one too many */
  error(): boolean {
    this.#errors++
    return this.failed
  }
}
