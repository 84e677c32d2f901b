/**
 * Limits the ACKs that answer segments which could be forged (RFC 5961 §7), for one connection: a
 * limit for all of them would tell an outsider what another connection receives (CVE-2016-5696).
 */
export class Challenge {
  readonly #interval: number
  readonly #random: () => number
  #next = -Infinity

  constructor(interval: number, random: () => number) {
    this.#interval = interval
    this.#random = random
  }

  /** May one be sent now? Then the next has to wait. */
  allowed(now: number): boolean {
    if (now < this.#next) return false
    this.#next = now + this.#interval * (0.5 + this.#random())
    return true
  }
}
