import type { PeerDiscovery, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isMultiaddr } from '@multiformats/multiaddr'
import type { BackoffOptions } from '@warren/utils'
import { MAX_TOKENS } from './auth/link-handshake.ts'
import { tokenProofKey } from './auth/link-proof.ts'
import { PeerGate } from './auth/peer-gate.ts'
import type { PeerAccess } from './auth/peer-gate.ts'
import { TICKET_KEY_BYTES } from './auth/ticket.ts'
import type { Ticket } from './auth/ticket.ts'
import type { RevocationStore } from './auth/ticket-authority.ts'
import { parseToken } from './auth/token.ts'
import type { ChannelDirectory } from './channels/channel-directory.ts'
import { directoryKeys } from './channels/channel-key.ts'
import { DEFAULTS } from './defaults.ts'
import { InvalidTunnelOptionError } from './errors.ts'
import { sessionOptions } from './session/session-options.ts'
import type { SessionOptions } from './session/session-options.ts'
import type { Link } from './tunnel-types.ts'

/** A peer that wants to open a channel here, or to know of it. */
export interface AccessRequest {
  /** Peer id as text, proven by its connection. */
  readonly peer: string
  readonly channel: string
  readonly link: Link
}

/** Bounds on what peers can make a tunnel hold. */
export interface TunnelLimits {
  /** Links. Beyond: another peer's is refused, an own dial fails. @default 256 */
  readonly links: number
  /** Nodes that links are kept to. Beyond: `setNodes` throws. @default 256 */
  readonly nodes: number
  /** Peers that `peerDiscovery` found and that are kept as nodes. Beyond: not taken. @default 64 */
  readonly discovered: number
  /** Tickets held. Beyond: `addTicket` throws. @default 64 */
  readonly tickets: number
  /** Link proofs under way that peers began. Beyond: their stream is reset. @default 64 */
  readonly handshakes: number
  /** Channels that one peer can announce on a link. Beyond: not remembered, counted. @default 1_024 */
  readonly channels: number
  /** Channels listened on here. Beyond: `listen` throws. @default 1_024 */
  readonly listeners: number
  /** Session streams of one connection that peers may open. Beyond: reset. @default 4_096 */
  readonly sessionStreams: number
  /** Bytes of control messages that wait for one peer. Beyond: the link ends. @default 1_048_576 */
  readonly controlBytes: number
}

/** Options of {@link createTunnel}. Sessions have further ones, of {@link SessionOptions}. */
export interface TunnelOptions extends Partial<SessionOptions> {
  /**
   * The network's token (`wrt1_…`, see `generateToken`), or two while one replaces the other. Never
   * sent. There is no default: give a token, `tickets`, a `ticketKey`, or say `open: true`.
   */
  readonly token?: string | readonly string[]
  /** Link to anyone, without a proof. Only where the network itself is trusted. @default false */
  readonly open?: boolean
  /** Tickets that this tunnel holds: it keeps a link to each one's sharer. @default [] */
  readonly tickets?: readonly Ticket[]
  /** 32 bytes that this tunnel's own tickets are issued with. Without: none is accepted. */
  readonly ticketKey?: Uint8Array
  /** Where revoked tickets, and the uses of limited ones, are kept. Default: in memory only. */
  readonly revocations?: RevocationStore
  /** Seconds by which clocks may differ: a ticket is good that much longer. @default 60 */
  readonly ticketClockSkew?: number
  /** Addresses or peer ids to keep links to; may change, see `setNodes`. @default [] */
  readonly nodes?: readonly (Multiaddr | PeerId)[]
  /** Pauses between attempts to link to a node, in milliseconds, with full jitter. */
  readonly reconnect?: BackoffOptions
  /**
   * Pauses between looks for a direct way to a node whose link goes through a relay, with full
   * jitter. A direct connection takes the sessions over.
   *
   * @default { first: 2_000, factor: 2, max: 60_000 }
   */
  readonly directRetry?: BackoffOptions
  /** Milliseconds between full discoveries on each link. @default 60_000 */
  readonly discoverInterval?: number
  /** Milliseconds after which a channel that was not announced again is forgotten. @default 120_000 */
  readonly mappingLifetime?: number
  /** Milliseconds of a dial, discovery included, where it says nothing else. @default 5_000 */
  readonly dialTimeout?: number
  /** Milliseconds for the proof of a link. Beyond: its stream is reset. @default 10_000 */
  readonly handshakeTimeout?: number
  /** Milliseconds between probes of a link. @default 10_000 */
  readonly probeInterval?: number
  /** Milliseconds that a probe may go unanswered, without other traffic. @default 5_000 */
  readonly probeTimeout?: number
  /** Unanswered probes in a row after which the connection is closed as dead. @default 2 */
  readonly probeMisses?: number
  /**
   * Seal sessions: each is encrypted once more, end to end, inside what the connection does, with both
   * identities and the token or ticket of its link in the keys. Sessions of peers that are not sealed
   * are refused. Listeners and dials may say otherwise. @default false
   */
  readonly seal?: boolean
  /** Sessions that wait in a listener to be accepted. Beyond: refused. @default 128 */
  readonly acceptBacklog?: number
  /**
   * Peers that this tunnel has links with, in either direction; see also `setPeers`. Others fail the
   * link as with a wrong token, whatever they hold. @default { deny: [] }
   */
  readonly peers?: PeerAccess
  /**
   * Whether a peer may know of, and open, a channel; asked again when it resumes a session, and by
   * `recheckAccess`. A peer that may not sees what it would see if the channel did not exist; so that
   * the time does not tell either, it is asked about channels that peers make up, too.
   * Throwing means no. Default: every peer with a proven link may.
   */
  readonly authorize?: (request: AccessRequest) => boolean | Promise<boolean>
  /** Further ways to find channels, beside asking the links. @default [] */
  readonly directories?: readonly ChannelDirectory[]
  /**
   * Services whose peers become nodes, such as mdns and bootstrap: a link is kept to each that runs a
   * tunnel of this network. @default []
   */
  readonly peerDiscovery?: readonly PeerDiscovery[]
  /**
   * Link to every peer that a connection is dialled to, whatever for. With `false` only to nodes,
   * sharers of tickets, providers that a directory names, and whoever asks: for a network in which
   * a DHT keeps connections to many. @default true
   */
  readonly linkConnections?: boolean
  /**
   * Milliseconds that a link to a provider that a directory named stays without a session.
   *
   * @default 60_000
   */
  readonly idleLinkTimeout?: number
  readonly limits?: Partial<TunnelLimits>
}

