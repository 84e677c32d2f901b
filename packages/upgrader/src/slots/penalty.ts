/** How penalties grow; all in milliseconds. */
export interface PenaltyOptions {
  readonly penalty: number
  readonly penaltyThreshold: number
  readonly maxPenalty: number
}

/**
 * What a source owes for protocol violations, as in OpenSSH's `PerSourcePenalties`: each adds some
 * time, which runs off by itself; once it has grown to the threshold the source is shut out until
 * all of it is over. So one bad handshake costs nothing, and a stream of them up to ten minutes.
 */
export class Penalty {
  readonly #options: PenaltyOptions
  #until = Number.NEGATIVE_INFINITY
  #active = false

  constructor(options: PenaltyOptions) {
    this.#options = options
  }

  add(now: number): void {
    const { penalty, penaltyThreshold, maxPenalty } = this.#options
    if (!this.active(now)) this.#active = false
    this.#until = Math.min(Math.max(this.#until, now) + penalty, now + maxPenalty)
    if (this.#until - now >= penaltyThreshold) this.#active = true
  }

  active(now: number): boolean {
    return this.#active && now < this.#until
  }
}
