import { EventEmitter } from 'node:events'
import { NetstackClosedError } from '../errors.ts'
import type { Stack } from '../stack/stack.ts'
import type { ListenTarget } from '../stack/stack-types.ts'
import { NetSocket, type NetSocketOptions } from './net-socket.ts'
import type { TcpListener } from './tcp-listener.ts'

/** Where a {@link NetServer} listens. */
export interface NetListenOptions extends Omit<ListenTarget, 'address'> {
  /** Address of ours; any when absent. */
  readonly host?: string
}

/** Where {@link connect} connects to. */
export interface NetConnectOptions extends NetSocketOptions {
  readonly host: string
  readonly port: number
  readonly localAddress?: string
  readonly localPort?: number
  /** Ends the attempt, or the connection, when it is aborted. */
  readonly signal?: AbortSignal
}

/** Like `net.Server`, on a stack. Events: `listening`, `connection` (a {@link NetSocket}), `close`. */
export class NetServer extends EventEmitter {
  readonly #stack: Stack
  readonly #options: NetSocketOptions
  readonly #sockets = new Set<NetSocket>()
  #listener: TcpListener | undefined

  /** Made by {@link createServer}. */
  constructor(stack: Stack, options: NetSocketOptions) {
    super()
    this.#stack = stack
    this.#options = options
  }

  /** Whether it accepts connections. */
  get listening(): boolean {
    return this.#listener !== undefined
  }

  /**
   * Starts to accept; `listening` follows in the next tick.
   *
   * @throws NetstackAddressInUseError when somebody listens there
   */
  listen(options: NetListenOptions, onListening?: () => void): this {
    if (this.#listener !== undefined)
      throw new NetstackClosedError('the server listens already: close it first')
    const { host, ...rest } = options
    if (onListening !== undefined) this.once('listening', onListening)
    const target = host === undefined ? rest : { ...rest, address: host }
    this.#listener = this.#stack.listen(target, tcp => {
      const socket = new NetSocket(tcp, this.#options)
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#closeIfDone()
      })
      this.emit('connection', socket)
    })
    process.nextTick(() => this.emit('listening'))
    return this
  }

  /** Where it listens; `null` when it does not. */
  address(): {
    readonly address: string
    readonly port: number
    readonly family: 'IPv4' | 'IPv6'
  } | null {
    if (this.#listener === undefined) return null
    const { address = '::', port } = this.#listener
    return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' }
  }

  /** Accepts no more; `close` follows when the last connection has ended. */
  close(onClose?: () => void): this {
    if (onClose !== undefined) this.once('close', onClose)
    this.#listener?.close()
    this.#listener = undefined
    process.nextTick(() => this.#closeIfDone())
    return this
  }

  #closeIfDone(): void {
    if (this.#listener === undefined && this.#sockets.size === 0) this.emit('close')
  }
}

/** Makes a server like `net.createServer`; `onConnection` is told of each {@link NetSocket}. */
export function createServer(
  stack: Stack,
  onConnection?: (socket: NetSocket) => void,
  options: NetSocketOptions = {}
): NetServer {
  const server = new NetServer(stack, options)
  if (onConnection !== undefined) server.on('connection', onConnection)
  return server
}

/**
 * Opens a connection like `net.connect`: `connect` or `error` follows.
 *
 * @throws as `Stack.connect` does; the signal's reason when it is aborted already
 */
export function connect(stack: Stack, options: NetConnectOptions): NetSocket {
  const { host, signal, allowHalfOpen, ...rest } = options
  signal?.throwIfAborted()
  const socket = new NetSocket(
    stack.connect({ ...rest, address: host }),
    allowHalfOpen === undefined ? {} : { allowHalfOpen }
  )
  if (signal === undefined) return socket
  const onAbort = (): void => void socket.destroy(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  socket.once('close', () => signal.removeEventListener('abort', onAbort))
  return socket
}
