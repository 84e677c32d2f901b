import type { PeerId } from '@libp2p/interface'
import type { ConnectionScope, ResourceLimiter } from '@warren/interface'
import { ConnectionLimitError, StreamLimitError } from '../errors.ts'
import type { StreamHost } from './counted-stream.ts'
import type { LimitValues } from './limit-values.ts'
import { OpenScope } from './open-scope.ts'
import type { RefusalCause } from './refusals.ts'
import { Refusals } from './refusals.ts'
import { CountedConnection, PeerScope, ProtocolScope } from './scopes.ts'
import type { Use } from './usage.ts'
import { Meter } from './usage.ts'

/** What a protocol was registered with; what it does not say is as everywhere. */
export interface ProtocolLimits {
  readonly maxInboundStreamsPerPeer?: number | undefined
  readonly maxBytesPerPeer?: number | undefined
}

/** What a swarm uses, beside what it may. A copy: it does not change afterwards. */
export interface SwarmResources {
  readonly system: Readonly<Record<'connections' | 'streams' | 'bytes', Use>>
  /** Peers with connections. */
  readonly peers: readonly PeerResources[]
  readonly connections: readonly ConnectionResources[]
  /** What was refused so far, by the scope and the resource whose limit it would have passed. */
  readonly refused: Readonly<Partial<Record<RefusalCause, number>>>
}

/** What one peer uses, over all its connections. */
export interface PeerResources {
  readonly peer: PeerId
  readonly connections: Use
  readonly streams: Use
  readonly bytes: Use
  /** Protocols with streams; `streams` are those that the peer opened. */
  readonly protocols: readonly {
    readonly protocol: string
    readonly streams: Use
    readonly bytes: Use
  }[]
}

/** What one connection uses; `streams` are those that the peer opened. */
export interface ConnectionResources {
  /** The id of the connection. */
  readonly id: string
  readonly peer: PeerId
  readonly streams: Use
  readonly bytes: Use
}

/**
 * Counts connections, streams and held bytes in four scopes: the system, each peer, each protocol of
 * a peer, each connection. What would pass a limit is refused before anything is made for it. Does
 * no I/O; a scope is there as long as something is counted in it.
 *
 * Nothing here goes by the address that a peer comes from; limits per source are the upgrader's, and
 * spare loopback and unix sockets.
 */
export class Limiter implements ResourceLimiter {
  readonly #limits: LimitValues
  readonly #protocolLimits: (protocol: string) => ProtocolLimits
  readonly #system: Readonly<Record<'connections' | 'streams' | 'bytes', Meter>>
  readonly #peers = new Map<string, PeerScope>()
  readonly #connections = new Map<string, CountedConnection>()
  readonly #refusals = new Refusals()
  readonly #streamHost: StreamHost
  readonly #onBytesRefused = (scope: 'system' | 'peer' | 'connection'): void =>
    this.#refusals.add(scope, 'bytes')

  constructor(limits: LimitValues, protocolLimits: (protocol: string) => ProtocolLimits) {
    this.#limits = limits
    this.#protocolLimits = protocolLimits
    this.#system = {
      connections: new Meter(limits.maxConnections),
      streams: new Meter(limits.maxStreams),
      bytes: new Meter(limits.maxBytes)
    }
    this.#streamHost = {
      systemStreams: this.#system.streams,
      protocolScope: (peer, name) => this.#protocol(peer, name),
      refuse: (scope, meter) => this.#refuse(scope, meter),
      letGo: connection => {
        this.#connections.delete(connection.id)
        connection.peer.users--
        this.#letGo(connection.peer)
      }
    }
  }

  /** Connections that are allowed in all; only counted here, the accept gate holds to it. */
  setMaxConnections(max: number): void {
    this.#system.connections.limit = max
  }

  /**
   * Counts one more connection of a peer; {@link Limiter.closeConnection} gives it back.
   *
   * @throws {ConnectionLimitError} when the peer has its full number already
   */
  openConnection(peer: PeerId): void {
    const scope = this.#peer(peer)
    if (scope.connections.full) {
      this.#refusals.add('peer', 'connections')
      this.#letGo(scope)
      throw new ConnectionLimitError(
        `there are ${scope.connections.used} connections to ${peer.toString()} already`
      )
    }
    scope.connections.add(1)
    this.#system.connections.add(1)
  }

  /** One connection of a peer has ended. */
  closeConnection(peer: PeerId): void {
    const scope = this.#peers.get(peer.toString())
    if (scope === undefined || scope.connections.used === 0) return
    scope.connections.add(-1)
    this.#system.connections.add(-1)
    this.#letGo(scope)
  }

  /** Counts an inbound connection that was refused since there are as many as allowed in all. */
  refusedForRoom(): void {
    this.#refusals.add('system', 'connections')
  }

  openScope(connection: string, peer: PeerId): ConnectionScope {
    const scope = this.#peer(peer)
    scope.users++
    const counted = new CountedConnection(
      connection,
      scope,
      this.#limits,
      this.#system.bytes,
      this.#onBytesRefused
    )
    this.#connections.set(connection, counted)
    return new OpenScope(this.#streamHost, counted)
  }

  /** What is used beside what is allowed, in each scope. */
  resources(): SwarmResources {
    const { connections, streams, bytes } = this.#system
    return {
      system: {
        connections: connections.snapshot(),
        streams: streams.snapshot(),
        bytes: bytes.snapshot()
      },
      peers: [...this.#peers.values()].map(scope => scope.snapshot()),
      connections: [...this.#connections.values()].map(each => each.snapshot()),
      refused: this.#refusals.snapshot()
    }
  }

  #refuse(scope: 'system' | 'peer' | 'protocol' | 'connection', { used }: Meter): StreamLimitError {
    this.#refusals.add(scope, 'streams')
    return new StreamLimitError(
      `${used} streams are open in the scope "${scope}", as many as its limit allows`
    )
  }

  #peer(peer: PeerId): PeerScope {
    const key = peer.toString()
    const known = this.#peers.get(key)
    if (known !== undefined) return known
    const scope = new PeerScope(peer, this.#limits)
    this.#peers.set(key, scope)
    return scope
  }

  #letGo(scope: PeerScope): void {
    if (scope.users === 0 && scope.connections.used === 0) this.#peers.delete(scope.peer.toString())
  }

  #protocol(peer: PeerScope, name: string): ProtocolScope {
    const known = peer.protocols.get(name)
    if (known !== undefined) return known
    const limits = this.#protocolLimits(name)
    const scope = new ProtocolScope(
      name,
      limits.maxInboundStreamsPerPeer ?? this.#limits.maxInboundStreamsPerProtocol,
      limits.maxBytesPerPeer ?? this.#limits.maxBytesPerProtocol,
      () => this.#refusals.add('protocol', 'bytes')
    )
    peer.protocols.set(name, scope)
    return scope
  }
}
