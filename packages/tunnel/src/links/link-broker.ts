import { randomBytes } from 'node:crypto'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'
import { waitFor } from '@warren/utils'
import { GoodbyeReason, RefuseCode } from '../../proto/control.ts'
import { INSTANCE_BYTES } from '../auth/link-handshake.ts'
import type { LinkCredentials, LinkGrant } from '../auth/link-handshake.ts'
import type { LinkRole } from '../auth/link-proof.ts'
import {
  LinkClosedError,
  LinkLimitError,
  LinkProtocolError,
  LinkTimeoutError,
  TunnelClosedError
} from '../errors.ts'
import type { LinkTable } from './link-table.ts'
import type { NodeTarget } from './node-keeper.ts'
import { isDirect } from './node-target.ts'
import { proveLink, refuseLink } from './prove-link.ts'
import { TunnelLink } from './tunnel-link.ts'
import type { LinkOwner, LinkTimes } from './tunnel-link.ts'

/** Protocol of the control stream of a link. */
export const TUNNEL_PROTOCOL = '/warren/tunnel/1.0.0'
/** Tag under which the connections of linked peers are protected in the swarm. */
const PROTECT_TAG = 'warren-tunnel'
/** Milliseconds that the connection's initiator has to open the control stream. */
const INITIATOR_FIRST = 1_000

/** What a {@link LinkBroker} needs. */
export interface LinkBrokerInit {
  readonly swarm: Swarm
  readonly table: LinkTable
  readonly owner: LinkOwner
  readonly times: LinkTimes
  /** Link to whomever a connection is dialled to, whatever for. */
  readonly linkConnections: boolean
  readonly maxLinks: number
  readonly maxHandshakes: number
  readonly handshakeTimeout: number
  readonly controlBytes: number
  readonly now: () => number
  credentials(peer: PeerId): LinkCredentials
  /** A link was proven and is in the table. */
  linked(link: TunnelLink, grant: LinkGrant): void
  /** A peer opened a control stream and failed the proof, or we failed it. */
  refused(error: Error, peer: PeerId): void
}

/**
 * Makes links: opens control streams on connections that this side dialled, answers those that
 * peers open, proves them, and merges what crosses.
 */
export class LinkBroker {
  readonly #init: LinkBrokerInit
  /** Proofs under way, by connection. */
  readonly #proving = new Map<string, Promise<TunnelLink>>()
  #inboundProofs = 0
  /** Names this run of the tunnel: sessions of another one are no longer known here. */
  readonly #instance = new Uint8Array(randomBytes(INSTANCE_BYTES))
  /** Called at every change of links. */
  readonly #watchers = new Set<() => void>()
  #closed = false

  constructor(init: LinkBrokerInit) {
    this.#init = init
  }

  /** Link proofs under way. */
  get proving(): number {
    return this.#proving.size
  }

