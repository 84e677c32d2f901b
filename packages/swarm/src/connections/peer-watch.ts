import type { Connection, Logger, PeerId, Topology } from '@libp2p/interface'
import { PeerSet } from '@libp2p/peer-collections'

/**
 * Tells topologies of every peer that connects and disconnects, whatever protocols it speaks: once
 * per peer, at its first connection that the topology wants, and at the end of its last.
 */
export class PeerWatch {
  readonly #topologies = new Map<Topology, PeerSet>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** Adds a topology; it is told at once of the connections that are open already. */
  add(topology: Topology, open: readonly Connection[]): () => void {
    const told = new PeerSet()
    this.#topologies.set(topology, told)
    for (const connection of open) this.#tell(topology, told, connection)
    return () => {
      this.#topologies.delete(topology)
    }
  }

  opened(connection: Connection): void {
    for (const [topology, told] of this.#topologies) this.#tell(topology, told, connection)
  }

  /** The last connection of a peer has ended. */
  gone(peer: PeerId): void {
    for (const [topology, told] of this.#topologies) {
      if (!told.has(peer)) continue
      told.delete(peer)
      topology.filter?.remove(peer)
      this.#call(async () => topology.onDisconnect?.(peer))
    }
  }

  #tell(topology: Topology, told: PeerSet, connection: Connection): void {
    const peer = connection.remotePeer
    if (told.has(peer) || topology.filter?.has(peer) === true) return
    if (connection.limits !== undefined && topology.notifyOnLimitedConnection !== true) return
    told.add(peer)
    topology.filter?.add(peer)
    this.#call(async () => topology.onConnect?.(peer, connection))
  }

  #call(callback: () => Promise<void>): void {
    callback().catch(error => this.#log.error('a topology failed - %e', error))
  }
}
