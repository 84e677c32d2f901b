import { after } from '../seq.ts'
import type { AckSample } from './congestion.ts'

// Constants of RFC 9406 §4.3; times in ms.
const MIN_RTT_THRESHOLD = 4
const MAX_RTT_THRESHOLD = 16
const MIN_RTT_DIVISOR = 8
const SAMPLES = 8
const GROWTH_DIVISOR = 4
const CSS_ROUNDS = 5
/** Segments that one ACK may add to the window when sending is not paced. */
const LIMIT = 8

/**
 * HyStart++ (RFC 9406): leaves slow start before it loses packets, when the round trip grows.
 * First it grows four times slower for five rounds, and goes back if the round trip did too.
 */
export class HyStart {
  #windowEnd = 0
  #started = false
  #samples = 0
  #lastMin = Infinity
  #currentMin = Infinity
  /** Round trip at which conservative slow start began; Infinity outside of it. */
  #baseline = Infinity
  #cssRounds = 0

  /**
   * Bytes that an ACK adds to the window during slow start.
   *
   * @returns -1 when slow start is over: the threshold becomes the window
   */
  grow(sample: AckSample, mss: number): number {
    if (!this.#started || after(sample.una, this.#windowEnd)) {
      if (this.#started && this.#baseline !== Infinity && ++this.#cssRounds >= CSS_ROUNDS) return -1
      this.#started = true
      this.#windowEnd = sample.nxt
      this.#lastMin = this.#currentMin
      this.#currentMin = Infinity
      this.#samples = 0
    }
    if (sample.rtt >= 0) {
      this.#samples++
      this.#currentMin = Math.min(this.#currentMin, sample.rtt)
    }
    const bytes = Math.min(sample.acked, LIMIT * mss)
    if (this.#baseline === Infinity) {
      if (this.#slower()) {
        this.#baseline = this.#currentMin
        this.#cssRounds = 0
      }
      return bytes
    }
    // The delay was not ours: back to slow start.
    if (this.#samples >= SAMPLES && this.#currentMin < this.#baseline) this.#baseline = Infinity
    return Math.floor(bytes / GROWTH_DIVISOR)
  }

  #slower(): boolean {
    if (this.#samples < SAMPLES || this.#lastMin === Infinity) return false
    const threshold = Math.max(
      MIN_RTT_THRESHOLD,
      Math.min(this.#lastMin / MIN_RTT_DIVISOR, MAX_RTT_THRESHOLD)
    )
    return this.#currentMin >= this.#lastMin + threshold
  }
}
