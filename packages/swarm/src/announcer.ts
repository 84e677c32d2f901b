import type {
  Connection,
  Libp2pEvents,
  Logger,
  PeerStore,
  TypedEventTarget
} from '@libp2p/interface'
import type { ConnectionObserver } from './connections/connection-table.ts'
import type { PeerWatch } from './connections/peer-watch.ts'
import type { SwarmEvents } from './swarm-types.ts'

/** What an {@link Announcer} works with. */
export interface AnnouncerContext {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly bus: TypedEventTarget<SwarmEvents>
  readonly watch: PeerWatch
  readonly peerStore: PeerStore
  readonly log: Logger
  /** The peer was reached, by whatever address. */
  readonly reached: (connection: Connection) => void
  /** The number of connections has changed. */
  resized(size: number): void
}

/** Tells of connections, in one order: libp2p's services, then the swarm's listeners and topologies. */
export class Announcer implements ConnectionObserver {
  readonly #context: AnnouncerContext

  constructor(context: AnnouncerContext) {
    this.#context = context
  }

  opened(connection: Connection, first: boolean): void {
    const { events, bus, watch, reached } = this.#context
    reached(connection)
    this.#keepKey(connection)
    if (first) events.safeDispatchEvent('peer:connect', { detail: connection.remotePeer })
    events.safeDispatchEvent('connection:open', { detail: connection })
    bus.safeDispatchEvent('connected', { detail: connection })
    watch.opened(connection)
  }

  closed(connection: Connection, last: boolean): void {
    const { events, bus, watch } = this.#context
    const peer = connection.remotePeer
    events.safeDispatchEvent('connection:close', { detail: connection })
    bus.safeDispatchEvent('disconnected', { detail: connection })
    if (!last) return
    watch.gone(peer)
    events.safeDispatchEvent('peer:disconnect', { detail: peer })
  }

  resized(size: number): void {
    this.#context.resized(size)
  }

  /** RSA keys are not part of the peer id: who has only the id asks the peer store for the key. */
  #keepKey({ remotePeer }: Connection): void {
    if (remotePeer.type !== 'RSA' || remotePeer.publicKey === undefined) return
    const { peerStore, log } = this.#context
    peerStore.patch(remotePeer, { publicKey: remotePeer.publicKey }).catch(error => {
      log.error('could not keep the public key of a peer - %e', error)
    })
  }
}
