import { setMaxListeners } from 'node:events'
import type { AbortOptions, ComponentLogger, ListenerEvents, Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Stack, type TcpRequest, type TcpSocket, createStack } from '@warren/netstack'
import type { InboundUpgradeOptions, SlotGrantingUpgrader, UpgradeSlot } from '@warren/interface'
import { waitFor } from '@warren/utils'
import { TypedEventEmitter } from 'main-event'
import { addrOf, endpointOf, listenAddrs } from './address.ts'
import type { UdpEndpoint } from './association/cookie-jar.ts'
import type { AssociationCounts, ListenerAssociation } from './association/listener-associations.ts'
import { DATA_HEADER } from './association/messages.ts'
import { virtualId, virtualNetwork } from './association/virtual-address.ts'
import { NetstackConnection } from './connection.ts'
import {
  NetstackConnectionLostError,
  NetstackListenError,
  NetstackListenInUseError,
  NetstackListenerClosedError,
  NetstackListenerStateError
} from './errors.ts'
import { ListenerLink } from './link/listener-link.ts'
import type { NetstackListener, NetstackListenerStats } from './listener-stats.ts'
import type { ResolvedNetstackOptions } from './options.ts'
import { SERVICE_PORT, stackOptionsOf } from './stack-options.ts'
import { UdpSocket } from './udp/udp-socket.ts'

/** What a {@link UdpListener} is made of. */
export interface UdpListenerInit {
  readonly upgrader: SlotGrantingUpgrader
  readonly logger: ComponentLogger
  readonly options: ResolvedNetstackOptions
}

/** What is open while a listener listens. */
interface Bound {
  readonly addr: Multiaddr
  readonly socket: UdpSocket
  readonly link: ListenerLink
  readonly stack: Stack
}

type State =
  | { readonly at: 'idle' }
  | { readonly at: 'binding' }
  | { readonly at: 'listening'; readonly bound: Bound }
  | { readonly at: 'closed' }

const NO_ASSOCIATIONS: AssociationCounts = {
  attached: 0,
  refused: 0,
  forged: 0,
  moved: 0,
  stray: 0
}

/** Milliseconds that ended connections have to answer their peers' last segments. */
const FAREWELL = 200

/**
 * A UDP socket as a libp2p listener.
 *
 * A connection is not accepted before the upgrader has a slot for it: its SYN waits unanswered, which
 * is the back-pressure that the dialler feels.
 */
export class UdpListener extends TypedEventEmitter<ListenerEvents> implements NetstackListener {
  readonly #upgrader: SlotGrantingUpgrader
  readonly #log: Logger
  readonly #connectionLog: Logger
  readonly #options: ResolvedNetstackOptions
  readonly #shutdown = new AbortController()
  readonly #connections = new Map<number, NetstackConnection>()
  readonly #counts = { accepted: 0, refused: 0, failed: 0 }
  #closed: Promise<void> | undefined
  #state: State = { at: 'idle' }

