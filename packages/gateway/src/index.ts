/**
 * Channels for programs that know nothing of Warren: `share` makes a local program reachable by a
 * channel's name, `open` gives a channel a local address.
 */
export { formatAddress, parseListen, parseTarget } from './address.ts'
export type { GatewayAddress } from './address.ts'
export { DEFAULTS } from './defaults.ts'
export {
  AddressInvalidError,
  AddressUnsupportedError,
  ConnectionResetError,
  GatewayClosedError,
  GatewayOptionsError,
  IdleTimeoutError,
  ListenAddressInUseError,
  ListenFailedError,
  PoolClosedError,
  PoolExhaustedError,
  SessionDialError,
  SessionFailedError,
  TargetRefusedError,
  TargetTimeoutError,
  TargetUnreachableError,
  TooManyConnectionsError,
  UnixPathError
} from './errors.ts'
export { open } from './open.ts'
export type { Opening } from './open.ts'
export type { OpenOptions, ShareOptions } from './options.ts'
export type { PoolMode } from './pool/pool-core.ts'
export type { PoolStats } from './pool/target-pool.ts'
export { share } from './share.ts'
export type { Share, ShareStats } from './share.ts'
export type {
  ConnectionInfo,
  GatewayCloseOptions,
  GatewayEvents,
  GatewayStats,
  GatewayTunnel,
  ShareListenOptions
} from './types.ts'
