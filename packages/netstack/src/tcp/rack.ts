import { type Flight, SENT, sentAfter } from './flight.ts'
import type { RoundTrip } from './rtt.ts'
import { after, before } from './seq.ts'

/** SACKed segments that show a loss when no reordering was ever seen (RFC 8985 §3.3.2). */
export const DUP_THRESHOLD = 3

/** Recoveries without a DSACK after which the window for reordering narrows again. */
const PERSIST = 16

/**
 * RACK (RFC 8985 §6): a segment is lost when one sent later has arrived, and some time for
 * reordering has passed.
 */
export class Rack {
  /** Of the most recently sent segment among those that arrived. */
  sentAt = -Infinity
  end = 0
  rtt = 0
  /** The highest sequence number that was (selectively) acknowledged. */
  #forward = 0
  reorderingSeen = false
  #multiplier = 1
  #persist = PERSIST
  #dsackRound = 0
  #dsackRoundSet = false

  constructor(start: number) {
    this.#forward = start
  }

  /** A segment arrived, by ACK or SACK; before it leaves the flight. Step 1 to 3 of §6.2. */
  delivered(
    flight: Flight,
    index: number,
    now: number,
    roundTrip: RoundTrip,
    echoedAt: number
  ): void {
    const sentAt = flight.sentAt(index)
    const end = flight.end(index)
    const resent = (flight.flags(index) & SENT.retransmitted) !== 0
    if (after(end, this.#forward)) this.#forward = end
    else if (before(end, this.#forward) && !resent) this.reorderingSeen = true
    const rtt = now - sentAt
    // An answer too early for the retransmission is one to the original.
    if (resent && (echoedAt < Math.floor(sentAt) || rtt < roundTrip.minimum)) return
    if (sentAfter(sentAt, end, this.sentAt, this.end)) {
      this.rtt = rtt
      this.sentAt = sentAt
      this.end = end
    }
  }

  /** A DSACK came: the window for reordering was too narrow (once per round trip). */
  duplicate(una: number, nxt: number): void {
    if (this.#dsackRoundSet && before(una, this.#dsackRound)) return
    this.#dsackRound = nxt
    this.#dsackRoundSet = true
    this.#multiplier++
    this.#persist = PERSIST
  }

  /** A recovery ended. */
  recovered(): void {
    if (--this.#persist <= 0) this.#multiplier = 1
  }

  /**
   * Marks what is lost (§6.2 step 5).
   *
   * @returns how long until more may be, 0 when nothing waits
   */
  detect(flight: Flight, now: number, roundTrip: RoundTrip, recovering: boolean): number {
    const wait = this.rtt + this.window(flight, roundTrip, recovering)
    let longest = 0
    let index = flight.oldest
    while (index >= 0) {
      const sentAt = flight.sentAt(index)
      if (!sentAfter(this.sentAt, this.end, sentAt, flight.end(index))) break
      const next = flight.newer(index)
      const remaining = sentAt + wait - now
      if (remaining <= 0) flight.markLost(index)
      else if (remaining > longest) longest = remaining
      index = next
    }
    return longest
  }

  /** Time for reordering, on top of the round trip (§6.2 step 4). */
  window(flight: Flight, roundTrip: RoundTrip, recovering: boolean): number {
    if (!this.reorderingSeen && (recovering || flight.sackedCount >= DUP_THRESHOLD)) return 0
    const quarter = roundTrip.minimum === Infinity ? 0 : roundTrip.minimum / 4
    return Math.min(this.#multiplier * quarter, roundTrip.smoothed)
  }
}
