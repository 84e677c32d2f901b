import { before } from './seq.ts'

/** A delayed acknowledgement of one segment takes at most this long, in ms (RFC 8985 §7.2). */
const WORST_DELAYED_ACK = 200

/** Before the first round trip is measured, in ms. */
const FIRST_TIMEOUT = 1000

/**
 * Tail loss probe (RFC 8985 §7): when the last segments of a flight stay unanswered for two round
 * trips, one more is sent, so that its SACK shows the loss and no timeout is needed.
 */
export class TailProbe {
  /** One was sent and not answered yet. */
  active = false
  /** It is to be sent by the next `poll`. */
  due = false
  #end = 0
  #resent = false

  /** When to probe, in ms from now. */
  timeout(smoothedRtt: number, segmentsInFlight: number): number {
    if (smoothedRtt === 0) return FIRST_TIMEOUT
    return 2 * smoothedRtt + (segmentsInFlight === 1 ? WORST_DELAYED_ACK : 0)
  }

  /** @param resent the last segment again, or new data */
  sent(end: number, resent: boolean): void {
    this.due = false
    this.active = true
    this.#end = end
    this.#resent = resent
  }

  /**
   * An acknowledgement came (§7.4.2).
   *
   * @param duplicate it carries a DSACK
   * @param bare it repeats `SND.UNA` and carries no SACK
   * @returns whether the probe repaired a loss that nothing else has shown
   */
  acked(una: number, duplicate: boolean, bare: boolean): boolean {
    if (!this.active || before(una, this.#end)) return false
    if (!this.#resent || duplicate) this.active = false
    else if (una !== this.#end) {
      this.active = false
      return true
    } else if (bare) this.active = false
    return false
  }

  cancel(): void {
    this.active = this.due = false
  }
}
