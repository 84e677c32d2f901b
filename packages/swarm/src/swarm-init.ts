import type {
  ComponentLogger,
  ConnectionEncrypter,
  ConnectionGater,
  ConnectionProtector,
  Metrics,
  NodeInfo,
  PrivateKey,
  ServiceMap,
  StreamMuxerFactory,
  Transport
} from '@libp2p/interface'
import type { DNS } from '@multiformats/dns'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { UpgraderInit } from '@warren/upgrader'
import type { Datastore } from './datastore.ts'
import type { SwarmComponents } from './services/components.ts'

/**
 * Makes a part of the swarm from {@link SwarmComponents}, as libp2p's own factories do; each declares
 * those it needs, and a missing one is reported when it is read.
 */
export type Factory<T> = (components: never) => T

/** Addresses that a swarm starts with. */
export interface SwarmAddresses {
  /** Listened on before `createSwarm` resolves. Default: none, the swarm only dials. */
  readonly listen?: readonly (Multiaddr | string)[]
  /** Told to peers in the place of what is listened on. Default: what is listened on. */
  readonly announce?: readonly (Multiaddr | string)[]
}

/** Limits and times of a swarm. Times in milliseconds. */
export interface SwarmOptions {
  /**
   * Connections in all. At the limit inbound ones wait in the accept queue, whose pressure reaches
   * the diallers; own dials are refused with `ERR_CONNECTION_LIMIT`.
   *
   * @default 300
   */
  readonly maxConnections?: number
  /**
   * Connections with one peer. One more is closed, or its dial rejects with `ERR_CONNECTION_LIMIT`.
   *
   * @default 8
   */
  readonly maxConnectionsPerPeer?: number
  /**
   * Streams in all, both directions. More are reset with the code "resource limit", own ones are
   * refused with `ERR_STREAM_LIMIT`. Less by default on a machine with little memory, as all limits
   * of streams and bytes; a limit that is given stands as it is.
   *
   * @default 20_000
   */
  readonly maxStreams?: number
  /**
   * Streams with one peer, both directions, over all its connections; more as with `maxStreams`.
   *
   * @default 8_192
   */
  readonly maxStreamsPerPeer?: number
  /**
   * Streams that the peer may have open on one connection; more are reset.
   *
   * @default 1_000
   */
  readonly maxStreamsPerConnection?: number
  /**
   * Streams of one protocol that one peer may have open, over all its connections, where the
   * protocol was not registered with a limit of its own; more are reset.
   *
   * @default 64
   */
  readonly maxInboundStreamsPerProtocol?: number
  /**
   * Bytes received and not yet read, in all. Three quarters are the end of growing windows; at the
   * limit the stream that holds most on the connection at hand is reset with the code "resource
   * limit". Counted by muxers that can tell, as `@warren/yamux`; so are the three below.
   *
   * @default 268_435_456
   */
  readonly maxBytes?: number
  /**
   * The same over all connections of one peer.
   *
   * @default 67_108_864
   */
  readonly maxBytesPerPeer?: number
  /**
   * The same on one connection.
   *
   * @default 16_777_216
   */
  readonly maxBytesPerConnection?: number
  /**
   * The same over all streams of one protocol with one peer, where the protocol was not registered
   * with a limit of its own; the stream that passes it is reset.
   *
   * @default 33_554_432
   */
  readonly maxBytesPerProtocol?: number
  /**
   * Trimming closes the least valuable connections down to this many.
   *
   * @default 160
   */
  readonly lowWatermark?: number
  /**
   * Trimming begins above this many connections.
   *
   * @default 192
   */
  readonly highWatermark?: number
  /**
   * A connection younger than this is not trimmed.
   *
   * @default 60_000
   */
  readonly trimGrace?: number
  /**
   * One dial of one peer, all its addresses together; afterwards it rejects with a `DialError`.
   *
   * @default 30_000
   */
  readonly dialTimeout?: number
  /**
   * One address, from the socket to the upgraded connection.
   *
   * @default 15_000
   */
  readonly addressDialTimeout?: number
  /**
   * One address until its far end answers and the upgrade begins. Relayed addresses have
   * `addressDialTimeout` only, since their relay may have to be dialled first.
   *
   * @default 5_000
   */
  readonly connectTimeout?: number
  /**
   * The names in one address, all its lookups together.
   *
   * @default 5_000
   */
  readonly resolveTimeout?: number
  /**
   * Addresses dialled at once, over all peers; each holds a descriptor. More wait their turn.
   *
   * @default 160
   */
  readonly maxDials?: number
  /**
   * Addresses of one peer dialled at once. With all places taken by addresses that are silent, the
   * oldest makes room for an untried one, and comes again later.
   *
   * @default 8
   */
  readonly maxDialsPerPeer?: number
  /**
   * Addresses that wait for a place; beyond it they fail with `ERR_DIAL_QUEUE_FULL`.
   *
   * @default 500
   */
  readonly maxDialQueue?: number
  /**
   * Addresses that one dial tries; the rest is listed in its report as not tried.
   *
   * @default 25
   */
  readonly maxAddressesPerDial?: number
  /**
   * Opening a stream, from the call to the negotiated protocol, where no signal is given.
   *
   * @default 10_000
   */
  readonly newStreamTimeout?: number
  /**
   * What a listener, a connection or a service gets for closing in peace; then it is destroyed.
   *
   * @default 5_000
   */
  readonly closeTimeout?: number
  /**
   * Two connections that the two peers opened within this time count as crossed dials, and one of
   * them goes; 0 keeps both.
   *
   * @default 2_000
   */
  readonly crossedDialWindow?: number
}

/** What a swarm is made of. */
export interface SwarmInit<Services extends ServiceMap = ServiceMap> {
  /** Who the swarm is. Default: a new Ed25519 key. */
  readonly privateKey?: PrivateKey
  /** How it reaches others; the first that takes an address is used. */
  readonly transports: readonly Factory<Transport>[]
  /** Offered in this order; the first common one is used. */
  readonly connectionEncrypters: readonly Factory<ConnectionEncrypter>[]
  /** Offered in this order; the first common one is used. */
  readonly streamMuxers: readonly Factory<StreamMuxerFactory>[]
  /** A pre-shared key that every connection is wrapped in. Default: none. */
  readonly connectionProtector?: Factory<ConnectionProtector>
  /** Denies connections and dials. Default: allows all. */
  readonly connectionGater?: ConnectionGater
  /** libp2p services, each under the name by which others find it (`identify`, `ping`, …). */
  readonly services?: { readonly [Name in keyof Services]: Factory<Services[Name]> }
  /** Keeps peers and what services store. Default: in memory. */
  readonly datastore?: Datastore
  /** Default: listens nowhere. */
  readonly addresses?: SwarmAddresses
  /** Limits and times. */
  readonly options?: SwarmOptions
  /** Limits and times of the upgrader; see `@warren/upgrader`. */
  readonly upgrader?: Omit<UpgraderInit, 'connectionEncrypters' | 'streamMuxers'>
  /** Default: libp2p's own (`DEBUG=libp2p:*`). */
  readonly logger?: ComponentLogger
  /** Default: none. */
  readonly metrics?: Factory<Metrics>
  /** What identify tells of this program. */
  readonly nodeInfo?: Partial<NodeInfo>
  /** Resolves `/dnsaddr`. Default: the system's name servers. */
  readonly dns?: DNS
}

/** What services see of the swarm: the components, and each other. */
export type ComponentsWith<Services extends ServiceMap> = SwarmComponents & Services
