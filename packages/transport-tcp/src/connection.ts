import type { Socket } from 'node:net'
import {
  StreamAbortEvent,
  StreamCloseEvent,
  StreamResetEvent,
  StreamStateError,
  type AbortOptions,
  type EventHandler,
  type Logger,
  type MessageStreamDirection,
  type MessageStreamEvents,
  type MessageStreamReadStatus,
  type MessageStreamStatus,
  type MessageStreamWriteStatus,
  type MultiaddrConnection,
  type MultiaddrConnectionTimeline
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { EventEmitter, receivedChunks, sentChunks, waitFor } from '@warren/utils'
import { localAddrOf } from './address.ts'
import { chunksOf, type HoldingStream } from './chunks.ts'
import {
  ConnectionLostError,
  InactivityError,
  ReadBufferError,
  UnsentDataError,
  WriteBufferError,
  WriteStalledError
} from './errors.ts'
import type { ResolvedTcpOptions } from './options.ts'
import { ReadSide } from './read-side.ts'
import { SocketSource } from './socket-source.ts'
import { StallWatch, type Stallable } from './stall-watch.ts'

type Bytes = Parameters<MultiaddrConnection['send']>[0]
type ListenerOptions = Parameters<EventTarget['addEventListener']>[2]

/** Bytes pending at which `send` says stop. A few records of 64 KiB leave in one `writev`. */
const WRITE_HIGH_WATER = 256 * 1024
/** After our FIN is out: how long the peer's is awaited while what still arrives is thrown away. */
const FIN_WAIT = 1_000
const EMPTY = new Uint8Array(0)

const stalls = new StallWatch()

/** What a {@link SocketConnection} is made of. */
export interface SocketConnectionInit {
  /** Connected; nothing may have been read from it. */
  readonly socket: Socket
  readonly direction: MessageStreamDirection
  readonly remoteAddr: Multiaddr
  /** Its local address, where the socket does not tell. */
  readonly localAddr: Multiaddr
  readonly unix: boolean
  readonly log: Logger
  readonly options: Pick<
    ResolvedTcpOptions,
    | 'inactivityTimeout'
    | 'lingerTimeout'
    | 'writeStallTimeout'
    | 'maxReadBufferLength'
    | 'maxWriteBufferLength'
  >
}

/**
 * A connected socket as a libp2p multiaddr conn.
 *
 * `open` → `closing` (our `close()`, or the peer's FIN) → `closed`; from both, `aborted` (here) or
 * `reset` (by the peer or the network). A multiaddr conn closes as a whole, so the peer's FIN is
 * answered by ours once everything pending has left.
 *
 * Reading holds the peer back by itself: while paused, or with 64 KiB unread and no `message`
 * listener, nothing more is taken from the kernel.
 */
export class SocketConnection
  extends EventEmitter<MessageStreamEvents>
  implements MultiaddrConnection, HoldingStream, Stallable
{
  status: MessageStreamStatus = 'open'
  writeStatus: MessageStreamWriteStatus = 'writable'
  remoteReadStatus: MessageStreamReadStatus = 'readable'
  remoteWriteStatus: MessageStreamWriteStatus = 'writable'
  readonly timeline: MultiaddrConnectionTimeline = { open: Date.now() }
  readonly direction: MessageStreamDirection
  readonly remoteAddr: Multiaddr
  log: Logger
  maxReadBufferLength: number
  maxWriteBufferLength: number
  writableNeedsDrain = false
  readonly writeStallTimeout: number

  readonly #socket: Socket
  readonly #localAddr: Multiaddr
  readonly #unix: boolean
  readonly #lingerTimeout: number
  readonly #reading: ReadSide
  #inactivityTimeout: number
  #readableEnded = false
  #corked = false
  /** Bytes sent since `send` has said stop. */
  #overrun = 0
  /** Somebody else reads, writes and ends the socket. */
  #givenAway = false
  /** Who began to close: `close()` here, or the peer's FIN. */
  #closingLocally = false
  #timer: NodeJS.Timeout | undefined
  #ended: PromiseWithResolvers<void> | undefined
  #failure: Error | undefined

  constructor(init: SocketConnectionInit) {
    super()
    this.#socket = init.socket
    this.#reading = new ReadSide(new SocketSource(init.socket, this, () => this.#endWhenRead()))
    this.direction = init.direction
    this.remoteAddr = init.remoteAddr
    this.#localAddr = init.localAddr
    this.log = init.log
    this.#unix = init.unix
    this.maxReadBufferLength = init.options.maxReadBufferLength
    this.maxWriteBufferLength = init.options.maxWriteBufferLength
    this.writeStallTimeout = init.options.writeStallTimeout
    this.#lingerTimeout = init.options.lingerTimeout
    this.#inactivityTimeout = init.options.inactivityTimeout

    init.socket
      .on('data', this.#onData)
      .on('end', this.#onFin)
      .on('drain', this.#onDrain)
      .on('timeout', this.#onInactive)
      .on('error', this.#onError)
      .on('close', this.#onClosed)
      .setTimeout(init.options.inactivityTimeout)
    // Accepted sockets arrive paused.
    init.socket.resume()
  }

  get inactivityTimeout(): number {
    return this.#inactivityTimeout
  }

  set inactivityTimeout(ms: number) {
    this.#inactivityTimeout = ms
    this.#socket.setTimeout(ms)
  }

  /** The address of this end. Made when asked for, and while the socket is open: few ask. */
  get localAddr(): Multiaddr {
    return localAddrOf(this.#socket, this.#localAddr)
  }

  get readStatus(): MessageStreamReadStatus {
    return this.#reading.status
  }

  get readBufferLength(): number {
    return this.#reading.length
  }

  get writeBufferLength(): number {
    return this.#socket.writableLength
  }

  get readableEnded(): boolean {
    return this.#readableEnded
  }

  /** Why the connection was aborted or reset. */
  get failure(): Error | undefined {
    return this.#failure
  }

  get pending(): number {
    return this.#socket.writableLength
  }

  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength
  }

  send(data: Bytes): boolean {
    if (this.writeStatus !== 'writable') {
      throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`)
    }
    if (this.writableNeedsDrain) {
      this.#overrun += data.byteLength
      if (this.#overrun > this.maxWriteBufferLength) {
        this.abort(
          new WriteBufferError(
            `${this.#overrun} bytes were sent to ${this.remoteAddr.toString()} after send() had returned false, and maxWriteBufferLength is ${this.maxWriteBufferLength}: wait for 'drain'`
          )
        )
        return false
      }
    }
    const socket = this.#socket
    if (!this.#corked) {
      this.#corked = true
      socket.cork()
      process.nextTick(flush, this)
    }
    if (data instanceof Uint8Array) writeAndFree(socket, data)
    else for (const chunk of data) writeAndFree(socket, chunk)
    if (socket.writableLength >= WRITE_HIGH_WATER) this.writableNeedsDrain = true
    return !this.writableNeedsDrain
  }

  /** Lets everything that was sent in this tick leave in one system call. */
  flush(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#socket.uncork()
    if (this.#isOver()) return
    if (this.#socket.writableLength === 0) {
      this.#dispatchIdle()
      return
    }
    stalls.add(this)
    // The socket says 'drain' only after a full buffer; an empty write says when it has got so far.
    if (!this.writableNeedsDrain && this.writeStatus === 'writable') {
      this.#socket.write(EMPTY, () => {
        if (!this.#isOver() && this.#socket.writableLength === 0) this.#dispatchIdle()
      })
    }
  }

  async onDrain(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    if (!this.writableNeedsDrain) return
    const drained = Promise.withResolvers<void>()
    const onDrain = (): void => drained.resolve()
    const onClose = (event: StreamCloseEvent): void =>
      drained.reject(event.error ?? new StreamStateError('The stream closed before it drained'))
    this.addEventListener('drain', onDrain)
    this.addEventListener('close', onClose)
    try {
      await waitFor(drained.promise, options?.signal)
    } finally {
      this.removeEventListener('drain', onDrain)
      this.removeEventListener('close', onClose)
    }
  }

  pause(): void {
    this.#reading.pause()
  }

  resume(): void {
    this.#reading.resume()
  }

  push(data: Bytes): void {
    this.#reading.putBack(parts(data), 'last')
    this.#requeued()
  }

  unshift(data: Bytes): void {
    this.#reading.putBack(parts(data), 'first')
    this.#requeued()
  }

  override addEventListener<K extends keyof MessageStreamEvents>(
    type: K,
    listener: EventHandler<MessageStreamEvents[K]> | null,
    options?: ListenerOptions
  ): void {
    super.addEventListener(type, listener, options)
    // Later, because listeners are added in constructors that are not done yet.
    if (type === 'message' && this.#reading.length > 0) {
      queueMicrotask(() => this.#reading.deliver())
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return chunksOf(this)
  }

  /**
   * Sends what is pending, then FIN, and resolves when the socket is closed. Idempotent.
   *
   * @throws UnsentDataError when the peer did not take what was pending within `lingerTimeout`;
   * the signal's reason when it aborts (closing goes on)
   */
  async close(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    if (this.#isOver()) return
    this.#ended ??= Promise.withResolvers<void>()
    const { promise } = this.#ended
    if (this.status === 'open') {
      this.#closingLocally = true
      if (this.#lingerTimeout === 0) {
        this.status = 'closing'
        this.writeStatus = 'closing'
        this.#resetSocket()
      } else if (this.#givenAway) {
        this.status = 'closing'
        this.#timer = setTimeout(() => this.#onLingerTimeout(), this.#lingerTimeout)
      } else {
        this.#startClosing()
        // A reader that is not there will not take what still arrives, and the FIN is behind it.
        if (this.readStatus === 'paused' || this.listenerCount('message') === 0) {
          this.#reading.discard()
          this.#dispatchEnd()
        }
      }
    }
    await waitFor(promise, options?.signal)
  }

  /** Discards everything unsent and unread and resets the connection. Idempotent. */
  abort(error: Error): void {
    if (this.#isOver()) return
    this.log.error('abort - %e', error)
    this.#failure = error
    this.#terminate('aborted')
    this.#resetSocket()
    this.dispatchEvent(new StreamAbortEvent(error))
  }

  /**
   * Gives the socket away, with what was read and not taken put back on it: for a `TLSSocket`, whose
   * record layer then runs without any JavaScript between it and the kernel. From then on the taker
   * reads, writes and ends the socket; this conn only follows how it ends: `close()` waits for it,
   * and `abort()` resets it.
   *
   * `undefined` while something is pending or when it is closing, for the taker's bytes would
   * overtake ours.
   */
  giveSocket(): Socket | undefined {
    const socket = this.#socket
    if (this.#corked) this.flush()
    if (this.status !== 'open' || socket.writableLength > 0) return undefined
    socket.off('data', this.#onData).off('end', this.#onFin).off('drain', this.#onDrain)
    socket.pause()
    const unread = this.#reading.takeAll()
    if (unread.length > 0) socket.unshift(Buffer.concat(unread))
    this.writeStatus = 'closing'
    this.#givenAway = true
    return socket
  }

  /** Called by the stall watch. */
  onStalled(): void {
    this.abort(
      new WriteStalledError(
        `${this.remoteAddr.toString()} has taken none of ${this.pending} pending bytes for ${this.writeStallTimeout} ms: it reads too slowly or is gone`
      )
    )
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#reading.receive(receivedChunks.mark(chunk))
  }

  #requeued(): void {
    if (this.#reading.length > this.maxReadBufferLength) {
      this.abort(
        new ReadBufferError(
          `${this.#reading.length} bytes from ${this.remoteAddr.toString()} were put back unread, and maxReadBufferLength is ${this.maxReadBufferLength}`
        )
      )
      return
    }
    queueMicrotask(() => this.#reading.deliver())
  }

  readonly #onDrain = (): void => {
    this.#overrun = 0
    if (this.#isOver()) return
    if (this.writableNeedsDrain) {
      this.writableNeedsDrain = false
      // Listeners send at once, which a connection that closes no longer takes.
      if (this.writeStatus === 'writable') this.safeDispatchEvent('drain')
    }
    this.#dispatchIdle()
  }

  #dispatchIdle(): void {
    if (this.listenerCount('idle') > 0) this.safeDispatchEvent('idle')
  }

  readonly #onInactive = (): void => {
    // Silence that we asked for ourselves says nothing about the peer; a stalled write has its own limit.
    if (this.#reading.stopped) {
      this.#socket.setTimeout(this.#inactivityTimeout)
      return
    }
    this.abort(
      new InactivityError(
        `nothing was sent to or received from ${this.remoteAddr.toString()} for ${this.#inactivityTimeout} ms`
      )
    )
  }

  /** The peer's FIN, after everything it had sent was read. */
  readonly #onFin = (): void => {
    if (this.#isOver()) return
    this.remoteWriteStatus = 'closed'
    if (this.status === 'open') this.#startClosing()
    this.safeDispatchEvent('remoteCloseWrite')
    this.#endWhenRead()
  }

  #startClosing(): void {
    this.status = 'closing'
    this.writeStatus = 'closing'
    const socket = this.#socket
    this.#timer = setTimeout(() => this.#onLingerTimeout(), this.#lingerTimeout)
    socket.once('finish', () => {
      this.writeStatus = 'closed'
      clearTimeout(this.#timer)
      // Closing the descriptor with bytes unread would send RST and could destroy what the peer has
      // not read yet; so what arrives is read until its FIN, but not for ever.
      this.#timer = setTimeout(() => socket.destroy(), Math.min(FIN_WAIT, this.#lingerTimeout))
    })
    socket.end()
  }

  #onLingerTimeout(): void {
    const unsent = this.#socket.writableLength
    this.abort(
      new UnsentDataError(
        `${this.remoteAddr.toString()} has not taken the last ${unsent} bytes within ${this.#lingerTimeout} ms: the connection was reset`
      )
    )
  }

  readonly #onError = (cause: NodeJS.ErrnoException): void => {
    if (this.#isOver()) return
    // Everything of ours is out: how the peer hangs up is its own affair (go-libp2p resets).
    if (this.status === 'closing' && this.writeStatus === 'closed') return
    const error = new ConnectionLostError(lostMessage(this.remoteAddr, cause), { cause })
    if (cause.code !== 'ECONNRESET' && cause.code !== 'EPIPE') {
      this.abort(error)
      return
    }
    this.log('reset by the peer - %e', cause)
    this.#failure = error
    this.#terminate('reset')
    this.dispatchEvent(new StreamResetEvent(error))
  }

  readonly #onClosed = (): void => {
    if (this.#isOver()) return
    this.#terminate('closed')
    this.dispatchEvent(new StreamCloseEvent(this.#closingLocally))
  }

  /** The one place where a connection ends, however it ends. The event is left to the caller. */
  #terminate(status: 'closed' | 'aborted' | 'reset'): void {
    this.status = status
    this.timeline.close = Date.now()
    this.writeStatus = 'closed'
    this.remoteReadStatus = 'closed'
    this.remoteWriteStatus = 'closed'
    this.writableNeedsDrain = false
    clearTimeout(this.#timer)
    stalls.remove(this)
    if (status === 'aborted') this.#reading.discard()
    this.#endWhenRead()
    if (this.#failure === undefined) this.#ended?.resolve()
    else this.#ended?.reject(this.#failure)
  }

  /** Nothing more will come once the remote has ended and everything was taken. */
  #endWhenRead(): void {
    if (this.#reading.length > 0 || this.remoteWriteStatus !== 'closed') return
    if (this.#isOver()) this.#reading.closeWhenEmpty()
    this.#dispatchEnd()
  }

  #dispatchEnd(): void {
    if (this.#readableEnded) return
    this.#readableEnded = true
    this.safeDispatchEvent('end')
  }

  #isOver(): boolean {
    return this.status !== 'open' && this.status !== 'closing'
  }

  /**
   * RST, so that the peer sees a failure. Unix sockets have none, and libuv cannot once it has been
   * told to send FIN, which it is when the last pending byte has left.
   */
  #resetSocket(): void {
    const finSent = this.#socket.writableEnded && this.#socket.writableLength === 0
    if (this.#unix || finSent) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }
}

/** Writes `chunk`; where its sender allows it, its memory is freed as soon as the kernel has it. */
function writeAndFree(socket: Socket, chunk: Uint8Array): void {
  if (!sentChunks.has(chunk)) {
    socket.write(chunk)
    return
  }
  socket.write(chunk, error => {
    if (error === undefined || error === null) sentChunks.free(chunk)
  })
}

function flush(connection: SocketConnection): void {
  connection.flush()
}

function parts(data: Bytes): Iterable<Uint8Array> {
  return data instanceof Uint8Array ? [data] : data
}

function lostMessage(remoteAddr: Multiaddr, cause: NodeJS.ErrnoException): string {
  const reason =
    cause.code === 'ECONNRESET' || cause.code === 'EPIPE'
      ? 'the peer reset it'
      : cause.code === 'ETIMEDOUT'
        ? 'the peer no longer answers'
        : cause.message
  return `the connection with ${remoteAddr.toString()} was lost: ${reason}`
}
