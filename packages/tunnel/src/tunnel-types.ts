import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerAccess } from './auth/peer-gate.ts'
import type { Ticket } from './auth/ticket.ts'
import type { RevokedTicket } from './auth/ticket-authority.ts'
import type { GroupMode, GroupSession, OverloadPolicy } from './modes/group-types.ts'
import type { SessionHostDebug } from './session/session-host-types.ts'
import type { ByteSession, Mode, Session } from './session/session-types.ts'

/** Options of {@link Tunnel.listen}. */
export interface ListenOptions extends AbortOptions {
  /**
   * `unicast`: each dial is served by one of the listeners. `multicast`: a dial reaches every listener
   * of the channel. `broadcast`: a dial asks every link. Dials must be in the same mode. Default
   * `'unicast'`.
   */
  readonly mode?: Mode
  /** Accept byte sessions instead of message sessions. Default `false`. */
  readonly bytes?: boolean
  /** Milliseconds that `receive` of an accepted session waits. Default: no limit. */
  readonly readTimeout?: number
  /**
   * Peers that may know of the channel and open it, of those that the tunnel links to. Others see
   * what they would see if it did not exist. Default: all of them.
   */
  readonly peers?: PeerAccess
  /**
   * Take sealed sessions only from peers; others are refused with `ERR_SEAL_REQUIRED`. Default: the
   * `seal` of the tunnel.
   */
  readonly seal?: boolean
  /** Closes the listener when it aborts, also later on. */
  readonly signal?: AbortSignal
}

/** Options of {@link Tunnel.dial}. */
export interface DialOptions extends AbortOptions {
  /** Must be the mode that the channel is listened on with. Default `'unicast'`. */
  readonly mode?: Mode
  /** Dial for bytes instead of messages; must be what the channel carries. Default `false`. */
  readonly bytes?: boolean
  /** Use this link only, by its id; `'local'` for a channel listened on in this tunnel. */
  readonly link?: string
  /** Use a link to this peer only. */
  readonly peer?: PeerId | string
  /** Milliseconds for the whole dial, discovery included. Default 5,000. */
  readonly timeout?: number
  /**
   * Wait, within `timeout`, for a link and for the channel to appear on one. With `false` the dial
   * fails as soon as every link has said that it does not know the channel. Default `true`.
   */
  readonly wait?: boolean
  /**
   * Encrypt the session once more, end to end, by both identities and the token or ticket of the link.
   * Default: the `seal` of the tunnel.
   */
  readonly seal?: boolean
}

/** Options of {@link Tunnel.dial} in mode multicast or broadcast. */
export interface GroupDialOptions extends DialOptions {
  readonly mode: GroupMode
  /** Such a channel carries messages only. */
  readonly bytes?: false
  /**
   * What becomes of messages for a subscriber that takes them too slowly. Default `'block'` in
   * multicast, `'drop-oldest'` in broadcast.
   */
  readonly overload?: OverloadPolicy
  /**
   * Messages that may wait for each subscriber, beside its window; also at most `maxSessionWindow`
   * bytes. Beyond: `overload`. Default 256.
   */
  readonly queue?: number
}

/** Options of {@link Listener.close}. */
export interface ListenerCloseOptions {
  /** Sessions that were accepted go on; whoever accepted them ends them. Default `false`. */
  readonly keepSessions?: boolean
}

