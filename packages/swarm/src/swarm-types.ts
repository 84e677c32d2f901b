import type {
  AbortOptions,
  Connection,
  IdentifyResult,
  PeerId,
  ServiceMap,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
  Topology,
  TypedEventTarget
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SwarmResources } from './limits/limiter.ts'
import type { DialReport } from './dial/dial-report.ts'
import type { ComponentsWith } from './swarm-init.ts'

/** What `dial` and `newStream` take: a peer whose addresses are known, or its addresses. */
export type DialTarget = PeerId | Multiaddr | readonly Multiaddr[]

/** Options of {@link Swarm.dial}. */
export interface DialOptions extends AbortOptions {
  /**
   * Dial a new connection although one is open, and although the addresses are in back-off.
   *
   * @default false
   */
  readonly force?: boolean
  /**
   * Dial addresses that are in back-off too; an open connection is still used. For callers that
   * have a back-off of their own.
   *
   * @default false
   */
  readonly ignoreBackoff?: boolean
}

/** Options of {@link Swarm.newStream}. */
export interface NewStreamOptions extends DialOptions {
  /**
   * Open the stream on a connection with limits (relayed) too.
   *
   * @default false
   */
  readonly runOnLimitedConnection?: boolean
  /**
   * `false` does not wait for the peer to agree on the protocol, where there is one, or the peer is
   * known to speak one of several (by identify, or since it did): what is sent leaves at once, behind
   * the proposal. When the peer does not agree the stream is reset, and readers get the error.
   *
   * @default true
   */
  readonly negotiateFully?: boolean
}

/** Options of {@link Swarm.handle}. */
export interface HandleOptions extends StreamHandlerOptions {
  /**
   * Streams of the protocol that one peer may have open, over all its connections; more are reset.
   * Default: `maxInboundStreamsPerProtocol`, or `maxInboundStreams` of these options if that is more.
   */
  readonly maxInboundStreamsPerPeer?: number
  /**
   * Bytes of the protocol that one peer may have sent and nobody has read, over all its streams; the
   * one that passes it is reset. Default: `maxBytesPerProtocol`.
   */
  readonly maxBytesPerPeer?: number
}

/**
 * Events of a swarm. For one connection they come in a fixed order: `connected` before its first
 * stream reaches a handler, `disconnected` after its last stream has ended.
 */
export interface SwarmEvents {
  /** An address is listened on now. */
  listening: CustomEvent<Multiaddr>
  /** An address is no longer listened on. */
  listenClose: CustomEvent<Multiaddr>
  /** A connection is open, in either direction; its streams begin when all were told. */
  connected: CustomEvent<Connection>
  /** A connection and all its streams have ended. */
  disconnected: CustomEvent<Connection>
  /** A dial has ended: every address that it tried, and how each went. */
  dialled: CustomEvent<DialReport>
  /** The identify service has learned what a peer is and speaks. */
  'peer:identify': CustomEvent<IdentifyResult>
}

/**
 * A libp2p host: it listens and dials, owns the connections, hands their streams to protocol
 * handlers, and hosts libp2p services.
 */
export interface Swarm<Services extends ServiceMap = ServiceMap>
  extends TypedEventTarget<SwarmEvents> {
  /** Who this swarm is; made from its private key. */
  readonly peerId: PeerId
  /** `open` from the start; `closing` and `closed` once `close` was called. */
  readonly status: 'open' | 'closing' | 'closed'
  /** The services of the options, by name. */
  readonly services: Services
  /**
   * What transports and services are given, for those that are made later; reading a component that
   * is not there throws `ERR_MISSING_SERVICE`.
   */
  readonly components: ComponentsWith<Services>

  /**
   * Listens on every address, all at once; the transport is chosen by address. Those that can be
   * listened on are, whatever becomes of the others.
   *
   * @throws `ERR_NO_TRANSPORT` when the only address fits no transport
   * @throws `ERR_LISTEN` naming each address that failed, with its cause
   */
  listen(addrs: Multiaddr | readonly Multiaddr[], options?: AbortOptions): Promise<void>
  /** Where this swarm listens (wildcards expanded), without `/p2p`. */
  listenAddrs(): Multiaddr[]

  /**
   * A connection to the peer: the best open one, or a new one. Concurrent callers join one dial,
   * which ends when none of them waits any more.
   *
   * @throws `ERR_DIAL` with every address, its step, duration and cause
   * @throws `ERR_DIAL_SELF`, `ERR_DIAL_TARGET`, `ERR_CONNECTION_LIMIT`, `ERR_SWARM_CLOSED`
   */
  dial(target: DialTarget, options?: DialOptions): Promise<Connection>
  /**
   * A stream for the first of `protocols` that the peer speaks, over the given connection or the
   * best one, dialled if need be. Without a signal it is bounded by `newStreamTimeout`.
   */
  newStream(
    target: DialTarget | Connection,
    protocols: string | string[],
    options?: NewStreamOptions
  ): Promise<Stream>

  /**
   * Gives inbound streams of `protocol` to `handler`. A handler that throws or rejects resets its
   * stream.
   *
   * @throws `ERR_PROTOCOL_HANDLED` when it has a handler and `force` is not set
   */
  handle(protocol: string, handler: StreamHandler, options?: HandleOptions): Promise<void>
  /** Refuses streams of `protocol` from now on; those that are open go on. */
  unhandle(protocol: string): Promise<void>

  /** All open connections, or those to one peer, oldest first. */
  connections(peer?: PeerId): Connection[]
  /** The peers with an open connection. */
  peers(): PeerId[]
  /** Closes every connection to the peer; what does not close in 5 s is aborted. */
  closePeer(peer: PeerId, options?: AbortOptions): Promise<void>

  /**
   * Tells `topology` of every peer that is connected, connects and disconnects, once each, whatever
   * it speaks (`components.registrar.register` goes by protocol). Returns how to stop it.
   */
  notify(topology: Topology): () => void
  /** Shields a peer's connections from trimming, under a tag; `unprotect` takes the tag back. */
  protect(peer: PeerId, tag: string): void
  /** Takes one tag of `protect` back; with the last one the shield is gone. */
  unprotect(peer: PeerId, tag: string): void

  /** What is used beside what is allowed, in each scope, and what was refused. A copy. */
  resources(): SwarmResources

  /**
   * Stops taking connections out of the accept queues until {@link Swarm.resume}: the queues fill,
   * then no upgrade starts, and diallers wait. Own dials go on.
   */
  pause(): void
  /** Takes connections again. */
  resume(): void

  /**
   * Ends listeners, dials, connections and services, and leaves nothing behind. Each gets
   * `closeTimeout` to end in peace; when the signal fires, connections are aborted at once.
   * Idempotent.
   */
  close(options?: AbortOptions): Promise<void>
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