  /** Starts to make links on connections that this side dialled, whatever for, where that is wanted. */
  start(): void {
    const { swarm, linkConnections } = this.#init
    if (!linkConnections) return
    swarm.addEventListener('connected', this.#onConnected)
    for (const connection of swarm.connections()) this.#linkQuietly(connection)
  }

  close(): void {
    this.#closed = true
    this.#init.swarm.removeEventListener('connected', this.#onConnected)
    this.changed()
  }

  /** The links have changed: whoever waits for one looks again. */
  changed(): void {
    for (const watcher of this.#watchers) watcher()
  }

  /** A link to `target`: the one there is, or a new one. */
  async link(target: NodeTarget, force: boolean, signal: AbortSignal): Promise<TunnelLink> {
    const { swarm } = this.#init
    const known =
      target.peer === undefined ? undefined : this.#init.table.connected(target.peer.toString())
    if (known !== undefined) return known
    const open = target.peer === undefined ? [] : this.#openConnections(target.peer)
    const connection =
      force || open[0] === undefined
        ? await swarm.dial(this.#dialTarget(target), { signal, force, ignoreBackoff: true })
        : open[0]
    return this.linkOver(connection, signal)
  }

  /**
   * Looks for a way past the relay to a peer whose link goes through one: dials its direct addresses
   * only. With a link over the new connection, the relayed one and its connection end.
   */
  async linkDirectly(target: NodeTarget, signal: AbortSignal): Promise<TunnelLink> {
    const addrs = target.addrs.filter(isDirect)
    const connection = await this.#init.swarm.dial(addrs, { signal, ignoreBackoff: true })
    return this.linkOver(connection, signal)
  }

  /** The link on `connection`, or to its peer: waits for the peer's, or opens the control stream. */
  async linkOver(connection: Connection, signal: AbortSignal): Promise<TunnelLink> {
    const peer = connection.remotePeer.toString()
    const known = this.#init.table.standsFor(connection)
    if (known !== undefined) return known
    const underWay = this.#proving.get(connection.id)
    if (underWay !== undefined) return waitFor(underWay, signal)
    // Where connections are not linked by themselves, their initiator is not likely to begin.
    if (connection.direction === 'inbound' && this.#init.linkConnections) {
      const link = await this.#waitForPeer(peer, connection, signal)
      if (link !== undefined) return link
    }
    return waitFor(this.#proving.get(connection.id) ?? this.#open(connection), signal)
  }

  /** Answers a control stream that a peer has opened. */
  readonly onControlStream = async (stream: Stream, connection: Connection): Promise<void> => {
    if (this.#closed || this.#inboundProofs >= this.#init.maxHandshakes) {
      stream.abort(new LinkLimitError('too many link proofs are under way'))
      return
    }
    this.#inboundProofs++
    try {
      await this.#track(connection, this.#prove(stream, connection, 'responder'))
    } catch (error) {
      if (!this.#closed) this.#init.refused(error as Error, connection.remotePeer)
    } finally {
      this.#inboundProofs--
    }
  }

  /** Waits for a proof under way on `connection`, whoever began it. Never throws. */
  async settled(connection: Connection): Promise<void> {
    await this.#proving.get(connection.id)?.catch(() => {})
  }

  readonly #onConnected = (event: CustomEvent<Connection>): void => {
    this.#linkQuietly(event.detail)
  }

  /** Links to whoever speaks the protocol on a dialled connection; others are none of our business. */
  #linkQuietly(connection: Connection): void {
    if (connection.direction !== 'outbound' || connection.status !== 'open' || this.#closed) return
    if (this.#init.table.standsFor(connection) !== undefined) return
    if (this.#proving.has(connection.id)) return
    this.#open(connection).catch(() => {})
  }

  #open(connection: Connection): Promise<TunnelLink> {
    return this.#track(connection, this.#openAndProve(connection))
  }

  async #openAndProve(connection: Connection): Promise<TunnelLink> {
    const { swarm, handshakeTimeout } = this.#init
    const peer = connection.remotePeer.toString()
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort(
        new LinkTimeoutError(`${peer} did not take a control stream within ${handshakeTimeout} ms`)
      )
    }, handshakeTimeout)
    let stream: Stream
    try {
      stream = await swarm.newStream(connection, TUNNEL_PROTOCOL, {
        signal: controller.signal,
        runOnLimitedConnection: true
      })
    } catch (cause) {
      if ((cause as Error).name !== 'UnsupportedProtocolError') throw cause
      throw new LinkProtocolError(`${peer} runs no tunnel: start one there, or give another node`, {
        cause
      })
    } finally {
      clearTimeout(timer)
    }
    return this.#prove(stream, connection, 'initiator')
  }

  /** Remembers a proof for those who wait for it, until it is done. */
  #track(connection: Connection, proof: Promise<TunnelLink>): Promise<TunnelLink> {
    const known = this.#proving.get(connection.id)
    if (known === undefined) {
      this.#proving.set(connection.id, proof)
      const done = (): void => {
        this.#proving.delete(connection.id)
        this.changed()
      }
      // Who began the proof, or waits for it, has its error.
      proof.finally(done).catch(() => {})
    }
    return proof
  }

  async #prove(stream: Stream, connection: Connection, role: LinkRole): Promise<TunnelLink> {
    const { swarm, table, owner, times, now } = this.#init
    const peer = connection.remotePeer.toString()
    if (this.#full(peer)) {
      const { controlBytes } = this.#init
      if (role === 'responder') void refuseLink(stream, controlBytes, RefuseCode.LIMIT)
      throw new LinkLimitError(
        `no link to ${peer}: this tunnel holds ${table.peers} links, as many as limits.links allows`
      )
    }
    const proven = await proveLink({
      stream,
      connection,
      role,
      self: swarm.peerId,
      instance: this.#instance,
      credentials: this.#init.credentials(connection.remotePeer),
      timeout: this.#init.handshakeTimeout,
      controlBytes: this.#init.controlBytes,
      now
    })
    if (this.#closed || this.#full(peer)) {
      const error = this.#closed
        ? new TunnelClosedError('the tunnel is closed')
        : new LinkLimitError(`no link to ${peer}: limits.links is reached`)
      proven.control.abort(error)
      throw error
    }
    const link = new TunnelLink({ ...proven, role, peer, connection, times, owner, now })
    this.#add(link, proven.grant)
    return link
  }

