import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { NodeChannel, NodeChannelOptions } from '../channels/channel-types.ts'

/** Options of {@link createNode}. */
export interface NodeOptions {
  /**
   * State directory: identity, ticket key, ports, tickets and revocations are kept there from one
   * run to the next. @default none: everything is in memory and ends with the node
   */
  readonly home?: string
  /**
   * `'kept'`: the identity of the state directory, or an ephemeral one while another process uses
   * it. @default `'kept'` with `home`, else `'ephemeral'`
   */
  readonly identity?: 'kept' | 'ephemeral'
  /**
   * Multiaddrs to listen on; none for a node that only dials.
   * @default all interfaces, on a port that is kept in the state directory
   */
  readonly listen?: readonly string[]
  /** Which of the kept ports to listen on when `listen` is not given. @default `'node'` */
  readonly portName?: string
  /** Multiaddrs to put in tickets instead of those listened on: port forwards, relays. @default [] */
  readonly announce?: readonly string[]
  /** Token of the network, as `warren key token` prints it. @default none: tickets only */
  readonly token?: string
  /** Tickets of other nodes: each is linked to and kept linked. @default [] */
  readonly tickets?: readonly string[]
  /** Multiaddrs with `/p2p/…` of nodes of the network to keep links to. @default [] */
  readonly peers?: readonly string[]
  /**
   * Find channels in the DHT of the network's nodes, and store the own ones there: of any number of
   * nodes each has to know only one, in `peers`. Names are hidden by the token, which it needs.
   * @default false
   */
  readonly dht?: boolean
  /** Link to the network's nodes on this local network, by mDNS. Needs `token`. @default false */
  readonly lan?: boolean
  /**
   * Multiaddrs with `/p2p/…` of relays, at most 4. A seat is taken at each, and taken again whenever it
   * is lost; tickets name the way through it. @default []
   */
  readonly relays?: readonly string[]
  /**
   * Pre-shared key of the network, 32 bytes or the text of a libp2p key file: connections to and from
   * others fail. @default none
   */
  readonly psk?: Uint8Array
  /** Told of what went on but should be known: damaged state files. @default nobody */
  readonly onWarning?: (message: string) => void
  /** Ends the creation. */
  readonly signal?: AbortSignal
}

/** Options of {@link WarrenNode.share}. */
export interface ShareOptions {
  /** `3000`, `host:port`, `tcp://host:port` or `unix:/path`. */
  readonly target: string | number
  /** Name of the channel: 1 to 255 bytes of UTF-8. @default one that is made up */
  readonly name?: string
  /** Peer ids of those that may open it. @default whoever has a ticket for it, or the token */
  readonly allow?: readonly string[]
}

/** A target that peers can open. */
export interface Share {
  readonly name: string
  /** The target, as `tcp://host:port` or `unix:/path`. */
  readonly target: string
  stats(): ForwardStats
  /**
   * Replaces the peers that may open it. Connections of others end now; resolves when they have.
   *
   * @throws code `ERR_TUNNEL_OPTION` when one is no peer id
   */
  setAllowed(peers: readonly string[]): Promise<void>
  /** Told of connections that could not be carried, such as a refused target. */
  onError(listener: (error: Error) => void): () => void
  /** Takes no new connections; ends those that run after their time (5 s). */
  close(): Promise<void>
}

/** Options of {@link WarrenNode.open}: `ticket`, or `channel` with or without `peer`. */
export interface OpenOptions {
  /** A ticket for the channel. */
  readonly ticket?: string
  /** Name of the channel, for those with the network's token. */
  readonly channel?: string
  /** Only the channel of this peer (peer id). @default any that shares it */
  readonly peer?: string
  /** `8080`, `host:port` or `unix:/path`. @default a free port of 127.0.0.1 */
  readonly listen?: string | number
  /** Milliseconds within which the peer has to be linked and to share the channel. @default 30000 */
  readonly timeout?: number
  /** Ends the waiting. */
  readonly signal?: AbortSignal
}

