import { WarrenError } from '@warren/interface'

/** Thrown when an option of the tunnel, a dial or a listener is not usable. */
export class InvalidTunnelOptionError extends WarrenError {
  readonly code = 'ERR_TUNNEL_OPTION'
}

/** Thrown when the text of a network token is not one: wrong form, length or checksum. */
export class InvalidTokenError extends WarrenError {
  readonly code = 'ERR_INVALID_TOKEN'
}

/** Thrown when the text of a ticket, or the claims of one to be issued, cannot be used. */
export class InvalidTicketError extends WarrenError {
  readonly code = 'ERR_INVALID_TICKET'
}

/** Thrown when a channel name is empty, too long, or holds control characters. */
export class InvalidChannelError extends WarrenError {
  readonly code = 'ERR_INVALID_CHANNEL'
}

/** Thrown when the two ends of a link do not hold the same token, or a ticket's secret is wrong. */
export class AuthenticationError extends WarrenError {
  readonly code = 'ERR_AUTHENTICATION'
}

/** Thrown when a ticket is genuine, but its time is over. */
export class TicketExpiredError extends WarrenError {
  readonly code = 'ERR_TICKET_EXPIRED'
}

/** Thrown when a ticket is genuine, but its sharer has taken it back. */
export class TicketRevokedError extends WarrenError {
  readonly code = 'ERR_TICKET_REVOKED'
}

/** Thrown when a ticket is genuine, but as many peers as it allows have used it. */
export class TicketUsedUpError extends WarrenError {
  readonly code = 'ERR_TICKET_USED_UP'
}

/** Thrown when the peer speaks another version of the link protocol. */
export class LinkVersionError extends WarrenError {
  readonly code = 'ERR_LINK_VERSION'
}

/** Thrown when a link would pass the limit on links of either end. */
export class LinkLimitError extends WarrenError {
  readonly code = 'ERR_LINK_LIMIT'
}

/** Thrown when a peer sends a control message that breaks the link protocol. */
export class LinkProtocolError extends WarrenError {
  readonly code = 'ERR_LINK_PROTOCOL'
}

/** Thrown when no link came about, or a step of its proof was not taken, in time. */
export class LinkTimeoutError extends WarrenError {
  readonly code = 'ERR_LINK_TIMEOUT'
}

/** Thrown when a link has ended: its stream or connection broke, the peer left, or it is silent. */
export class LinkClosedError extends WarrenError {
  readonly code = 'ERR_LINK_CLOSED'
}

/** Thrown when a dial has no link to go over, or the link that it names does not exist. */
export class NoLinkError extends WarrenError {
  readonly code = 'ERR_NO_LINK'
}

/** Thrown when none of the links leads to a peer that listens on the channel. */
export class ChannelNotFoundError extends WarrenError {
  readonly code = 'ERR_CHANNEL_NOT_FOUND'
}

/** Thrown when the peer refuses the session: unknown channel, no access, or its queue is full. */
export class ChannelRefusedError extends WarrenError {
  readonly code = 'ERR_CHANNEL_REFUSED'
}

/** Thrown when a channel is dialled in another mode than it is listened on. */
export class ModeMismatchError extends WarrenError {
  readonly code = 'ERR_MODE_MISMATCH'
}

/** Thrown when a channel of messages is dialled for bytes, or the other way round. */
export class KindMismatchError extends WarrenError {
  readonly code = 'ERR_KIND_MISMATCH'
}

/** Thrown when bytes are asked for in a mode that carries messages only: multicast, broadcast. */
export class ModeNotSupportedError extends WarrenError {
  readonly code = 'ERR_MODE_NOT_SUPPORTED'
}

/** Thrown when a message of a multicast or broadcast session would reach nobody. */
export class NoSubscriberError extends WarrenError {
  readonly code = 'ERR_NO_SUBSCRIBER'
}

/** Thrown when subscribers are too slow for a message, under the overload policy `error`. */
export class SubscriberOverloadError extends WarrenError {
  readonly code = 'ERR_SUBSCRIBER_OVERLOAD'
  /** Peer ids of those that did not get the message; all others did. */
  readonly peers: readonly string[]

  constructor(message: string, peers: readonly string[]) {
    super(message)
    this.peers = peers
  }
}

/** Thrown when a dial has not come about within its timeout; the message says what it waited for. */
export class DialTimeoutError extends WarrenError {
  readonly code = 'ERR_CHANNEL_DIAL_TIMEOUT'
}

/** Thrown when the tunnel transport is given an address that it cannot use. */
export class TunnelAddressError extends WarrenError {
  readonly code = 'ERR_TUNNEL_ADDRESS'
}

/** Thrown when this tunnel already listens on the channel. */
export class AlreadyListeningError extends WarrenError {
  readonly code = 'ERR_ALREADY_LISTENING'
}

/** Thrown by `accept` once the listener, or its tunnel, is closed. */
export class ListenerClosedError extends WarrenError {
  readonly code = 'ERR_LISTENER_CLOSED'
}

/** Thrown when one end would hold more channels, sessions or tickets than its limit. */
export class TunnelLimitError extends WarrenError {
  readonly code = 'ERR_TUNNEL_LIMIT'
}

/** Thrown when a closed tunnel is asked for anything. */
export class TunnelClosedError extends WarrenError {
  readonly code = 'ERR_TUNNEL_CLOSED'
}
