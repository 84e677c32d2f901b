import { TokenBucket } from '@warren/utils'
import { YamuxFloodError } from '../errors.ts'

/** Rates that the guard allows. */
export interface FloodLimits {
  readonly resetBurst: number
  readonly resetsPerSecond: number
  readonly glitchBurst: number
  readonly glitchesPerSecond: number
}

/**
 * Counts what costs the peer nothing and us something: streams that are opened only to be reset, and
 * frames that make no progress. Honest peers do a few of either; past the limit the connection ends.
 */
export class FloodGuard {
  readonly #resets: TokenBucket
  readonly #glitches: TokenBucket

  constructor(limits: FloodLimits, now: number) {
    this.#resets = new TokenBucket(
      { burst: limits.resetBurst, perSecond: limits.resetsPerSecond },
      now
    )
    this.#glitches = new TokenBucket(
      { burst: limits.glitchBurst, perSecond: limits.glitchesPerSecond },
      now
    )
  }

  /** A stream of the peer ended in a reset. @throws {YamuxFloodError} */
  reset(now: number): void {
    if (!this.#resets.take(now)) {
      throw new YamuxFloodError('the peer opens and resets streams faster than the limit')
    }
  }

  /** A frame made no progress. @throws {YamuxFloodError} */
  glitch(now: number): void {
    if (!this.#glitches.take(now)) {
      throw new YamuxFloodError('the peer sends frames that make no progress faster than the limit')
    }
  }
}
