import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { AbortOptions, ComponentLogger, ListenerEvents, Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { InboundUpgradeOptions, SlotGrantingUpgrader, UpgradeSlot } from '@warren/interface'
import { waitFor } from '@warren/utils'
import { TypedEventEmitter } from 'main-event'
import { endpointOf, listenAddrs, printEndpoint, remoteAddrOf, type Endpoint } from './address.ts'
import { SocketConnection } from './connection.ts'
import type { DescriptorBudget } from './descriptors.ts'
import {
  AddressInUseError,
  ListenError,
  ListenerClosedError,
  ListenerStateError
} from './errors.ts'
import type { TcpListener, TcpListenerStats } from './listener-stats.ts'
import type { ResolvedTcpOptions } from './options.ts'
import { listenUnix } from './unix-socket.ts'
import { WaitingRoom } from './waiting-room.ts'

/** What a {@link SocketListener} is made of. */
export interface SocketListenerInit {
  readonly upgrader: SlotGrantingUpgrader
  readonly logger: ComponentLogger
  readonly options: ResolvedTcpOptions
  readonly descriptors: DescriptorBudget
  /** Milliseconds between two looks at who still waits; for tests. */
  readonly probeInterval?: number
}

type State =
  | { readonly at: 'idle' }
  | { readonly at: 'listening'; readonly addr: Multiaddr; readonly unix: boolean }
  | { readonly at: 'closed' }

/** What to do about a listen that failed, by the system's code. */
const ADVICE: Record<string, string> = {
  EACCES: 'not permitted: ports below 1024 and folders of other users need more rights',
  EADDRNOTAVAIL: 'this machine has no such address: use one of its own, or 0.0.0.0 or ::',
  EAFNOSUPPORT: 'this machine does not have that kind of address',
  ENOENT: 'the folder of the socket file does not exist: create it first',
  ENOTDIR: 'a part of the path is not a folder',
  ENOTFOUND: 'no such host name: check its spelling',
  ENOTSUP: 'the system does not support it: reusePort needs Linux or a BSD',
  EINVAL: 'the system does not support these options for this address'
}

/**
 * A server socket as a libp2p listener.
 *
 * Node cannot stop accepting without resetting the kernel's backlog, so sockets are always accepted,
 * but paused: each waits unread until the upgrader has a slot for it (where it grants slots), and
 * only what would pass the limits is refused.
 */
export class SocketListener extends TypedEventEmitter<ListenerEvents> implements TcpListener {
  readonly #upgrader: SlotGrantingUpgrader
  readonly #log: Logger
  readonly #connectionLog: Logger
  readonly #options: ResolvedTcpOptions
  readonly #descriptors: DescriptorBudget
  readonly #server: Server
  readonly #room: WaitingRoom
  readonly #shutdown = new AbortController()
  readonly #connections = new Set<SocketConnection>()
  readonly #closed = Promise.withResolvers<void>()
  readonly #counts = { accepted: 0, full: 0, descriptors: 0, source: 0, abandoned: 0, failed: 0 }
  #sockets = 0
  #upgrading = 0
  #serverClosed = false
  #state: State = { at: 'idle' }

  constructor(init: SocketListenerInit) {
    super()
    this.#upgrader = init.upgrader
    this.#log = init.logger.forComponent('warren:tcp:listener')
    this.#connectionLog = init.logger.forComponent('warren:tcp:connection')
    this.#options = init.options
    this.#descriptors = init.descriptors
    this.#room = new WaitingRoom({
      limit: Math.min(init.options.maxWaitingSockets, init.descriptors.waitingLimit),
      waitTimeout: init.options.waitTimeout,
      slot: async request => {
        if (this.#upgrader.slot === undefined) throw new Error('the upgrader grants no slots')
        return this.#upgrader.slot(request)
      },
      ...(init.probeInterval === undefined ? {} : { probeInterval: init.probeInterval })
    })
    // One listener per upgrade under way; the upgrader removes it.
    setMaxListeners(0, this.#shutdown.signal)
    const { noDelay, keepAlive, keepAliveInitialDelay } = init.options
    this.#server = createServer({
      pauseOnConnect: true,
      // The conn answers the peer's FIN itself, after what is pending has left.
      allowHalfOpen: true,
      noDelay,
      keepAlive,
      keepAliveInitialDelay
    })
    this.#server.on('connection', this.#onSocket)
  }

  async listen(ma: Multiaddr): Promise<void> {
    if (this.#state.at !== 'idle') {
      throw new ListenerStateError(
        `cannot listen on ${ma.toString()}: this listener ${this.#state.at === 'closed' ? 'was closed' : 'listens already'}; make another with createListener()`
      )
    }
    const endpoint = endpointOf(ma)
    this.#state = { at: 'listening', addr: ma, unix: endpoint.kind === 'unix' }
    try {
      await this.#bind(endpoint)
    } catch (cause) {
      const error = listenError(endpoint, cause as NodeJS.ErrnoException)
      this.#setIdle()
      this.safeDispatchEvent('error', { detail: error })
      throw error
    }
    const held = this.#descriptors.take('outbound')
    // Accepting can fail later (ENFILE, ENOBUFS): the server goes on.
    this.#server.on('error', error => this.safeDispatchEvent('error', { detail: error }))
    this.#server.once('close', () => {
      if (held) this.#descriptors.release()
      this.#serverClosed = true
      this.#endWhenEmpty()
    })
    if (this.#isClosed()) {
      this.#server.close()
      await this.#closed.promise
      throw new ListenerClosedError(
        `the listener was closed while it began to listen on ${ma.toString()}`
      )
    }
    this.#log('listening on %a', ma)
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    const bound = this.#server.address()
    if (this.#state.at !== 'listening' || bound === null) return []
    return listenAddrs(this.#state.addr, typeof bound === 'string' ? bound : bound.port)
  }

  /** TCP addresses have nothing to add to what is announced. */
  updateAnnounceAddrs(_addrs: Multiaddr[]): void {}

  stats(): TcpListenerStats {
    const { accepted, full, descriptors, source, abandoned, failed } = this.#counts
    return {
      waiting: this.#room.size,
      upgrading: this.#upgrading,
      open: this.#connections.size,
      accepted,
      refused: { full, descriptors, source },
      abandoned,
      failed
    }
  }

  /**
   * Stops accepting, sends waiting sockets away, ends upgrades under way, closes the connections
   * (each has `lingerTimeout` to get rid of what is pending), and resolves when all are gone.
   * Idempotent.
   */
  async close(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    if (this.#state.at === 'idle') this.#closed.resolve()
    if (this.#state.at !== 'closed') {
      this.#state = { at: 'closed' }
      const reason = new ListenerClosedError('the listener was closed')
      if (this.#server.listening) this.#server.close()
      this.#room.close(reason)
      this.#shutdown.abort(reason)
      for (const connection of this.#connections) {
        // What it could not send is told to whoever owns the connection, by its 'close' event.
        connection.close().catch(() => {})
      }
    }
    await waitFor(this.#closed.promise, options?.signal)
  }

  async #bind(endpoint: Endpoint): Promise<void> {
    const { backlog, reusePort, unixMode } = this.#options
    if (endpoint.kind === 'unix') {
      await listenUnix(this.#server, endpoint.path, { mode: unixMode, backlog })
      return
    }
    const { host, port, family } = endpoint
    const listening = Promise.withResolvers<void>()
    this.#server.once('error', listening.reject)
    // So that /ip4/0.0.0.0 and /ip6/:: can have the same port.
    this.#server.listen({ host, port, backlog, reusePort, ipv6Only: family === 6 }, () => {
      this.#server.off('error', listening.reject)
      listening.resolve()
    })
    await listening.promise
  }

  readonly #onSocket = (socket: Socket): void => {
    this.#counts.accepted++
    // From its first tick and for its whole life: no socket error may be fatal.
    socket.on('error', ignore)
    const state = this.#state
    const remoteAddr = state.at === 'listening' ? remoteAddrOf(socket, state.addr) : undefined
    if (state.at !== 'listening' || remoteAddr === undefined) {
      socket.destroy()
      return
    }
    if (!this.#descriptors.take('inbound')) {
      this.#counts.descriptors++
      reset(socket, state.unix)
      return
    }
    this.#sockets++
    socket.once('close', this.#onSocketClosed)
    if (this.#upgrader.slot === undefined) {
      this.#upgrade(socket, remoteAddr, state)
      return
    }
    if (!this.#room.hasRoom()) {
      this.#counts.full++
      reset(socket, state.unix)
      return
    }
    this.#room.wait(socket, remoteAddr).then(
      slot => this.#upgrade(socket, remoteAddr, state, slot),
      (error: unknown) => this.#turnAway(socket, state.unix, error)
    )
  }

  readonly #onSocketClosed = (): void => {
    this.#sockets--
    this.#descriptors.release()
    this.#endWhenEmpty()
  }

  #turnAway(socket: Socket, unix: boolean, error: unknown): void {
    if (socket.destroyed) {
      if (!this.#isClosed()) this.#counts.abandoned++
      return
    }
    this.#counts.source++
    this.#log('refused a socket - %e', error)
    reset(socket, unix)
  }

  #upgrade(
    socket: Socket,
    remoteAddr: Multiaddr,
    state: { readonly addr: Multiaddr; readonly unix: boolean },
    slot?: UpgradeSlot
  ): void {
    const connection = new SocketConnection({
      socket,
      direction: 'inbound',
      remoteAddr,
      localAddr: state.addr,
      unix: state.unix,
      log: this.#connectionLog,
      options: this.#options
    })
    this.#keep(connection, socket)
    this.#upgrading++
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
      .finally(() => {
        this.#upgrading--
        slot?.release()
      })
  }

  /** Of its own, so that the listener holds nothing else as long as the connection lasts. */
  #keep(connection: SocketConnection, socket: Socket): void {
    this.#connections.add(connection)
    socket.once('close', () => this.#connections.delete(connection))
  }

  /** An upgrader that throws at once is one that rejects. */
  async #runUpgrade(connection: SocketConnection, options: InboundUpgradeOptions): Promise<void> {
    await this.#upgrader.upgradeInbound(connection, options)
  }

  /** A server says 'close' a turn before the last of its sockets does. */
  #endWhenEmpty(): void {
    if (!this.#serverClosed || this.#sockets > 0) return
    this.#closed.resolve()
    this.safeDispatchEvent('close')
  }

  #setIdle(): void {
    if (this.#state.at === 'listening') this.#state = { at: 'idle' }
    else this.#closed.resolve()
  }

  #isClosed(): boolean {
    return this.#state.at === 'closed'
  }
}

function ignore(): void {}

function reset(socket: Socket, unix: boolean): void {
  if (unix) socket.destroy()
  else socket.resetAndDestroy()
}

function listenError(endpoint: Endpoint, cause: NodeJS.ErrnoException): Error {
  // libuv says EACCES for both.
  const noFolder =
    endpoint.kind === 'unix' && cause.code === 'EACCES' && !existsSync(dirname(endpoint.path))
  const code = noFolder ? 'ENOENT' : cause.code
  if (cause.code === 'EADDRINUSE') {
    return new AddressInUseError(
      `${printEndpoint(endpoint)} is in use: another program listens there; stop it, choose another port, or use port 0 for a free one`,
      { cause }
    )
  }
  // Ours already says what to do.
  if (cause.code?.startsWith('ERR_TCP_') === true) return cause
  const advice = ADVICE[code ?? '']
  return new ListenError(
    `cannot listen on ${printEndpoint(endpoint)}: ${code ?? cause.message}${advice === undefined ? '' : `, ${advice}`}`,
    { cause }
  )
}
