/**
 * Links between machines, proven by a shared token or a ticket; named channels on them; and sessions
 * that survive a broken link.
 *
 * @packageDocumentation
 */
export { tokenFromPassphrase } from './auth/passphrase.ts'
export { generateToken } from './auth/token.ts'
export { parseToken } from './auth/token.ts'
export type { PeerAccess } from './auth/peer-gate.ts'
export { decodeTicket, encodeTicket, generateTicketKey, issueTicket } from './auth/ticket.ts'
export type { Ticket, TicketRequest } from './auth/ticket.ts'
export type {
  RevocationStore,
  RevokedTicket,
  TicketRecords,
  TicketUses
} from './auth/ticket-authority.ts'
export type { TicketClaims, TicketDirection } from './auth/ticket-claims.ts'
export { createBroker } from './broker/create-broker.ts'
export type {
  Broker,
  BrokerDebug,
  BrokerOptions,
  Delivery,
  PublishOptions,
  SubscribeOptions,
  Subscription
} from './broker/broker-types.ts'
export type { ChannelDirectory, ChannelProvider } from './channels/channel-directory.ts'
export { dhtDirectory } from './channels/dht-directory.ts'
export type { DhtDirectoryOptions } from './channels/dht-directory.ts'
export { createTunnel } from './create-tunnel.ts'
export {
  AlreadyListeningError,
  AuthenticationError,
  ChannelNotFoundError,
  ChannelRefusedError,
  DialTimeoutError,
  InvalidChannelError,
  InvalidTicketError,
  InvalidTokenError,
  InvalidTunnelOptionError,
  KindMismatchError,
  LinkClosedError,
  LinkLimitError,
  LinkProtocolError,
  LinkTimeoutError,
  LinkVersionError,
  ListenerClosedError,
  ModeMismatchError,
  ModeNotSupportedError,
  NoLinkError,
  NoSubscriberError,
  SubscriberOverloadError,
  TicketExpiredError,
  TicketRevokedError,
  TicketUsedUpError,
  TunnelAddressError,
  TunnelClosedError,
  TunnelLimitError
} from './errors.ts'
export type {
  GroupEvents,
  GroupMessage,
  GroupMode,
  GroupSendOptions,
  GroupSession,
  OverloadPolicy,
  Subscriber
} from './modes/group-types.ts'
export type { AccessRequest, TunnelLimits, TunnelOptions } from './options.ts'
export {
  InvalidMessageError,
  InvalidSessionOptionError,
  MessageTooLongError,
  ReceiveTimeoutError,
  SealRequiredError,
  SendQueueFullError,
  SessionClosedError,
  SessionLimitError,
  SessionLostError,
  SessionOpenError,
  SessionProtocolError,
  SessionRefusedError,
  SessionResetError,
  SessionRevokedError,
  SessionSealError
} from './session/errors.ts'
export type { SessionHostDebug } from './session/session-host-types.ts'
export type { SessionOptions } from './session/session-options.ts'
export type {
  ByteSession,
  Message,
  Mode,
  Session,
  SessionBase,
  SessionStats
} from './session/session-types.ts'
export type {
  ChannelListing,
  DialOptions,
  GroupDialOptions,
  Link,
  LinkLimits,
  LinkState,
  Listener,
  ListenerCloseOptions,
  ListenOptions,
  Tunnel,
  TunnelDebug,
  TunnelEvents,
  TunnelStatus
} from './tunnel-types.ts'
export { tunnelAddress } from './transport/address.ts'
export { tunnelTransport } from './transport/tunnel-transport.ts'
export type {
  TunnelTransportComponents,
  TunnelTransportOptions
} from './transport/tunnel-transport.ts'
