import type { StreamScope } from '@warren/interface'
import type { CountedConnection, PeerScope, ProtocolScope } from './scopes.ts'
import type { Meter } from './usage.ts'

/** What connections and streams ask of their limiter. */
export interface StreamHost {
  readonly systemStreams: Meter
  protocolScope(peer: PeerScope, protocol: string): ProtocolScope
  refuse(scope: 'system' | 'peer' | 'protocol' | 'connection', meter: Meter): Error
  /** The connection has ended. */
  letGo(connection: CountedConnection): void
}

/**
 * One stream in the scopes of its connection, peer, protocol and the system. There is one for each
 * stream, so it keeps no closures.
 */
export class CountedStream implements StreamScope {
  readonly #host: StreamHost
  readonly #connection: CountedConnection
  readonly #inbound: boolean
  #protocol: ProtocolScope | undefined

  /** @throws what `refuse` gives, when the stream would pass a limit */
  constructor(host: StreamHost, connection: CountedConnection, inbound: boolean) {
    const { peer, streams } = connection
    if (host.systemStreams.full) throw host.refuse('system', host.systemStreams)
    if (peer.streams.full) throw host.refuse('peer', peer.streams)
    if (inbound && streams.full) throw host.refuse('connection', streams)
    this.#host = host
    this.#connection = connection
    this.#inbound = inbound
    this.#add(1)
    connection.live.add(this)
  }

  setProtocol(name: string): ProtocolScope {
    const { peer, live } = this.#connection
    const scope = this.#host.protocolScope(peer, name)
    if (this.#inbound && scope.streams.full) {
      peer.letGo(scope)
      throw this.#host.refuse('protocol', scope.streams)
    }
    if (live.has(this) && this.#protocol === undefined) {
      this.#protocol = scope
      scope.users++
      if (this.#inbound) scope.streams.add(1)
    }
    return scope
  }

  close(): void {
    const { peer, live } = this.#connection
    if (!live.delete(this)) return
    this.#add(-1)
    const protocol = this.#protocol
    if (protocol === undefined) return
    protocol.users--
    if (this.#inbound) protocol.streams.add(-1)
    peer.letGo(protocol)
  }

  #add(amount: number): void {
    this.#host.systemStreams.add(amount)
    this.#connection.peer.streams.add(amount)
    if (this.#inbound) this.#connection.streams.add(amount)
  }
}
