/**
 * Contracts that several Warren packages share and that have no single natural owner: the base of
 * every Warren error, the slot by which an upgrader holds a listener back, the codes that tell a peer
 * why something ends, and the scopes in which connections and streams are counted.
 *
 * Everything else lives with its package, or is libp2p's own (`@libp2p/interface`).
 */
export { CONNECTION_CODE, STREAM_CODE, goAwayCodeOf, resetCodeOf } from './end-codes.ts'
export type { CodedCloseOptions, CodedError } from './end-codes.ts'
export { WarrenError } from './error.ts'
export type { ErrorCode } from './error.ts'
export type { SafeEarlyMuxers } from './early-muxers.ts'
export type {
  AccountingMuxerFactory,
  AccountingStream,
  ByteAccount,
  ConnectionScope,
  MuxerAccountOptions,
  ResourceLimiter,
  StreamScope
} from './resource-scopes.ts'
export type {
  InboundUpgradeOptions,
  SlotGrantingUpgrader,
  SlotRequest,
  UpgradeSlot
} from './upgrade-slot.ts'
