import type {
  AbortOptions,
  Connection,
  DialTarget as LibP2PDialTarget,
  IsDialableOptions,
  MultiaddrConnection,
  NewStreamOptions,
  PeerId,
  PendingDial,
  Stream
} from '@libp2p/interface'
import type {
  ConnectionManager as ConnectionManagerInterface,
  OpenConnectionOptions
} from '@libp2p/interface-internal'
import type { PeerMap } from '@libp2p/peer-collections'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ConnectionTable } from './connections/connection-table.ts'
import { reachOf } from './dial/address-rank.ts'
import type { Dialler } from './dial/dialler.ts'

/** What a {@link ConnectionManager} speaks for. */
export interface ConnectionManagerContext {
  readonly table: ConnectionTable
  readonly dialler: Dialler
  openStream(target: LibP2PDialTarget, protocols: string[], options: object): Promise<Stream>
  closePeer(peer: PeerId, options: AbortOptions): Promise<void>
  getMaxConnections(): number
  setMaxConnections(max: number): void
  /** The addresses that a dial of `address` would try. */
  dialable(address: Multiaddr, signal?: AbortSignal): Promise<Multiaddr[]>
}

/** The swarm's connections and dials, as libp2p's services know them. */
export class ConnectionManager implements ConnectionManagerInterface {
  readonly [Symbol.toStringTag] = '@warren/swarm/connection-manager'
  readonly #context: ConnectionManagerContext

  constructor(context: ConnectionManagerContext) {
    this.#context = context
  }

  getConnections(peer?: PeerId): Connection[] {
    return this.#context.table.connections(peer)
  }

  getConnectionsMap(): PeerMap<Connection[]> {
    return this.#context.table.toPeerMap()
  }

  getMaxConnections(): number {
    return this.#context.getMaxConnections()
  }

  setMaxConnections(maxConnections: number): void {
    this.#context.setMaxConnections(maxConnections)
  }

  async openConnection(
    target: LibP2PDialTarget,
    options: OpenConnectionOptions = {}
  ): Promise<Connection> {
    const { signal, force, initiator } = options
    return this.#context.dialler.dial(target, {
      ...(signal === undefined ? {} : { signal }),
      ...(force === undefined ? {} : { force }),
      ...(initiator === undefined ? {} : { initiator })
    })
  }

  async openStream(
    target: LibP2PDialTarget,
    protocol: string | string[],
    options: OpenConnectionOptions & NewStreamOptions = {}
  ): Promise<Stream> {
    const protocols = Array.isArray(protocol) ? protocol : [protocol]
    return this.#context.openStream(target, protocols, options)
  }

  async closeConnections(peer: PeerId, options: AbortOptions = {}): Promise<void> {
    await this.#context.closePeer(peer, options)
  }

  /** Always: slots and the accept queue hold connections back before they come here. */
  acceptIncomingConnection(_maConn: MultiaddrConnection): boolean {
    return true
  }

  /** Nothing to count: slots are given back by those who took them. */
  afterUpgradeInbound(): void {}

  getDialQueue(): PendingDial[] {
    return this.#context.dialler.running().map(({ peer }, index) => ({
      id: String(index),
      status: 'active' as const,
      ...(peer === undefined ? {} : { peerId: peer }),
      multiaddrs: []
    }))
  }

  async isDialable(
    address: Multiaddr | Multiaddr[],
    options: IsDialableOptions = {}
  ): Promise<boolean> {
    const addresses = Array.isArray(address) ? address : [address]
    const lists = await Promise.all(
      addresses.map(async each => this.#context.dialable(each, options.signal))
    )
    const found = lists.flat()
    return options.runOnLimitedConnection === false
      ? found.some(each => reachOf(each) !== 'relay')
      : found.length > 0
  }
}