/** Options with their defaults, checked. */
export interface ResolvedOptions {
  readonly open: boolean
  readonly tokenKeys: readonly Uint8Array[]
  readonly tickets: readonly Ticket[]
  readonly ticketKey: Uint8Array | undefined
  readonly revocations: RevocationStore | undefined
  readonly ticketClockSkew: number
  readonly nodes: readonly (Multiaddr | PeerId)[]
  readonly reconnect: BackoffOptions
  readonly directRetry: BackoffOptions
  readonly discoverInterval: number
  readonly mappingLifetime: number
  readonly dialTimeout: number
  readonly handshakeTimeout: number
  readonly probeInterval: number
  readonly probeTimeout: number
  readonly probeMisses: number
  readonly acceptBacklog: number
  readonly seal: boolean
  readonly gate: PeerGate
  readonly authorize: TunnelOptions['authorize']
  readonly directories: readonly ChannelDirectory[]
  readonly directoryKeys: readonly Uint8Array[]
  readonly peerDiscovery: readonly PeerDiscovery[]
  readonly linkConnections: boolean
  readonly idleLinkTimeout: number
  readonly limits: TunnelLimits
  readonly session: SessionOptions
}

/** Longest time in options: what a timer can hold. */
const MAX_TIME = 2 ** 31 - 1

/**
 * The options with their defaults. The caller's object is not touched.
 *
 * @throws {InvalidTunnelOptionError}, {InvalidTokenError}, {InvalidSessionOptionError}
 */
export function resolveOptions(given: TunnelOptions): ResolvedOptions {
  const tokens = tokenList(given.token)
  const open = given.open ?? DEFAULTS.open
  checkProof(given, tokens, open)
  const limits = { ...DEFAULTS.limits, ...definedOf(given.limits ?? {}) }
  for (const [name, value] of Object.entries(limits)) within(`limits.${name}`, value, 1, 2 ** 30)
  const reconnect = pauses('reconnect', given.reconnect)
  const directRetry = pauses('directRetry', given.directRetry)
  const nodes = [...(given.nodes ?? DEFAULTS.nodes)]
  nodes.forEach(checkNode)
  if (nodes.length > limits.nodes) {
    throw new InvalidTunnelOptionError(
      `${nodes.length} nodes are more than limits.nodes (${limits.nodes}) allows`
    )
  }
  return {
    open,
    tokenKeys: tokenKeysOf(tokens),
    tickets: [...(given.tickets ?? DEFAULTS.tickets)],
    ticketKey: given.ticketKey?.slice(),
    revocations: given.revocations,
    ticketClockSkew: number(given, 'ticketClockSkew', 0, 86_400),
    nodes,
    reconnect,
    directRetry,
    discoverInterval: number(given, 'discoverInterval', 1, MAX_TIME),
    mappingLifetime: number(given, 'mappingLifetime', 1, MAX_TIME),
    dialTimeout: number(given, 'dialTimeout', 1, MAX_TIME),
    handshakeTimeout: number(given, 'handshakeTimeout', 1, MAX_TIME),
    probeInterval: number(given, 'probeInterval', 1, MAX_TIME),
    probeTimeout: number(given, 'probeTimeout', 1, MAX_TIME),
    probeMisses: number(given, 'probeMisses', 1, 1_000),
    acceptBacklog: number(given, 'acceptBacklog', 1, 2 ** 20),
    seal: given.seal ?? DEFAULTS.seal,
    gate: new PeerGate(given.peers ?? DEFAULTS.peers),
    authorize: given.authorize,
    directories: [...(given.directories ?? [])],
    directoryKeys: directoryKeysOf(tokens, open),
    peerDiscovery: [...(given.peerDiscovery ?? [])],
    linkConnections: given.linkConnections ?? DEFAULTS.linkConnections,
    idleLinkTimeout: number(given, 'idleLinkTimeout', 1, MAX_TIME),
    limits,
    session: sessionOptions(sessionPart(given))
  }
}