/** Sessions that peers open on a channel of this tunnel. */
export interface Listener<S> extends AsyncIterable<S> {
  /** The channel that is listened on. */
  readonly channel: string
  /** The next session; rejects with code `ERR_LISTENER_CLOSED` once closed. */
  accept(options?: AbortOptions): Promise<S>
  /**
   * Replaces the `peers` of the listener. Sessions of those that are no longer admitted end at both
   * ends with `ERR_SESSION_REVOKED`; resolves when they have.
   *
   * @throws code `ERR_TUNNEL_OPTION` when an entry is no peer id
   */
  setPeers(peers: PeerAccess): Promise<void>
  /**
   * Takes the channel back at every peer, resets sessions that nobody has accepted, and closes those
   * that were (delivering what was sent), unless `keepSessions` is given. Idempotent.
   */
  close(options?: ListenerCloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * `connecting`: not proven yet, never seen in {@link Tunnel.links}. `connected`: up. `error`: four
 * errors in a row, about to be replaced. `closed`: gone.
 */
export type LinkState = 'connecting' | 'connected' | 'error' | 'closed'

/** A proven connection to another tunnel. */
export interface Link {
  /** The same at both ends: 16 hexadecimal digits. */
  readonly id: string
  /** Peer id of the other tunnel, as text. */
  readonly peer: string
  /** Address of the peer, as its connection has it. */
  readonly remoteAddr: string
  /** Which end dialled the connection. */
  readonly direction: 'inbound' | 'outbound'
  readonly state: LinkState
  /** Messages queued towards the peer, and sessions that wait for it. */
  readonly delay: number
  /** Round-trip time in milliseconds (EWMA); `undefined` before the first sample. */
  readonly length: number | undefined
  /** Bits per second that it carries (EWMA); `undefined` before the first sample. */
  readonly rate: number | undefined
  /** Sessions that it carries. */
  readonly sessions: number
  /** Channels that the peer has announced on this link. */
  readonly channels: readonly string[]
  /** `true` when a ticket, not the network's token, proved this link: it carries nothing else. */
  readonly scoped: boolean
  /** Its connection goes through a relay, not straight to the peer. */
  readonly relayed: boolean
  /** What the connection may still carry; `undefined` when nothing limits it. */
  readonly limits: LinkLimits | undefined
}

/** What is left of a connection that a relay limits; sessions outlive it. */
export interface LinkLimits {
  /** Bytes, both directions together; `undefined`: not limited. */
  readonly bytes: number | undefined
  /** Seconds; `undefined`: not limited. */
  readonly seconds: number | undefined
}

/** What a tunnel tells; see {@link Tunnel.on}. */
export interface TunnelEvents {
  /** A link was proven. */
  link: (link: Link) => void
  /** A link has ended; without an error when either end closed it on purpose. */
  unlink: (link: Link, error: Error | undefined) => void
  /** A channel appeared at a peer (`open`) or went away. */
  channel: (channel: string, link: Link, open: boolean) => void
  /**
   * A node could not be linked, or a peer could not prove its link to us (`node` is its peer id
   * then). `fatal`: trying again cannot help until a token or ticket changes; such a failure is told
   * once, and the node is still tried, at the longest pause.
   */
  'link-error': (error: Error, node: Multiaddr | PeerId, fatal: boolean) => void
  /** A ticket that this tunnel holds was refused by its sharer, or has ended. */
  'ticket-refused': (ticketId: string, error: Error) => void
  /** Something failed that no call waits for: saving tickets, a directory, a listener of an event. */
  error: (error: Error) => void
}

/** The public face of a tunnel, as the packages above use it. */
export interface Tunnel {
  /** Starts links to the nodes; resolves when each was tried once. A failure is an event. */
  connect(options?: AbortOptions): Promise<void>
  /** Ends listeners, sessions (delivering for `closeTimeout`) and links. The swarm stays. */
  close(options?: AbortOptions): Promise<void>
  /** Addresses that this tunnel can be linked at, each with `/p2p`. */
  address(): string[]
  /** Links that are up. */
  links(): Link[]
  /** Channels known at peers and listened on here. */
  channels(): ChannelListing[]
  /**
   * Listens on a channel and announces it to every link that may know it.
   *
   * @throws codes `ERR_INVALID_CHANNEL`, `ERR_ALREADY_LISTENING`, `ERR_TUNNEL_LIMIT`,
   * `ERR_MODE_NOT_SUPPORTED`, `ERR_TUNNEL_CLOSED`
   */
  listen(
    channel: string,
    options: ListenOptions & { readonly bytes: true }
  ): Promise<Listener<ByteSession>>
  listen(
    channel: string,
    options?: ListenOptions & { readonly bytes?: false }
  ): Promise<Listener<Session>>
  /**
   * Opens a session on a channel: in this process when it is listened on here, else over the best
   * link to a peer that listens on it. In mode multicast or broadcast: a session to every one of them,
   * here too, and to those that come later; resolves with the first, once all links have answered
   * (1 s at most).
   *
   * @throws codes `ERR_NO_LINK`, `ERR_CHANNEL_NOT_FOUND`, `ERR_CHANNEL_REFUSED`,
   * `ERR_MODE_MISMATCH`, `ERR_KIND_MISMATCH`, `ERR_CHANNEL_DIAL_TIMEOUT`,
   * `ERR_MODE_NOT_SUPPORTED`, `ERR_INVALID_CHANNEL`, `ERR_TUNNEL_CLOSED`
   */
  dial(channel: string, options: GroupDialOptions): Promise<GroupSession>
  dial(channel: string, options: DialOptions & { readonly bytes: true }): Promise<ByteSession>
  dial(channel: string, options?: DialOptions & { readonly bytes?: false }): Promise<Session>
  /**
   * Looks for a channel in the `directories`, again and again until `signal` fires, and links to those
   * who listen on it, as a dial does. Resolves after the first look.
   *
   * @throws codes `ERR_INVALID_CHANNEL`, `ERR_TUNNEL_CLOSED`
   */
  look(channel: string, options: { readonly signal: AbortSignal }): Promise<void>
  /** Calls `listener` at each event, until the function that is returned is called. */
  on<E extends keyof TunnelEvents>(event: E, listener: TunnelEvents[E]): () => void
  /** Tries every node without a link now. */
  reconnect(): void
  /**
   * Replaces the nodes. New ones are linked (once connected); links to those that are gone are
   * closed.
   *
   * @throws codes `ERR_TUNNEL_OPTION`, `ERR_TUNNEL_LIMIT`
   */
  setNodes(nodes: readonly (Multiaddr | PeerId)[]): void
  /**
   * Adds a ticket: links to its sharer, or presents the ticket on the link there is. The sharer's
   * answer is an event, and shows in what can be dialled.
   *
   * @throws code `ERR_TUNNEL_LIMIT`
   */
  addTicket(ticket: Ticket): void
  /** Drops a ticket by its id: nothing new is opened by it, and a link that stood on it alone ends. */
  removeTicket(ticketId: string): void
  /**
   * Takes back a ticket that this tunnel's `ticketKey` issued: its links and sessions end now.
   * Resolves when the revocation is kept.
   *
   * @throws code `ERR_TUNNEL_OPTION` without a `ticketKey`; what the store throws
   */
  revokeTicket(ticket: RevokedTicket): Promise<void>
  /**
   * Replaces the active tokens: `[new, old]` on every node, and then `[new]`. Links that both ends
   * have both tokens for go on; one that stands on a removed token alone ends at both ends, its
   * sessions with `ERR_SESSION_REVOKED`.
   *
   * @throws codes `ERR_INVALID_TOKEN`, `ERR_TUNNEL_OPTION`, `ERR_TUNNEL_CLOSED`
   */
  setTokens(token: string | readonly string[]): void
  /**
   * Replaces the `peers` of the tunnel. Links and sessions of those that are no longer admitted end
   * now, in both directions, with `ERR_SESSION_REVOKED`.
   *
   * @throws code `ERR_TUNNEL_OPTION` when an entry is no peer id
   */
  setPeers(peers: PeerAccess): void
  /**
   * Asks `authorize` again about everything that is open or announced, after what it goes by has
   * changed. Sessions that it no longer allows end with `ERR_SESSION_REVOKED`; resolves when they have.
   */
  recheckAccess(): Promise<void>
  status(): TunnelStatus
  /** Sizes of every table; for tests and diagnosis. */
  debug(): TunnelDebug
  [Symbol.asyncDispose](): Promise<void>
}

/** One channel in {@link Tunnel.channels}. */
export interface ChannelListing {
  readonly channel: string
  /** Peers that have announced it. */
  readonly peers: string[]
  /** It is listened on here. */
  readonly local: boolean
}

/** What {@link Tunnel.status} tells. */
export interface TunnelStatus {
  /** This tunnel's peer id. */
  readonly peer: string
  readonly addresses: string[]
  readonly links: Link[]
  /** Channels listened on here. */
  readonly listening: string[]
  /** Sessions that have not ended, on both sides. */
  readonly sessions: number
  /** Those of them without a link now. */
  readonly detached: number
  /** Nodes and sharers without a link now, and why the last attempt failed. */
  readonly unlinked: { readonly node: string; readonly error: string | undefined }[]
}

/** Sizes of every table of a tunnel. */
export interface TunnelDebug {
  readonly links: number
  /** Link proofs under way. */
  readonly handshakes: number
  readonly keepers: number
  readonly listeners: number
  readonly sessions: number
  /** Multicast and broadcast sessions dialled here. */
  readonly groups: number
  /** Dials that wait for a link or a channel. */
  readonly waiting: number
  readonly tickets: number
  /** Channels that peers of live links announced beyond `limits.channels`. */
  readonly refusedChannels: number
  readonly revoked: number
  readonly host: SessionHostDebug
}
