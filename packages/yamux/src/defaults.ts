import { INITIAL_WINDOW } from './core/constants.ts'

/** Defaults of every option of `yamux()`. */
export const DEFAULTS = {
  maxStreamWindowSize: 16 * 1024 * 1024,
  maxConnectionBuffer: 16 * 1024 * 1024,
  maxProcessBuffer: 256 * 1024 * 1024,
  maxInboundStreams: 1000,
  maxOutboundStreams: 1000,
  maxEarlyStreams: 1000,
  ackBacklog: 256,
  keepAliveInterval: 15_000,
  keepAliveMisses: 2,
  maxControlFrames: 1024,
  maxPingsWaiting: 32,
  resetBurst: 1000,
  resetsPerSecond: 33,
  glitchBurst: 1000,
  glitchesPerSecond: 33,
  writeHighWaterMark: INITIAL_WINDOW
} as const
