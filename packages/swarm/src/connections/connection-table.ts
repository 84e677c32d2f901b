import type { Connection, PeerId } from '@libp2p/interface'
import { PeerMap } from '@libp2p/peer-collections'
import {
  UnregisteredConnectionError,
  ConnectionSupplantedError,
  SwarmClosedError
} from '../errors.ts'
import { CONNECTION_CODE } from '@warren/interface'
import type { CodedCloseOptions } from '@warren/interface'
import { unref } from '@warren/utils'
import type { Limiter } from '../limits/limiter.ts'
import { bestOf, type Ranked } from './best-connection.ts'
import { crossedLoser } from './crossed-dials.ts'
import { streamsEnded } from './streams-ended.ts'

/** Who is told of connections; each call is made in order, and none may throw. */
export interface ConnectionObserver {
  /** A connection is registered; its streams have not begun. `first`: the peer had none. */
  opened(connection: Connection, first: boolean): void
  /** A connection and all its streams have ended. `last`: the peer has none left. */
  closed(connection: Connection, last: boolean): void
  /** The number of connections has changed. */
  resized(size: number): void
}

/** Settings of a {@link ConnectionTable}. */
export interface ConnectionTableOptions {
  readonly self: PeerId
  /** Counts connections by peer, and refuses. */
  readonly limiter: Pick<Limiter, 'openConnection' | 'closeConnection'>
  /** Milliseconds within which two opposite dials count as crossed. */
  readonly crossedDialWindow: number
  /** Milliseconds that a closed connection's streams get to end before that is told. */
  readonly closeTimeout: number
}

/** A registered connection. */
export interface ConnectionEntry extends Ranked {
  readonly forced: boolean
  supplanted: boolean
  /** Monotonic milliseconds at which it was registered. */
  readonly since: number
}

/** How a connection came about. */
export interface AdoptOptions {
  readonly forced?: boolean
}

/** A supplanted connection is closed when it had no stream for this long, in milliseconds. */
const SUPPLANTED_QUIET = 500

/**
 * Every open connection, by peer, and the order of what is told of each: `opened`, then its
 * streams, then `closed`.
 */
export class ConnectionTable {
  readonly #options: ConnectionTableOptions
  readonly #observer: ConnectionObserver
  readonly #byPeer = new PeerMap<ConnectionEntry[]>()
  /** Connections told of as opened and not yet as closed, by peer. */
  readonly #present = new PeerMap<number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #endings = new Set<Promise<void>>()
  #order = 0
  #size = 0
  #closed = false

  constructor(options: ConnectionTableOptions, observer: ConnectionObserver) {
    this.#options = options
    this.#observer = observer
  }

  /** Open connections. */
  get size(): number {
    return this.#size
  }

  /** All entries, or those of one peer, oldest first. */
  entries(peer?: PeerId): ConnectionEntry[] {
    if (peer !== undefined) return [...(this.#byPeer.get(peer) ?? [])]
    return [...this.#byPeer.values()].flat()
  }

  /** All connections, or those of one peer, oldest first. */
  connections(peer?: PeerId): Connection[] {
    return this.entries(peer).map(entry => entry.connection)
  }

  /** Peers with a connection. */
  peers(): PeerId[] {
    return [...this.#byPeer.keys()]
  }

  /** Connections by peer, as libp2p's services read them; a copy. */
  toPeerMap(): PeerMap<Connection[]> {
    const map = new PeerMap<Connection[]>()
    for (const peer of this.peers()) map.set(peer, this.connections(peer))
    return map
  }

  /** The best connection to a peer. */
  best(peer: PeerId): Connection | undefined {
    return bestOf(this.#byPeer.get(peer) ?? [])?.connection
  }

  /**
   * Registers a connection and tells of it; the caller starts its streams afterwards.
   *
   * @throws {ConnectionLimitError} when the peer has its full number already
   * @throws {SwarmClosedError} once the table is closed
   */
  adopt(connection: Connection, options: AdoptOptions = {}): void {
    if (this.#closed) throw new SwarmClosedError('the swarm was closed while a peer connected')
    if (connection.status !== 'open') {
      throw new UnregisteredConnectionError('the connection ended before it could be registered')
    }
    const peer = connection.remotePeer
    const known = this.#byPeer.get(peer) ?? []
    if (known.some(entry => entry.connection === connection)) return
    this.#options.limiter.openConnection(peer)
    const entry: ConnectionEntry = {
      connection,
      forced: options.forced === true,
      supplanted: false,
      order: this.#order++,
      since: performance.now()
    }
    this.#byPeer.set(peer, [...known, entry])
    this.#size++
    const present = this.#present.get(peer) ?? 0
    this.#present.set(peer, present + 1)
    connection.addEventListener('close', () => this.#onClose(entry), { once: true })
    this.#observer.resized(this.#size)
    this.#observer.opened(connection, present === 0)
    for (const other of known) this.#resolveCrossing(entry, other)
  }

  /** Refuses further connections and waits until the end of each one was told. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    await Promise.all(this.#endings)
  }

  #onClose(entry: ConnectionEntry): void {
    const peer = entry.connection.remotePeer
    const left = (this.#byPeer.get(peer) ?? []).filter(other => other !== entry)
    if (left.length === 0) this.#byPeer.delete(peer)
    else this.#byPeer.set(peer, left)
    this.#size--
    this.#options.limiter.closeConnection(peer)
    const ending = streamsEnded(entry.connection, this.#options.closeTimeout).then(() => {
      this.#endings.delete(ending)
      const present = (this.#present.get(peer) ?? 1) - 1
      if (present === 0) this.#present.delete(peer)
      else this.#present.set(peer, present)
      this.#observer.closed(entry.connection, present === 0)
    })
    this.#endings.add(ending)
    this.#observer.resized(this.#size)
  }

  #resolveCrossing(a: ConnectionEntry, b: ConnectionEntry): void {
    const { self, crossedDialWindow } = this.#options
    if (a.supplanted || b.supplanted) return
    const loser = crossedLoser(self, a, b, crossedDialWindow)
    if (loser === undefined) return
    loser.supplanted = true
    this.#closeWhenQuiet(loser.connection)
  }

  /** Ends a supplanted connection once its streams have ended and no new one came for a while. */
  #closeWhenQuiet(connection: Connection): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (connection.status !== 'open') return
      if (connection.streams.length > 0) {
        this.#closeWhenQuiet(connection)
        return
      }
      const options: CodedCloseOptions = { reason: CONNECTION_CODE.supplanted }
      connection.close(options).catch(() => {
        connection.abort(new ConnectionSupplantedError('another connection takes its place'))
      })
    }, SUPPLANTED_QUIET)
    unref(timer)
    this.#timers.add(timer)
  }
}