/** A channel of another node, reachable here. */
export interface Opening {
  readonly name: string
  /** Where local programs reach it: `127.0.0.1:port`, or the path of a unix socket. */
  readonly address: string
  /** The same as a URL: `http://127.0.0.1:port`, or `unix:/path`. */
  readonly url: string
  readonly host: string | undefined
  readonly port: number | undefined
  stats(): ForwardStats
  /** Told of connections that could not be carried. */
  onError(listener: (error: Error) => void): () => void
  /** Takes no new connections; ends those that run after their time (5 s). */
  close(): Promise<void>
}

/** Counters of a share or an opening since it began. */
export interface ForwardStats {
  /** Connections that are carried now. */
  readonly open: number
  /** Connections taken up, whatever became of them. */
  readonly total: number
  /** Connections that could not be carried, by error code. */
  readonly failed: Readonly<Record<string, number>>
  /** Bytes from the programs here into the tunnel, and back. */
  readonly bytesOut: number
  readonly bytesIn: number
}

/** Options of {@link WarrenNode.ticket}. */
export interface TicketOptions {
  /** The channel that it gives access to. */
  readonly channel: string
  /** Milliseconds for which it can be used. @default 2592000000 (30 days) */
  readonly expires?: number
  /** How many peers may use it, at most 1024. @default no limit */
  readonly uses?: number
  /** Multiaddrs to put in it. @default those announced, else those listened on */
  readonly announce?: readonly string[]
}

/** A ticket that was issued. */
export interface NodeTicket {
  readonly id: string
  /** `warren:…`: whoever has it has access. */
  readonly text: string
  readonly channel: string
  readonly expires: Date
}

/** What is left of a connection that a relay limits. */
export interface LinkLimits {
  /** Bytes, both directions together; `undefined`: not limited. */
  readonly bytes: number | undefined
  /** Seconds; `undefined`: not limited. */
  readonly seconds: number | undefined
}

/** A node's seat at a relay. */
export interface RelayStatus {
  /** The relay's address. */
  readonly address: string
  /** `reserved`: peers reach this node through it now. */
  readonly state: 'reserved' | 'trying'
  /** Why the last attempt failed. */
  readonly error: Error | undefined
}

/** One address of a peer, and how it fared when it was dialled last. */
export interface DialedAddressReport {
  readonly address: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** It led to a connection. */
  readonly connected: boolean
  /**
   * How far it came: `resolve`, `gater`, `transport`, `backoff`, `limit`, `waiting`, `connect`,
   * `psk`, `security`, `identity`, `muxer`, or `connected`.
   */
  readonly step: string
  /** Milliseconds. */
  readonly duration: number
  /** Why it went no further, in words. */
  readonly cause: string | undefined
  /** Code of the error, where it has one. */
  readonly code: string | undefined
}

/** An open connection to a peer. */
export interface PathStatus {
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
  readonly path: 'direct' | 'relayed'
  readonly limits: LinkLimits | undefined
  readonly security: string | undefined
  readonly muxer: string | undefined
  /** Round-trip time in milliseconds; `undefined` when the peer did not answer. */
  readonly rtt: number | undefined
  /** It is the one that the link to the peer uses. */
  readonly used: boolean
}

/** What {@link WarrenNode.explain} tells. */
export interface Explanation {
  readonly peer: string | undefined
  /** A link to the peer is up: sessions can be opened. */
  readonly linked: boolean
  /** Connections to the peer, the one in use first. */
  readonly paths: readonly PathStatus[]
  /** Addresses that were dialled, the latest last. */
  readonly dials: readonly DialedAddressReport[]
}

/** A link to another node, as {@link WarrenNode.status} shows it. */
export interface LinkStatus {
  readonly peer: string
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
  readonly path: 'direct' | 'relayed'
  /** What a relayed connection may still carry; sessions go on over another one then. */
  readonly limits: LinkLimits | undefined
  readonly security: string | undefined
  readonly muxer: string | undefined
  /** Round-trip time in milliseconds. */
  readonly rtt: number | undefined
  /** Bits per second, as last measured. */
  readonly rate: number | undefined
  readonly channels: readonly string[]
  /** By a ticket, not by the network's token. */
  readonly ticket: boolean
}

