/**
 * Turns a raw multiaddr conn into a capable conn: pre-shared key, security, identity, muxer; with a
 * bounded accept queue per listener, so that pressure on the application reaches the diallers.
 */
export { createUpgrader } from './create-upgrader.ts'
export {
  AcceptQueueClosedError,
  AcceptTimeoutError,
  ConnectionCloseTimeoutError,
  ConnectionEndedError,
  ConnectionGatedError,
  ConnectionNotMuxedError,
  NegotiationError,
  PeerMismatchError,
  PreSharedKeyError,
  SelfConnectionError,
  StreamHandlerError,
  StreamNegotiationTimeoutError,
  TooManyHeldStreamsError,
  UpgradeError,
  UpgradeRefusedError,
  UpgradeTimeoutError,
  UpgraderOptionsError
} from './errors.ts'
export type { RefusalReason, UpgradeStep } from './errors.ts'
export { preSharedKey } from './psk/pre-shared-key.ts'
export type { PreSharedKeyComponents, PreSharedKeyOptions } from './psk/pre-shared-key.ts'
export { startStreams } from './start-streams.ts'
export type {
  AcceptQueue,
  DirectionStats,
  StepStats,
  UpgraderComponents,
  UpgraderInit,
  UpgraderStats,
  UpgraderView,
  ViewOptions,
  WarrenUpgrader
} from './types.ts'
