import { INITIAL_RTO } from './rtt.ts'

/** When our SYN, or SYN-ACK, is sent and sent again (RFC 6298 §5, 9293 §3.8.3). */
export class Handshake {
  readonly #longest: number
  readonly #startedAt: number
  #wait = INITIAL_RTO
  #transmissions = 0
  /** It is to be sent by the next `poll`. */
  due = true
  /** When it is to be sent again. */
  at: number

  /** @param longest wait after which it is not sent again, in ms */
  constructor(longest: number, now: number) {
    this.#longest = longest
    this.#startedAt = now
    this.at = now + this.#wait
  }

  /**
   * It was sent.
   *
   * @returns whether that was not the first time
   */
  sent(): boolean {
    this.due = false
    return ++this.#transmissions > 1
  }

  /** `false` when the longest wait is over, and the peer is given up. */
  expired(now: number): boolean {
    if (now < this.at) return true
    this.#wait *= 2
    if (this.#wait > this.#longest) return false
    this.due = true
    this.at = now + this.#wait
    return true
  }

  /** The round trip in ms; -1 when it is not known which transmission was answered (Karn). */
  roundTrip(now: number): number {
    return this.#transmissions === 1 ? now - this.#startedAt : -1
  }
}
