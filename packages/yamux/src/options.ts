import type { StreamOptions } from '@libp2p/interface'
import { INITIAL_WINDOW } from './core/constants.ts'
import { DEFAULTS } from './defaults.ts'
import { YamuxOptionError } from './errors.ts'

/** Options of `yamux()`. */
export interface YamuxOptions {
  /**
   * Bytes to which the receive window of a stream may grow from the 256 KiB that the protocol fixes.
   * It doubles whenever the peer uses it up within four round trips.
   *
   * @default 16_777_216
   */
  readonly maxStreamWindowSize?: number
  /**
   * Bytes held unread over all streams of one connection. At three quarters no window grows; at the
   * limit the stream that holds most is reset with the code "resource limit".
   *
   * @default 16_777_216
   */
  readonly maxConnectionBuffer?: number
  /**
   * The same over all connections made by this factory.
   *
   * @default 268_435_456
   */
  readonly maxProcessBuffer?: number
  /**
   * Streams that the peer may have open at once; more are reset with the code "resource limit".
   *
   * @default 1_000
   */
  readonly maxInboundStreams?: number
  /**
   * Streams that this side may have open at once; `createStream` rejects beyond it.
   *
   * @default 1_000
   */
  readonly maxOutboundStreams?: number
  /**
   * Inbound streams that wait until somebody listens for the `stream` event; more are reset.
   *
   * @default 1_000
   */
  readonly maxEarlyStreams?: number
  /**
   * Outbound streams that the peer has not acknowledged; `createStream` waits beyond it.
   *
   * @default 256
   */
  readonly ackBacklog?: number
  /**
   * Milliseconds of silence after which the peer is pinged; 0 switches keepalive off.
   *
   * @default 15_000
   */
  readonly keepAliveInterval?: number
  /**
   * Unanswered pings, one per interval, after which the connection is closed.
   *
   * @default 2
   */
  readonly keepAliveMisses?: number
  /**
   * Control frames that may wait for a peer that does not read; beyond it the connection is closed.
   *
   * @default 1_024
   */
  readonly maxControlFrames?: number
  /**
   * Answers to pings that may wait; a newer one takes the place of the oldest, and its ping counts as
   * a frame without progress.
   *
   * @default 32
   */
  readonly maxPingsWaiting?: number
  /**
   * Inbound streams that the peer may reset at once, …
   *
   * @default 1_000
   */
  readonly resetBurst?: number
  /**
   * … and per second in the long run; beyond it the connection is closed.
   *
   * @default 33
   */
  readonly resetsPerSecond?: number
  /**
   * Frames without progress (empty DATA, zero credit, unknown streams, too many pings) that the peer may send at once, …
   *
   * @default 1_000
   */
  readonly glitchBurst?: number
  /**
   * … and per second in the long run; beyond it the connection is closed.
   *
   * @default 33
   */
  readonly glitchesPerSecond?: number
  /**
   * Bytes queued on one stream at which `send` returns `false`.
   *
   * @default 262_144
   */
  readonly writeHighWaterMark?: number
  /** Defaults of every stream: `maxWriteBufferLength`, `inactivityTimeout`. */
  readonly streamOptions?: StreamOptions
}

/** The smallest value that makes sense for an option; 1 where it is not named. */
const MINIMUM: Partial<Record<keyof typeof DEFAULTS, number>> = {
  maxStreamWindowSize: INITIAL_WINDOW,
  maxConnectionBuffer: INITIAL_WINDOW,
  maxProcessBuffer: INITIAL_WINDOW,
  keepAliveInterval: 0
}

/**
 * The options with their defaults.
 *
 * @throws {YamuxOptionError} when a number is out of its range
 */
export function withDefaults(
  options: YamuxOptions
): Record<keyof typeof DEFAULTS, number> & Pick<YamuxOptions, 'streamOptions'> {
  const all = { ...DEFAULTS, ...options }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = all[name]
    const least = MINIMUM[name] ?? 1
    if (!Number.isInteger(value) || value < least || value > 0xffffffff) {
      throw new YamuxOptionError(
        `yamux: ${name} is ${value}; it must be a whole number from ${least} to 4294967295`
      )
    }
  }
  return all
}
