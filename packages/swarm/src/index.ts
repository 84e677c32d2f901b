/**
 * Owns identity, transports, upgrader, connections and protocols of a libp2p host, and hosts
 * unmodified libp2p services.
 */
export { createSwarm } from './create-swarm.ts'
export type { Datastore } from './datastore.ts'
export { DEFAULTS } from './defaults.ts'
export type { DialAttempt } from './dial/dial-error.ts'
export { DialError } from './dial/dial-error.ts'
export type { DialReport, DialedAddress } from './dial/dial-report.ts'
export { createGater } from './gater/create-gater.ts'
export type { GaterOptions, PrivilegeGater } from './gater/create-gater.ts'
export type { ListenFailure } from './errors.ts'
export {
  AddressNotDialledError,
  CloseTimeoutError,
  UnregisteredConnectionError,
  ConnectionLimitError,
  ConnectionSupplantedError,
  DialQueueFullError,
  DialSelfError,
  DialTargetError,
  DialTimeoutError,
  DuplicateProtocolHandlerError,
  ListenError,
  MissingServiceError,
  NewStreamTimeoutError,
  NoContentRoutersError,
  NoPeerRoutersError,
  NoTransportError,
  PeerNotFoundError,
  ServiceStartError,
  StreamLimitError,
  SwarmClosedError,
  SwarmOptionsError,
  UnhandledProtocolError,
  UnmetServiceDependenciesError,
  WrongPeerError
} from './errors.ts'
export type { ConnectionResources, PeerResources, SwarmResources } from './limits/limiter.ts'
export type { RefusalCause } from './limits/refusals.ts'
export type { Resource, Use } from './limits/usage.ts'
export type { SwarmComponents } from './services/components.ts'
export type {
  ComponentsWith,
  Factory,
  SwarmAddresses,
  SwarmInit,
  SwarmOptions
} from './swarm-init.ts'
export type {
  DialOptions,
  DialTarget,
  HandleOptions,
  NewStreamOptions,
  Swarm,
  SwarmEvents
} from './swarm-types.ts'
