import type {
  Connection,
  IdentifyResult,
  Libp2pEvents,
  Logger,
  PeerId,
  PeerUpdate,
  Topology,
  TypedEventTarget
} from '@libp2p/interface'
import { PeerSet } from '@libp2p/peer-collections'

interface Registered {
  readonly protocol: string
  readonly topology: Topology
  /** Peers that this topology was told of and not yet taken away: a subset of those connected. */
  readonly told: PeerSet
}

/**
 * Tells topologies which connected peers speak their protocol: upon `peer:identify`, and no more
 * when a peer drops the protocol (`peer:update`) or disconnects.
 */
export class Topologies {
  readonly #registered = new Map<string, Registered>()
  readonly #log: Logger
  #ids = 0

  constructor(events: TypedEventTarget<Libp2pEvents>, log: Logger) {
    this.#log = log
    events.addEventListener('peer:identify', event => this.#onIdentify(event.detail))
    events.addEventListener('peer:update', event => this.#onUpdate(event.detail))
    events.addEventListener('peer:disconnect', event => this.#onDisconnect(event.detail))
  }

  register(protocol: string, topology: Topology): string {
    const id = `topology-${++this.#ids}`
    this.#registered.set(id, { protocol, topology, told: new PeerSet() })
    return id
  }

  unregister(id: string): void {
    this.#registered.delete(id)
  }

  get(protocol: string): Topology[] {
    const found = [...this.#registered.values()].filter(each => each.protocol === protocol)
    return found.map(each => each.topology)
  }

  #onIdentify({ peerId, protocols, connection }: IdentifyResult): void {
    // An answer that comes after the connection's end would never be taken back.
    if (connection.status !== 'open') return
    for (const each of this.#registered.values()) {
      if (protocols.includes(each.protocol)) this.#connect(each, peerId, connection)
    }
  }

  #onUpdate({ peer, previous }: PeerUpdate): void {
    const dropped = previous?.protocols.filter(each => !peer.protocols.includes(each)) ?? []
    if (dropped.length === 0) return
    for (const each of this.#registered.values()) {
      if (dropped.includes(each.protocol)) this.#disconnect(each, peer.id)
    }
  }

  #onDisconnect(peer: PeerId): void {
    for (const each of this.#registered.values()) this.#disconnect(each, peer)
  }

  #connect({ topology, told }: Registered, peer: PeerId, connection: Connection): void {
    if (connection.limits !== undefined && topology.notifyOnLimitedConnection !== true) return
    if (topology.filter?.has(peer) === true) return
    topology.filter?.add(peer)
    told.add(peer)
    this.#call(async () => topology.onConnect?.(peer, connection))
  }

  #disconnect({ topology, told }: Registered, peer: PeerId): void {
    if (!told.has(peer)) return
    told.delete(peer)
    topology.filter?.remove(peer)
    this.#call(async () => topology.onDisconnect?.(peer))
  }

  /** A topology that fails harms nobody else. */
  #call(callback: () => Promise<void>): void {
    callback().catch(error => this.#log.error('a topology failed - %e', error))
  }
}