/** What a node does now. */
export interface NodeStatus {
  readonly peer: string
  readonly identity: 'kept' | 'ephemeral'
  readonly addresses: readonly string[]
  readonly links: readonly LinkStatus[]
  /** Relays of this node. */
  readonly relays: readonly RelayStatus[]
  readonly shares: readonly (ForwardStats & { readonly name: string; readonly target: string })[]
  readonly openings: readonly (ForwardStats & { readonly name: string; readonly address: string })[]
  readonly sessions: {
    /** Running now, and those of them whose link is broken at the moment. */
    readonly open: number
    readonly detached: number
    /** How often a session went on over a new connection, since the node began. */
    readonly resumed: number
  }
}

/** Events of a node. */
export interface NodeEvents {
  /** A peer is linked. */
  link: (link: LinkStatus) => void
  /** A link has ended; the reason where there is one. */
  unlink: (peer: string, error: Error | undefined) => void
  /** A seat at a relay was taken, or lost, or could not be taken at first. */
  relay: (status: RelayStatus) => void
  /** An attempt to link failed; no other follows when `fatal`. */
  'link-error': (error: Error, fatal: boolean) => void
}

/** A node: identity, swarm, tunnel, shares and openings. */
export interface WarrenNode {
  /** Peer id as text. */
  readonly peerId: string
  readonly identity: 'kept' | 'ephemeral'
  /** The process that has the kept identity, when that is why this one is ephemeral. */
  readonly identityHeldBy: number | undefined
  /** Multiaddrs with `/p2p/…` at which it can be dialled, best first, loopback last. */
  addresses(): string[]
  /** Multiaddrs that are put in tickets: those announced, else {@link WarrenNode.addresses}. */
  ticketAddresses(): string[]
  share(options: ShareOptions): Promise<Share>
  /** Opens a channel; resolves once its peer is linked and shares it. */
  open(options: OpenOptions): Promise<Opening>
  /**
   * A typed channel between the nodes of the network that open it by the same name: what one sends
   * reaches one of the others (mode `queue`), or all of them (`multicast`, `broadcast`). Values are
   * checked by the schema, any Standard Schema, at both ends.
   *
   * @throws codes `ERR_NODE_OPTIONS`, `ERR_INVALID_CHANNEL`, `ERR_ALREADY_LISTENING`,
   * `ERR_NODE_CLOSED`; the signal's reason
   */
  channel<S extends StandardSchemaV1>(
    name: string,
    schema: S,
    options?: NodeChannelOptions
  ): Promise<NodeChannel<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>>
  ticket(options: TicketOptions): Promise<NodeTicket>
  /** Takes a ticket back; live sessions of its holders end. `expires`: when it would have ended. */
  revoke(id: string, expires: Date): Promise<void>
  /** Milliseconds to a peer and back: a name's peer id that is linked, a multiaddr, or a ticket. */
  ping(peer: string, options?: { readonly signal?: AbortSignal }): Promise<number>
  /**
   * Why a peer is, or is not, reached: every address that was tried, with step, time and cause, and
   * the path in use. A peer without a connection is dialled now, at the addresses of the ticket or the
   * multiaddr; that none answers is part of the answer, not an error.
   *
   * @param peer a multiaddr, a ticket, or the peer id of a peer that was dialled before
   * @throws ERR_NODE_OPTIONS, ERR_INVALID_TICKET, ERR_NODE_CLOSED
   */
  explain(peer: string, options?: { readonly signal?: AbortSignal }): Promise<Explanation>
  status(): NodeStatus
  /** Adds a listener; what it returns removes it. */
  on<E extends keyof NodeEvents>(event: E, listener: NodeEvents[E]): () => void
  /** Ends everything in order: connections get 5 s, then links 2 s. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
