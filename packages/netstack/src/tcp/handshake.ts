import { INITIAL_RTO } from './rtt.ts'

/** When our SYN, or SYN-ACK, is sent and sent again (RFC 6298 §5, 9293 §3.8.3). */
export class Handshake {
  readonly #longest: number
  #wait = INITIAL_RTO
  /** -1 when a cookie stood for the handshake, and nobody remembers. */
  #sentAt = -1
  /** It is to be sent by the next `poll`. */
  due = false
  /** When it is to be sent again; Infinity when the handshake is over. */
  at = Infinity
  retransmits = 0

  /** @param longest wait after which it is not sent again, in ms */
  constructor(longest: number) {
    this.#longest = longest
  }

  start(now: number): void {
    this.due = true
    this.#sentAt = now
    this.#wait = INITIAL_RTO
    this.at = now + this.#wait
  }

  /** The last wait is over: `false` when it was the longest, and the peer is given up. */
  expired(now: number): boolean {
    this.#wait *= 2
    if (this.#wait > this.#longest) return false
    this.due = true
    this.retransmits++
    this.at = now + this.#wait
    return true
  }

  /**
   * The peer has answered.
   *
   * @returns the round trip in ms; -1 when it is not known which transmission was answered (Karn)
   */
  done(now: number): number {
    this.due = false
    this.at = Infinity
    return this.retransmits === 0 && this.#sentAt >= 0 ? now - this.#sentAt : -1
  }
}
