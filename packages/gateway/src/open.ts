import net from 'node:net'
import { describeError } from '@warren/utils'
import { formatAddress } from './address.ts'
import type { GatewayAddress } from './address.ts'
import { finishConnections } from './closing.ts'
import { Connections } from './connections.ts'
import { GatewayClosedError, SessionDialError, TooManyConnectionsError } from './errors.ts'
import { openSettings } from './options.ts'
import type { OpenOptions, OpenSettings } from './options.ts'
import { FORWARDED_SOCKET } from './sockets/connect-target.ts'
import { listen } from './sockets/listen.ts'
import { toReset } from './splice/reset-codes.ts'
import { resetSocket } from './splice/reset-socket.ts'
import type { ConnectionInfo, GatewayCloseOptions } from './types.ts'
import type { GatewayEvents, GatewayStats, GatewayTunnel } from './types.ts'

/** A local address at which a program of another peer is reached. */
export interface Opening {
  readonly channel: string
  /** The bound address as a URL, such as `tcp://127.0.0.1:40123`. */
  readonly address: string
  /** The bound port; `undefined` for a unix socket. */
  readonly port: number | undefined
  stats(): GatewayStats
  /** Adds a listener; what it returns removes it. */
  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): () => void
  /** Accepts no more, lets running connections finish as the options say, then ends. Idempotent. */
  close(options?: GatewayCloseOptions): Promise<void>
  /** Ends at once; what runs is reset. Idempotent. */
  abort(error?: Error): void
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Opens a channel at a local address: each connection to it becomes a session. A connection is not
 * read before its session is open; if none can be opened it is reset, and `error` says why.
 *
 * @throws AddressInvalidError, AddressUnsupportedError, UnixPathError, GatewayOptionsError,
 * ListenAddressInUseError, ListenFailedError; the signal's reason
 */
export async function open(tunnel: GatewayTunnel, options: OpenOptions): Promise<Opening> {
  options.signal?.throwIfAborted()
  const settings = openSettings(options)
  const server = net.createServer({ ...FORWARDED_SOCKET, pauseOnConnect: true })
  const bound = await listen(server, settings.listen, options.signal)
  return new LocalOpening(tunnel, server, bound, settings)
}

class LocalOpening implements Opening {
  readonly channel: string
  readonly address: string
  readonly port: number | undefined
  readonly #tunnel: GatewayTunnel
  readonly #server: net.Server
  readonly #settings: OpenSettings
  readonly #connections = new Connections()
  /** Dials under way. */
  readonly #pending = new Set<AbortController>()
  #closing: Promise<void> | undefined

  constructor(
    tunnel: GatewayTunnel,
    server: net.Server,
    bound: GatewayAddress,
    settings: OpenSettings
  ) {
    this.channel = settings.channel
    this.address = formatAddress(bound)
    this.port = bound.kind === 'tcp' ? bound.port : undefined
    this.#tunnel = tunnel
    this.#server = server
    this.#settings = settings
    server.on('connection', socket => this.#onConnection(socket))
    // Out of descriptors, for one: the server goes on, and those who cannot be accepted wait.
    server.on('error', error => this.#connections.lost(error, this.#info(undefined)))
  }

  stats(): GatewayStats {
    return this.#connections.stats()
  }

  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): () => void {
    return this.#connections.events.on(event, listener)
  }

  close(options: GatewayCloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  abort(error: Error = new GatewayClosedError('the opening was closed')): void {
    this.#abortConnections(error)
    void this.close({ timeout: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #onConnection(socket: net.Socket): void {
    // From its first moment: a socket without one turns an early error into an uncaught exception.
    socket.on('error', () => {})
    this.#connections.enter()
    const info = this.#info(socket)
    const { maxConnections } = this.#settings
    if (this.#connections.open <= maxConnections) {
      void this.#serve(socket, info)
      return
    }
    resetSocket(socket)
    const text = `${this.address} carries ${maxConnections} connections already`
    const error = new TooManyConnectionsError(`${text}: raise maxConnections, or try again later`)
    this.#connections.lost(error, info)
    this.#connections.leave()
  }

  /** Opens a session for one local connection, and has it carried. Never rejects. */
  async #serve(socket: net.Socket, info: ConnectionInfo): Promise<void> {
    const { channel, peer, dialTimeout, idleTimeout } = this.#settings
    const dialling = new AbortController()
    const { signal } = dialling
    this.#pending.add(dialling)
    try {
      const session = await this.#tunnel.dial(channel, {
        bytes: true,
        timeout: dialTimeout,
        signal,
        ...(peer === undefined ? {} : { peer })
      })
      if (signal.aborted) {
        session.abort(toReset(signal.reason as Error))
        throw signal.reason
      }
      const carried = { ...info, session: session.id, peer: session.peer }
      this.#connections.carry(socket, session, carried, { idleTimeout })
    } catch (cause) {
      resetSocket(socket)
      const text = `cannot open "${channel}" for the connection from ${info.local}`
      const error = new SessionDialError(`${text}: ${describeError(cause)}`, { cause })
      this.#connections.lost(error, info)
      this.#connections.leave()
    } finally {
      this.#pending.delete(dialling)
    }
  }

  #info(socket: net.Socket | undefined): ConnectionInfo {
    const { remoteAddress, remotePort } = socket ?? {}
    const host = remoteAddress?.includes(':') === true ? `[${remoteAddress}]` : remoteAddress
    const local = remotePort === undefined ? this.address : `${host}:${remotePort}`
    return { session: undefined, peer: undefined, local }
  }

  #abortConnections(error: Error): void {
    for (const controller of this.#pending) controller.abort(error)
    this.#connections.abort(error)
  }

  async #close(options: GatewayCloseOptions): Promise<void> {
    const { closeTimeout } = this.#settings
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    await finishConnections(this.#connections, options, closeTimeout, reason =>
      this.#abortConnections(reason)
    )
    await closed
    this.#connections.events.emit('close', undefined)
  }
}
