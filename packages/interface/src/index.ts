/**
 * Contracts that several Warren packages share and that have no single natural owner: the base of
 * every Warren error, and the slot by which an upgrader holds a listener back.
 *
 * Everything else lives with its package, or is libp2p's own (`@libp2p/interface`).
 */
export { WarrenError } from './error.ts'
export type { ErrorCode } from './error.ts'
export type { SafeEarlyMuxers } from './early-muxers.ts'
export type {
  InboundUpgradeOptions,
  SlotGrantingUpgrader,
  SlotRequest,
  UpgradeSlot
} from './upgrade-slot.ts'
