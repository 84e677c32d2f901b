/**
 * A ready-made node: identity, swarm, tunnel and gateway with sane defaults. The `warren` command
 * is made of it.
 */
export { DEFAULTS } from './defaults.ts'
export {
  ChannelUnknownError,
  ControlError,
  DemoFailedError,
  HomeError,
  LoosePermissionsError,
  NodeClosedError,
  NodeOptionsError,
  PeerTimeoutError,
  PeerUnreachableError,
  SecretFileError,
  StateTooNewError,
  UnknownNameError,
  UnknownTicketError,
  UsageError
} from './errors.ts'
export { createNode } from './node/create-node.ts'
export type {
  ForwardStats,
  LinkStatus,
  NodeEvents,
  NodeOptions,
  NodeStatus,
  NodeTicket,
  Opening,
  OpenOptions,
  Share,
  ShareOptions,
  TicketOptions,
  WarrenNode
} from './node/node-types.ts'
