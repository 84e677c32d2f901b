import type {
  AbortOptions,
  Connection,
  PeerId,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
  Topology,
  TypedEventTarget
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What `dial` and `newStream` take: a peer whose addresses are known, or its addresses. */
export type DialTarget = PeerId | Multiaddr | readonly Multiaddr[]

/** Options of {@link Swarm.dial}. */
export interface DialOptions extends AbortOptions {
  /** Dial although a connection is open or the address is in back-off. Default `false`. */
  readonly force?: boolean
}

/** Options of {@link Swarm.newStream}. */
export interface NewStreamOptions extends DialOptions {
  /** Open the stream on a connection with limits (relayed) too. Default `false`. */
  readonly runOnLimitedConnection?: boolean
}

/** Options of {@link Swarm.handle}. */
export interface HandleOptions extends StreamHandlerOptions {}

/**
 * Events of a swarm. For one connection they come in a fixed order: `connected` before its first
 * stream reaches a handler, `disconnected` after its last stream has ended.
 */
export interface SwarmEvents {
  listening: CustomEvent<Multiaddr>
  listenClose: CustomEvent<Multiaddr>
  connected: CustomEvent<Connection>
  disconnected: CustomEvent<Connection>
  'peer:identify': CustomEvent<unknown>
}

/** The public face of a swarm, as the packages above use it. */
export interface Swarm extends TypedEventTarget<SwarmEvents> {
  readonly peerId: PeerId
  readonly status: 'open' | 'closing' | 'closed'

  /** Listens on every address; the transport is chosen by address. */
  listen(addrs: Multiaddr | readonly Multiaddr[], options?: AbortOptions): Promise<void>
  /** Where this swarm listens (wildcards expanded), without `/p2p`. */
  listenAddrs(): Multiaddr[]

  /** A connection to the peer: an open one, or a new one. Joined by concurrent callers. */
  dial(target: DialTarget, options?: DialOptions): Promise<Connection>
  /** A stream for the first of `protocols` that the peer speaks, over the best connection. */
  newStream(
    target: DialTarget | Connection,
    protocols: string | string[],
    options?: NewStreamOptions
  ): Promise<Stream>

  handle(protocol: string, handler: StreamHandler, options?: HandleOptions): Promise<void>
  unhandle(protocol: string): Promise<void>

  connections(peer?: PeerId): Connection[]
  peers(): PeerId[]
  closePeer(peer: PeerId, options?: AbortOptions): Promise<void>

  /** Tells `topology` of every peer that connects and disconnects; returns how to stop it. */
  notify(topology: Topology): () => void
  /** Shields a peer's connections from trimming, under a tag; `unprotect` takes the tag back. */
  protect(peer: PeerId, tag: string): void
  unprotect(peer: PeerId, tag: string): void

  /** Stops taking connections out of the accept queues, until {@link Swarm.resume}. */
  pause(): void
  resume(): void

  /** Ends listeners, connections and services, and leaves nothing behind. Idempotent. */
  close(options?: AbortOptions): Promise<void>
}