/** The texts of tokens, given as one, several or none. */
export function tokenList(given: string | readonly string[] | undefined): readonly string[] {
  return given === undefined ? [] : [given].flat()
}

/**
 * Proof keys of the active tokens.
 *
 * @throws {InvalidTunnelOptionError} when they are too many; {InvalidTokenError}
 */
export function tokenKeysOf(tokens: readonly string[]): readonly Uint8Array[] {
  if (tokens.length > MAX_TOKENS) {
    throw new InvalidTunnelOptionError(
      `${tokens.length} tokens were given: at most ${MAX_TOKENS} are active, while one replaces another`
    )
  }
  return tokens.map(text => tokenProofKey(parseToken(text)))
}

/** What directories hide names with; see `ChannelDirectory.setKeys`. */
export function directoryKeysOf(tokens: readonly string[], open: boolean): readonly Uint8Array[] {
  return directoryKeys(tokens.map(parseToken), open)
}

/** @throws {InvalidTunnelOptionError} when no link could be proven, or a proof is of no use */
export function checkProof(
  given: Pick<TunnelOptions, 'tickets' | 'ticketKey'>,
  tokens: readonly string[],
  open: boolean
): void {
  if (given.ticketKey !== undefined && given.ticketKey.length !== TICKET_KEY_BYTES) {
    throw new InvalidTunnelOptionError(
      `ticketKey has ${given.ticketKey.length} bytes: use ${TICKET_KEY_BYTES}, see generateTicketKey()`
    )
  }
  if (open && tokens.length > 0) {
    throw new InvalidTunnelOptionError('open: true makes the token useless: give one of the two')
  }
  const proof = tokens.length > 0 || given.tickets !== undefined || given.ticketKey !== undefined
  if (!open && !proof) {
    throw new InvalidTunnelOptionError(
      'no link could be proven: give a token (generateToken() makes one), tickets, or a ticketKey; ' +
        'or open: true, to link to anyone'
    )
  }
}

/** @throws {InvalidTunnelOptionError} when `node` is neither an address nor a peer id */
export function checkNode(node: Multiaddr | PeerId): void {
  if (isMultiaddr(node)) return
  if (typeof node === 'object' && node !== null && 'toMultihash' in node) return
  throw new InvalidTunnelOptionError(
    `${String(node)} is no node: use a multiaddr (multiaddr('/ip4/…')) or a peer id`
  )
}

type NumberOption =
  | 'ticketClockSkew'
  | 'discoverInterval'
  | 'mappingLifetime'
  | 'dialTimeout'
  | 'handshakeTimeout'
  | 'probeInterval'
  | 'probeTimeout'
  | 'probeMisses'
  | 'acceptBacklog'
  | 'idleLinkTimeout'

function number(given: TunnelOptions, name: NumberOption, min: number, max: number): number {
  const value = given[name] ?? DEFAULTS[name]
  within(name, value, min, max)
  return value
}

function pauses(
  name: 'reconnect' | 'directRetry',
  given: BackoffOptions | undefined
): BackoffOptions {
  const options = { ...DEFAULTS[name], ...definedOf(given ?? {}) }
  within(`${name}.first`, options.first, 1, MAX_TIME)
  within(`${name}.factor`, options.factor, 1, 1_000)
  within(`${name}.max`, options.max, options.first, MAX_TIME)
  return options
}

function within(name: string, value: number, min: number, max: number): void {
  if (Number.isFinite(value) && value >= min && value <= max) return
  throw new InvalidTunnelOptionError(`${name} is ${value}: use a number from ${min} to ${max}`)
}

function definedOf<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined)
  ) as Partial<T>
}

function sessionPart(given: TunnelOptions): Partial<SessionOptions> {
  const {
    sessionWindow,
    maxSessionWindow,
    maxMessageBytes,
    headerBytes,
    pendingSends,
    resumeTimeout,
    closeTimeout,
    ackDelay,
    headTimeout,
    reattach,
    sessionsPerPeer
  } = given
  return definedOf({
    sessionWindow,
    maxSessionWindow,
    maxMessageBytes,
    headerBytes,
    pendingSends,
    resumeTimeout,
    closeTimeout,
    ackDelay,
    headTimeout,
    reattach,
    sessionsPerPeer
  }) as Partial<SessionOptions>
}
