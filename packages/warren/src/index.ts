/**
 * A ready-made node: identity, swarm, tunnel and gateway with sane defaults. The `warren` command
 * is made of it.
 */
export type {
  ChannelMode,
  ChannelRole,
  NodeChannel,
  NodeChannelEvents,
  NodeChannelOptions
} from './channels/channel-types.ts'
export { DEFAULTS } from './defaults.ts'
export {
  AllowListError,
  ChannelUnknownError,
  ControlError,
  DemoFailedError,
  HomeError,
  LoosePermissionsError,
  NodeClosedError,
  NodeOptionsError,
  PeerTimeoutError,
  PeerUnreachableError,
  RelayUnreachableError,
  SecretFileError,
  StateTooNewError,
  UnknownNameError,
  UnknownTicketError,
  UsageError
} from './errors.ts'
export { createNode } from './node/create-node.ts'
export type {
  DialedAddressReport,
  Explanation,
  ForwardStats,
  LinkLimits,
  LinkStatus,
  NodeEvents,
  NodeOptions,
  NodeStatus,
  NodeTicket,
  Opening,
  OpenOptions,
  PathStatus,
  RelayStatus,
  Share,
  ShareOptions,
  TicketOptions,
  WarrenNode
} from './node/node-types.ts'
export { createRelay } from './relay/create-relay.ts'
export type { RelayLimits } from './relay/relay-server.ts'
export type { Relay, RelayOptions, RelayReport } from './relay/relay-types.ts'
