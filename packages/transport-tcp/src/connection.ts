import type { Socket } from 'node:net'
import {
  StreamAbortEvent,
  StreamCloseEvent,
  StreamMessageEvent,
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
import { freeHandedOver, handOver, isHandedOver, waitFor } from '@warren/utils'
import { TypedEventEmitter } from 'main-event'
import {
  ConnectionLostError,
  InactivityError,
  ReadBufferError,
  UnsentDataError,
  WriteBufferError,
  WriteStalledError
} from './errors.ts'
import type { ResolvedTcpOptions } from './options.ts'
import { StallWatch, type Stallable } from './stall-watch.ts'
import { UnreadBytes } from './unread.ts'

type Bytes = Parameters<MultiaddrConnection['send']>[0]
type ListenerOptions = Parameters<EventTarget['addEventListener']>[2]

/** Bytes pending at which `send` says stop. A few records of 64 KiB leave in one `writev`. */
const WRITE_HIGH_WATER = 256 * 1024
/** Bytes held for a reader that does not come, before the socket is no longer read. */
const READ_HIGH_WATER = 64 * 1024
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
  extends TypedEventEmitter<MessageStreamEvents>
  implements MultiaddrConnection, Stallable
{
  status: MessageStreamStatus = 'open'
  readStatus: MessageStreamReadStatus = 'readable'
  writeStatus: MessageStreamWriteStatus = 'writable'
  remoteReadStatus: MessageStreamReadStatus = 'readable'
  remoteWriteStatus: MessageStreamWriteStatus = 'writable'
  readonly timeline: MultiaddrConnectionTimeline = { open: Date.now() }
  readonly direction: MessageStreamDirection
  readonly remoteAddr: Multiaddr
  /** The address of this end. */
  readonly localAddr: Multiaddr
  log: Logger
  maxReadBufferLength: number
  maxWriteBufferLength: number
  writableNeedsDrain = false
  readonly writeStallTimeout: number

  readonly #socket: Socket
  readonly #unix: boolean
  readonly #lingerTimeout: number
  readonly #unread = new UnreadBytes()
  #inactivityTimeout: number
  #readableEnded = false
  /** The socket is not read because nobody takes what it has given. */
  #held = false
  #delivering = false
  #corked = false
  /** Bytes sent since `send` has said stop. */
  #overrun = 0
  /** Who began to close: `close()` here, or the peer's FIN. */
  #closingLocally = false
  #timer: NodeJS.Timeout | undefined
  #ended: PromiseWithResolvers<void> | undefined
  #failure: Error | undefined

  constructor(init: SocketConnectionInit) {
    super()
    this.#socket = init.socket
    this.direction = init.direction
    this.remoteAddr = init.remoteAddr
    this.localAddr = init.localAddr
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

  get readBufferLength(): number {
    return this.#unread.length
  }

  get writeBufferLength(): number {
    return this.#socket.writableLength
  }

  get readableEnded(): boolean {
    return this.#readableEnded
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
    this.#corked = false
    this.#socket.uncork()
    if (this.#isOver()) return
    if (this.#socket.writableLength === 0) {
      this.#dispatchIdle()
      return
    }
    stalls.add(this)
    // The socket says 'drain' only after a full buffer; an empty write says when it has got so far.
    if (!this.writableNeedsDrain) {
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
    this.#assertReadable('pause')
    if (this.readStatus === 'paused') return
    this.readStatus = 'paused'
    this.#socket.pause()
  }

  resume(): void {
    this.#assertReadable('resume')
    if (this.readStatus !== 'paused') return
    this.readStatus = 'readable'
    this.#deliver()
  }

  push(data: Bytes): void {
    this.#assertReadable('push data onto')
    for (const chunk of chunksOf(data)) this.#unread.append(chunk)
    this.#requeued()
  }

  unshift(data: Bytes): void {
    this.#assertReadable('unshift data onto')
    this.#unread.prepend([...chunksOf(data)])
    this.#requeued()
  }

  override addEventListener<K extends keyof MessageStreamEvents>(
    type: K,
    listener: EventHandler<MessageStreamEvents[K]> | null,
    options?: ListenerOptions
  ): void {
    super.addEventListener(type, listener, options)
    // Later, because listeners are added in constructors that are not done yet.
    if (type === 'message' && (this.#held || this.#unread.length > 0)) {
      queueMicrotask(() => this.#deliver())
    }
  }

  /**
   * The chunks as they come. Between two of them there is no listener, so a loop that takes its
   * time holds the peer back like any other slow reader.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.#nextChunk()
      if (chunk === undefined) return
      yield chunk
    }
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
      } else {
        this.#startClosing()
        // A reader that is not there will not take what still arrives, and the FIN is behind it.
        if (this.readStatus === 'paused' || this.listenerCount('message') === 0) this.#stopReading()
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

  /** Called by the stall watch. */
  onStalled(): void {
    this.abort(
      new WriteStalledError(
        `${this.remoteAddr.toString()} has taken none of ${this.pending} pending bytes for ${this.writeStallTimeout} ms: it reads too slowly or is gone`
      )
    )
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.readStatus === 'closed') return
    // Node made it for this read and keeps nothing of it.
    handOver(chunk)
    if (
      this.readStatus === 'readable' &&
      this.#unread.length === 0 &&
      this.listenerCount('message') > 0
    ) {
      this.dispatchEvent(new StreamMessageEvent(chunk))
      return
    }
    this.#unread.append(chunk)
    this.#deliver()
    if (this.#unread.length >= READ_HIGH_WATER && !this.#held) {
      this.#held = true
      this.#socket.pause()
    }
  }

  /** Hands out what is unread as long as there is somebody to take it, then reads on. */
  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    try {
      while (this.readStatus === 'readable' && this.listenerCount('message') > 0) {
        const chunk = this.#unread.shift()
        if (chunk === undefined) break
        this.dispatchEvent(new StreamMessageEvent(chunk))
      }
    } finally {
      this.#delivering = false
    }
    this.#readOn()
  }

  #readOn(): void {
    if (this.#unread.length === 0) this.#endWhenRead()
    if (this.readStatus !== 'readable' || this.#unread.length >= READ_HIGH_WATER) return
    this.#held = false
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  /** The next chunk, waited for with listeners that are gone before it is returned. */
  async #nextChunk(): Promise<Uint8Array | undefined> {
    if (this.readStatus === 'readable') {
      const chunk = this.#unread.shift()
      if (chunk !== undefined) {
        this.#readOn()
        return chunk
      }
    }
    if (this.#failure !== undefined) throw this.#failure
    if (this.#readableEnded || this.readStatus === 'closed') return undefined
    const next = Promise.withResolvers<Uint8Array | undefined>()
    const onMessage = (event: StreamMessageEvent): void => {
      stop()
      next.resolve(event.data instanceof Uint8Array ? event.data : event.data.subarray())
    }
    const onEnd = (): void => {
      if (this.#failure === undefined) next.resolve(undefined)
      else next.reject(this.#failure)
    }
    // Without an 'end' when something unread is left, which a pause keeps from this loop.
    const onClose = (event: StreamCloseEvent): void => {
      if (event.error !== undefined) next.reject(event.error)
    }
    const stop = (): void => {
      this.removeEventListener('message', onMessage)
      this.removeEventListener('end', onEnd)
      this.removeEventListener('close', onClose)
    }
    this.addEventListener('message', onMessage)
    this.addEventListener('end', onEnd)
    this.addEventListener('close', onClose)
    try {
      return await next.promise
    } finally {
      stop()
    }
  }

  #requeued(): void {
    if (this.#unread.length > this.maxReadBufferLength) {
      this.abort(
        new ReadBufferError(
          `${this.#unread.length} bytes from ${this.remoteAddr.toString()} were put back unread, and maxReadBufferLength is ${this.maxReadBufferLength}`
        )
      )
      return
    }
    queueMicrotask(() => this.#deliver())
  }

  readonly #onDrain = (): void => {
    this.#overrun = 0
    if (this.#isOver()) return
    if (this.writableNeedsDrain) {
      this.writableNeedsDrain = false
      this.safeDispatchEvent('drain')
    }
    this.#dispatchIdle()
  }

  #dispatchIdle(): void {
    if (this.listenerCount('idle') > 0) this.safeDispatchEvent('idle')
  }

  readonly #onInactive = (): void => {
    // Silence that we asked for ourselves says nothing about the peer; a stalled write has its own limit.
    if (this.readStatus === 'paused' || this.#held) {
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

  /** Gives up the readable end: what is unread and what still arrives is thrown away. */
  #stopReading(): void {
    this.#unread.clear()
    this.readStatus = 'closed'
    this.#dispatchEnd()
    this.#socket.resume()
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
    if (status === 'aborted') this.#unread.clear()
    this.#endWhenRead()
    if (this.#failure === undefined) this.#ended?.resolve()
    else this.#ended?.reject(this.#failure)
  }

  /** Nothing more will come once the remote has ended and everything was taken. */
  #endWhenRead(): void {
    if (this.#unread.length > 0 || this.remoteWriteStatus !== 'closed') return
    if (this.#isOver()) this.readStatus = 'closed'
    this.#dispatchEnd()
  }

  #dispatchEnd(): void {
    if (this.#readableEnded) return
    this.#readableEnded = true
    this.safeDispatchEvent('end')
  }

  #assertReadable(verb: string): void {
    if (this.readStatus === 'closed') {
      throw new StreamStateError(`Cannot ${verb} a stream whose readable end is closed`)
    }
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

/** Writes `chunk`; where it was handed over, its memory is freed as soon as the kernel has it. */
function writeAndFree(socket: Socket, chunk: Uint8Array): void {
  if (!isHandedOver(chunk)) {
    socket.write(chunk)
    return
  }
  socket.write(chunk, error => {
    if (error === undefined || error === null) freeHandedOver(chunk)
  })
}

function flush(connection: SocketConnection): void {
  connection.flush()
}

function chunksOf(data: Bytes): Iterable<Uint8Array> {
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