  constructor(init: UdpListenerInit) {
    super()
    this.#upgrader = init.upgrader
    this.#log = init.logger.forComponent('warren:netstack:listener')
    this.#connectionLog = init.logger.forComponent('warren:netstack:connection')
    this.#options = init.options
    // One listener per upgrade under way; the upgrader removes it.
    setMaxListeners(0, this.#shutdown.signal)
  }

  async listen(ma: Multiaddr): Promise<void> {
    if (this.#state.at !== 'idle') {
      throw new NetstackListenerStateError(
        `cannot listen on ${ma.toString()}: this listener ${this.#state.at === 'closed' ? 'was closed' : 'listens already'}; make another with createListener()`
      )
    }
    this.#state = { at: 'binding' }
    const socket = await this.#open(ma)
    if (this.#isClosed()) {
      socket.close()
      throw new NetstackListenerClosedError(
        `the listener was closed while it began to listen on ${ma.toString()}`
      )
    }
    const link = new ListenerLink(socket, {
      mtu: this.#options.mtu,
      limit: this.#options.maxAssociations,
      limitPerAddress: this.#options.maxAssociationsPerAddress,
      idleTimeout: this.#options.idleTimeout,
      onMoved: association => this.#connections.get(association.diallerId)?.pathChanged(),
      onGone: association => this.#onGone(association)
    })
    const stack = createStack(stackOptionsOf(this.#options))
    // Its addresses come and go with the associations, so it has none of its own: each SYN is ours.
    stack.addInterface(link, []).addRoute(virtualNetwork('dialler'))
    stack.forwardTcp(request => this.#onRequest(request, link))
    this.#state = { at: 'listening', bound: { addr: ma, socket, link, stack } }
    this.#log('listening on %a', ma)
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    if (this.#state.at !== 'listening') return []
    const { addr, socket } = this.#state.bound
    return listenAddrs(addr, socket.local.port)
  }

  /** These addresses have nothing to add to what is announced. */
  updateAnnounceAddrs(_addrs: Multiaddr[]): void {}

  stats(): NetstackListenerStats {
    const { accepted, refused, failed } = this.#counts
    const bound = this.#state.at === 'listening' ? this.#state.bound : undefined
    return {
      open: this.#connections.size,
      waiting: bound?.stack.stats.pendingSyns ?? 0,
      accepted,
      refused,
      failed,
      associations: {
        open: bound?.link.size ?? 0,
        ...(bound?.link.counts ?? NO_ASSOCIATIONS)
      }
    }
  }

  /**
   * Stops accepting, ends upgrades under way, closes the connections (each has `lingerTimeout` to get
   * rid of what is pending), and resolves when all are gone. Idempotent.
   */
  async close(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#closed ??= this.#close()
    await waitFor(this.#closed, options?.signal)
  }

  async #close(): Promise<void> {
    const state = this.#state
    this.#state = { at: 'closed' }
    if (state.at === 'listening') {
      const { stack, link } = state.bound
      stack.forwardTcp(undefined)
      this.#shutdown.abort(new NetstackListenerClosedError('the listener was closed'))
      const open = [...this.#connections.values()]
      // What they could not send is told to whoever owns them, by their 'close' event.
      await Promise.all(open.map(connection => connection.close().catch(() => {})))
      if (open.length > 0) await new Promise(resolve => setTimeout(resolve, FAREWELL))
      stack.close()
      link.close()
    }
    this.safeDispatchEvent('close')
  }

  async #open(ma: Multiaddr): Promise<UdpSocket> {
    try {
      const { address: host, port } = await endpointOf(ma)
      const { mtu, offload } = this.#options
      return await UdpSocket.open({ host, port, segment: DATA_HEADER + mtu, offload })
    } catch (cause) {
      if (!this.#isClosed()) this.#state = { at: 'idle' }
      const error = listenError(ma, cause as NodeJS.ErrnoException)
      this.safeDispatchEvent('error', { detail: error })
      throw error
    }
  }

  #onRequest(request: TcpRequest, link: ListenerLink): void {
    const id = virtualId(request.remoteAddress)
    const association = link.find(id)
    if (association === undefined || request.localPort !== SERVICE_PORT) {
      request.reject()
      return
    }
    if (this.#upgrader.slot === undefined) {
      this.#accept(request, id, link)
      return
    }
    const remoteAddr = addrOf(association.endpoint)
    this.#upgrader.slot({ remoteAddr, signal: this.#shutdown.signal }).then(
      slot => this.#accept(request, id, link, slot),
      (error: unknown) => {
        this.#counts.refused++
        this.#log('refused a connection - %e', error)
        request.reject()
      }
    )
  }

  #accept(request: TcpRequest, id: number, link: ListenerLink, slot?: UpgradeSlot): void {
    const association = link.find(id)
    const socket = association === undefined || this.#isClosed() ? undefined : request.accept()
    if (association === undefined || socket === undefined) {
      request.reject()
      slot?.release()
      return
    }
    link.hold(id, true)
    socket.events = {
      onConnect: () => this.#upgrade(socket, id, association.endpoint, link, slot),
      onClose: () => {
        link.hold(id, false)
        slot?.release()
      }
    }
  }

  #upgrade(
    socket: TcpSocket,
    id: number,
    endpoint: UdpEndpoint,
    link: ListenerLink,
    slot: UpgradeSlot | undefined
  ): void {
    if (this.#state.at !== 'listening') {
      socket.abort()
      slot?.release()
      return
    }
    this.#counts.accepted++
    const connection = new NetstackConnection({
      socket,
      direction: 'inbound',
      remoteAddr: addrOf(endpoint),
      localAddr: this.getAddrs()[0] ?? this.#state.bound.addr,
      log: this.#connectionLog,
      lingerTimeout: this.#options.lingerTimeout
    })
    this.#connections.set(id, connection)
    connection.addEventListener(
      'close',
      () => {
        this.#connections.delete(id)
        link.hold(id, false)
      },
      { once: true }
    )
    const options: InboundUpgradeOptions = {
      signal: this.#shutdown.signal,
      ...(slot === undefined ? {} : { slot })
    }
    this.#runUpgrade(connection, options)
      .catch((error: Error) => {
        this.#counts.failed++
        this.#log('inbound upgrade failed - %e', error)
        connection.abort(error)
      })
      .finally(() => slot?.release())
  }

  async #runUpgrade(connection: NetstackConnection, options: InboundUpgradeOptions): Promise<void> {
    await this.#upgrader.upgradeInbound(connection, options)
  }

  /** A dialler says that it is done with its association. */
  #onGone(association: ListenerAssociation): void {
    this.#connections
      .get(association.diallerId)
      ?.lose(
        new NetstackConnectionLostError(
          `the connection with ${addrOf(association.endpoint).toString()} was lost: the peer is gone`
        )
      )
  }

  #isClosed(): boolean {
    return this.#state.at === 'closed'
  }
}

function listenError(ma: Multiaddr, cause: NodeJS.ErrnoException): Error {
  if (cause.code === 'EADDRINUSE') {
    return new NetstackListenInUseError(
      `cannot listen on ${ma.toString()}: another socket has that UDP port; choose another, or 0 for a free one`,
      { cause }
    )
  }
  return new NetstackListenError(`cannot listen on ${ma.toString()}: ${cause.message}`, { cause })
}
