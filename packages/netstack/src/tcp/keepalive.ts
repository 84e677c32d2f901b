import type { TcpConfig } from './tcp-config.ts'

/** Probes of a connection that is silent (RFC 9293 §3.8.4); off unless asked for. */
export class KeepAlive {
  readonly #interval: number
  readonly #most: number
  #idle: number
  #sent = 0
  /** When the next probe is due; Infinity when off. */
  at = Infinity
  /** A probe is to be sent by the next `poll`. */
  due = false

  constructor(config: TcpConfig) {
    this.#idle = config.keepAlive
    this.#interval = config.keepAliveInterval
    this.#most = config.keepAliveProbes
  }

  /** @param idle ms of silence before the first probe; 0 is off */
  set(idle: number, now: number): void {
    this.#idle = idle
    this.heard(now)
  }

  /** Something came from the peer. */
  heard(now: number): void {
    if (this.#idle === 0) {
      this.at = Infinity
      return
    }
    this.#sent = 0
    this.due = false
    this.at = now + this.#idle
  }

  /**
   * Time passes: a probe is due once `at` has come.
   *
   * @param busy data is in flight, whose own timers notice a dead peer
   * @returns `false` when the peer has not answered any probe: it is gone
   */
  expired(busy: boolean, now: number): boolean {
    if (now < this.at) return true
    if (busy) {
      this.at = now + this.#idle
      return true
    }
    if (this.#sent === this.#most) return false
    this.#sent++
    this.due = true
    this.at = now + this.#interval
    return true
  }

  stop(): void {
    this.at = Infinity
    this.due = false
  }
}