  #add(link: TunnelLink, grant: LinkGrant): void {
    const loser = this.#init.table.add(link)
    this.#init.swarm.protect(link.connection.remotePeer, PROTECT_TAG)
    void link.run()
    if (loser !== link) this.#init.linked(link, grant)
    if (loser !== undefined) void this.#supersede(loser, link)
    this.changed()
  }

  /**
   * Ends the one of two links to a peer that is not kept. The peer must have the other before it hears
   * the goodbye: otherwise it would take its only link for lost.
   */
  async #supersede(loser: TunnelLink, by: TunnelLink): Promise<void> {
    if (loser !== by) {
      await by.heard
      if (by.state !== 'connected') return
    }
    await loser.close(GoodbyeReason.SUPERSEDED)
    this.leaveRelay(loser)
  }

  /** Closes the connection of a relayed link that has ended, where a direct one took its place. */
  leaveRelay(link: TunnelLink): void {
    if (!link.relayed || this.#init.table.connected(link.peer)?.relayed !== false) return
    // What it still carried goes on over the other; a relay that does not answer is left by itself.
    link.connection.close().catch(() => link.connection.abort(new LinkClosedError('superseded')))
  }

  /** Takes a link that has ended out of the table; `true` when its peer has none left. */
  drop(link: TunnelLink): boolean {
    const last = this.#init.table.remove(link)
    if (last) this.#init.swarm.unprotect(link.connection.remotePeer, PROTECT_TAG)
    this.changed()
    return last
  }

  #full(peer: string): boolean {
    const { table, maxLinks } = this.#init
    return table.ofPeer(peer).length === 0 && table.peers >= maxLinks
  }

  /** Gives the end that dialled the connection its turn. */
  async #waitForPeer(
    peer: string,
    connection: Connection,
    signal: AbortSignal
  ): Promise<TunnelLink | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined
    let watcher = (): void => {}
    const settled = new Promise<TunnelLink | undefined>((resolve, reject) => {
      timer = setTimeout(() => resolve(undefined), INITIATOR_FIRST)
      watcher = () => {
        const link = this.#init.table.standsFor(connection)
        if (link !== undefined) resolve(link)
        else if (connection.status !== 'open') {
          reject(new LinkClosedError(`the connection to ${peer} ended before a link was proven`))
        }
      }
      this.#watchers.add(watcher)
    })
    try {
      return await waitFor(settled, signal)
    } finally {
      clearTimeout(timer)
      this.#watchers.delete(watcher)
    }
  }

  #openConnections(peer: PeerId): Connection[] {
    return this.#init.swarm
      .connections(peer)
      .filter(connection => connection.status === 'open')
      .sort(
        (a, b) =>
          Number(b.direct) - Number(a.direct) ||
          Number(b.direction === 'outbound') - Number(a.direction === 'outbound')
      )
  }

  #dialTarget(target: NodeTarget): PeerId | NodeTarget['addrs'] {
    if (target.addrs.length === 0 && target.peer !== undefined) return target.peer
    return target.addrs
  }
}
