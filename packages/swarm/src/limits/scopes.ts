import type { PeerId } from '@libp2p/interface'
import type { ByteAccount, StreamScope } from '@warren/interface'
import type { ConnectionResources, PeerResources } from './limiter.ts'
import type { LimitValues } from './limit-values.ts'
import { Meter } from './usage.ts'

/** One protocol of one peer; what its streams hold is counted here. */
export class ProtocolScope implements ByteAccount {
  readonly protocol: string
  /** Streams that the peer opened. */
  readonly streams: Meter
  readonly bytes: Meter
  /** Streams of either direction that are counted here. */
  users = 0

  readonly #onRefused: () => void

  /** `onRefused` is called when one of its streams was reset for what it held. */
  constructor(protocol: string, maxStreams: number, maxBytes: number, onRefused: () => void) {
    this.protocol = protocol
    this.#onRefused = onRefused
    this.streams = new Meter(maxStreams)
    this.bytes = new Meter(maxBytes)
  }

  get tight(): boolean {
    return this.bytes.tight
  }

  get over(): boolean {
    return this.bytes.over
  }

  hold(amount: number): void {
    this.bytes.add(amount)
  }

  refused(): void {
    this.#onRefused()
  }
}

/** One peer, over all its connections. */
export class PeerScope {
  readonly peer: PeerId
  readonly connections: Meter
  readonly streams: Meter
  readonly bytes: Meter
  readonly protocols = new Map<string, ProtocolScope>()
  /** Connections that are counted here for their streams, registered or not. */
  users = 0

  constructor(peer: PeerId, limits: LimitValues) {
    this.peer = peer
    this.connections = new Meter(limits.maxConnectionsPerPeer)
    this.streams = new Meter(limits.maxStreamsPerPeer)
    this.bytes = new Meter(limits.maxBytesPerPeer)
  }

  /** Forgets a protocol that has no stream any more. */
  letGo(scope: ProtocolScope): void {
    if (scope.users === 0) this.protocols.delete(scope.protocol)
  }

  snapshot(): PeerResources {
    return {
      peer: this.peer,
      connections: this.connections.snapshot(),
      streams: this.streams.snapshot(),
      bytes: this.bytes.snapshot(),
      protocols: [...this.protocols.values()].map(({ protocol, streams, bytes }) => ({
        protocol,
        streams: streams.snapshot(),
        bytes: bytes.snapshot()
      }))
    }
  }
}

/** A scope in which bytes are counted. */
type ByteScope = 'system' | 'peer' | 'connection'

/** One connection; what its muxer holds is counted here. */
export class CountedConnection implements ByteAccount {
  readonly id: string
  readonly peer: PeerScope
  /** Streams that the peer opened. */
  readonly streams: Meter
  readonly bytes: Meter
  /** Its streams of either direction, which have not ended. */
  readonly live = new Set<StreamScope>()
  readonly #systemBytes: Meter
  readonly #onRefused: (scope: ByteScope) => void
  #open = true

  /** `onRefused` is told of the scope for which a stream was reset. */
  constructor(
    id: string,
    peer: PeerScope,
    limits: LimitValues,
    systemBytes: Meter,
    onRefused: (scope: ByteScope) => void
  ) {
    this.id = id
    this.peer = peer
    this.streams = new Meter(limits.maxStreamsPerConnection)
    this.bytes = new Meter(limits.maxBytesPerConnection)
    this.#systemBytes = systemBytes
    this.#onRefused = onRefused
  }

  get tight(): boolean {
    return this.bytes.tight || this.peer.bytes.tight || this.#systemBytes.tight
  }

  get over(): boolean {
    return this.bytes.over || this.peer.bytes.over || this.#systemBytes.over
  }

  hold(amount: number): void {
    if (!this.#open) return
    this.bytes.add(amount)
    this.peer.bytes.add(amount)
    this.#systemBytes.add(amount)
  }

  refused(): void {
    this.#onRefused(this.bytes.over ? 'connection' : this.peer.bytes.over ? 'peer' : 'system')
  }

  /** It has ended: what its muxer still counts is let go, and nothing is counted any more. */
  close(): void {
    this.hold(-this.bytes.used)
    this.#open = false
  }

  snapshot(): ConnectionResources {
    return {
      id: this.id,
      peer: this.peer.peer,
      streams: this.streams.snapshot(),
      bytes: this.bytes.snapshot()
    }
  }
}
