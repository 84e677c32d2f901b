/** What to do now: nothing, ask the peer for a sign of life, or give it up. */
export type KeepAliveVerdict = 'quiet' | 'ping' | 'dead'

/**
 * Liveness by silence: after `interval` without a byte from the peer it is pinged, and once more for
 * each further interval; after `misses` unanswered pings it is dead. Any byte is a sign of life.
 */
export class KeepAlive {
  readonly #interval: number
  readonly #misses: number
  /** When the peer was last heard, or last pinged: so that a process that slept does not give up at once. */
  #since: number
  #pings = 0

  /** @param interval milliseconds; 0 switches keepalive off */
  constructor(interval: number, misses: number, now: number) {
    this.#interval = interval
    this.#misses = misses
    this.#since = now
  }

  heard(now: number): void {
    this.#since = now
    this.#pings = 0
  }

  /** When {@link KeepAlive.check} has something to say, or `Infinity`. */
  get nextTimeout(): number {
    return this.#interval === 0 ? Infinity : this.#since + this.#interval
  }

  check(now: number): KeepAliveVerdict {
    if (now < this.nextTimeout) return 'quiet'
    if (this.#pings >= this.#misses) return 'dead'
    this.#pings++
    this.#since = now
    return 'ping'
  }
}
