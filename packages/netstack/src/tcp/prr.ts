/**
 * Proportional rate reduction (RFC 6937, 9937): during recovery, how much may be sent for each byte
 * that is reported delivered, so that the window comes down to the threshold without a gap or a burst.
 */
export class Prr {
  #delivered = 0
  #out = 0
  readonly #atStart: number

  /** @param inFlight bytes in flight when the loss was detected */
  constructor(inFlight: number) {
    this.#atStart = Math.max(inFlight, 1)
  }

  /** Bytes were sent during recovery. */
  sent(bytes: number): void {
    this.#out += bytes
  }

  /**
   * An acknowledgement came.
   *
   * @param delivered bytes that it newly reports
   * @param safe it moved `SND.UNA` and showed no further loss
   * @returns bytes that may be sent now
   */
  allowed(
    delivered: number,
    inFlight: number,
    threshold: number,
    mss: number,
    safe: boolean
  ): number {
    this.#delivered += delivered
    let count: number
    if (inFlight > threshold) {
      count = Math.ceil((this.#delivered * threshold) / this.#atStart) - this.#out
    } else {
      count = Math.max(this.#delivered - this.#out, delivered)
      if (safe) count += mss
      count = Math.min(threshold - inFlight, count)
    }
    // The first retransmission never waits.
    if (this.#out === 0) count = Math.max(count, mss)
    return Math.max(count, 0)
  }
}
