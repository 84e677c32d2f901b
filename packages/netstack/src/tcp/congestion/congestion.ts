/** What congestion control may know of an acknowledgement. */
export interface AckSample {
  /** Bytes newly acknowledged, cumulatively. */
  readonly acked: number
  /** Round trip of the newest of them in ms, or -1 when there is none that counts. */
  readonly rtt: number
  /** `SND.UNA` after it, and `SND.NXT`, to tell rounds apart. */
  readonly una: number
  readonly nxt: number
  readonly now: number
}

/**
 * How much may be in flight. Sizes in bytes, times in ms.
 *
 * Recovery itself (what to send while losses are repaired) is not its business: PRR
 * and the retransmission timeout set `window` meanwhile.
 */
export interface Congestion {
  /** The congestion window. */
  window: number
  /** Slow start ends here. */
  threshold: number
  /** New data was acknowledged while the window was in full use. */
  acked(sample: AckSample, smoothedRtt: number): void
  /**
   * A loss was detected: sets `threshold`, to which PRR brings `window` down.
   *
   * @param outstanding bytes sent and not acknowledged before the loss was known
   */
  lost(outstanding: number): void
  /** The retransmission timeout passed: sets `threshold`; `window` becomes one segment. */
  timedOut(outstanding: number): void
  /** The loss was none: as it was before. */
  undo(): void
  /** Nothing was sent for a while: growth does not go on from where time has left it. */
  idled(idle: number): void
  /** The segment size changed. */
  resize(mss: number): void
}

/** The initial window (RFC 6928): ten segments, but not more than 14,600 bytes unless segments are large. */
export function initialWindow(segments: number, mss: number): number {
  return Math.min(segments * mss, Math.max(2 * mss, segments * 1460))
}
