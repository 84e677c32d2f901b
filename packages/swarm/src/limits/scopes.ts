import type { PeerId } from '@libp2p/interface'
import type { ByteAccount } from '@warren/interface'
import type { ConnectionResources, PeerResources } from './limiter.ts'
import type { LimitValues } from './limit-values.ts'
import { Meter } from './usage.ts'

/** One protocol of one peer. */
export class ProtocolScope {
  readonly protocol: string
  /** Streams that the peer opened. */
  readonly streams: Meter
  readonly bytes: Meter
  /** Streams of either direction that are counted here. */
  users = 0

  constructor(protocol: string, maxStreams: number, maxBytes: number) {
    this.protocol = protocol
    this.streams = new Meter(maxStreams)
    this.bytes = new Meter(maxBytes)
  }

  /** For its streams; `refused` is called when one of them was reset. */
  account(refused: () => void): ByteAccount {
    const { bytes } = this
    return {
      hold: amount => bytes.add(amount),
      get tight() {
        return bytes.tight
      },
      get over() {
        return bytes.over
      },
      refused
    }
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

/** One connection. */
export class CountedConnection {
  readonly id: string
  readonly peer: PeerScope
  /** Streams that the peer opened. */
  readonly streams: Meter
  readonly bytes: Meter
  readonly #systemBytes: Meter
  #open = true

  constructor(id: string, peer: PeerScope, limits: LimitValues, systemBytes: Meter) {
    this.id = id
    this.peer = peer
    this.streams = new Meter(limits.maxStreamsPerConnection)
    this.bytes = new Meter(limits.maxBytesPerConnection)
    this.#systemBytes = systemBytes
  }

  /** What its muxer holds; `refused` names the scope for which a stream was reset. */
  account(refused: (scope: 'system' | 'peer' | 'connection') => void): ByteAccount {
    const connection = this.bytes
    const peer = this.peer.bytes
    const system = this.#systemBytes
    return {
      hold: amount => this.#hold(amount),
      get tight() {
        return connection.tight || peer.tight || system.tight
      },
      get over() {
        return connection.over || peer.over || system.over
      },
      refused: () => refused(connection.over ? 'connection' : peer.over ? 'peer' : 'system')
    }
  }

  /** It has ended: what its muxer still counts is let go, and nothing is counted any more. */
  close(): void {
    this.#hold(-this.bytes.used)
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

  #hold(amount: number): void {
    if (!this.#open) return
    this.bytes.add(amount)
    this.peer.bytes.add(amount)
    this.#systemBytes.add(amount)
  }
}
