import type {
  AbortOptions,
  EventHandler,
  Logger,
  MessageStreamEvents,
  MessageStreamReadStatus,
  MessageStreamStatus,
  MessageStreamTimeline,
  MessageStreamWriteStatus,
  Stream
} from '@libp2p/interface'
import {
  StreamAbortEvent,
  StreamBufferError,
  StreamCloseEvent,
  StreamMessageEvent,
  StreamResetError,
  StreamResetEvent,
  StreamStateError
} from '@libp2p/interface'
import { resetCodeOf } from '@warren/interface'
import type { AccountingStream, ByteAccount } from '@warren/interface'
import { EventEmitter, waitFor } from '@warren/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { RESET } from '../core/constants.ts'
import type { YamuxSession } from '../core/session.ts'
import type { StreamState } from '../core/stream-state.ts'
import { ReadQueue } from './read-queue.ts'

/** What a stream needs of its muxer. */
export interface StreamHost {
  readonly session: YamuxSession<YamuxStream>
  /** The connection takes nothing now. */
  readonly blocked: boolean
  readonly writeHighWaterMark: number
  now(): number
  streamLog(stream: YamuxStream): Logger
  /** The stream has ended on both sides, or was reset. */
  streamEnded(stream: YamuxStream): void
}

/** Options of one stream. */
export interface YamuxStreamInit {
  readonly maxWriteBufferLength?: number | undefined
  readonly inactivityTimeout?: number | undefined
}

/**
 * A yamux stream as a libp2p `Stream`.
 *
 * Written for many: an idle stream holds two small objects, no timer, no promise and no listener.
 * Bytes count as read when a `message` listener or the iterator gets them; until then they take up
 * the receive window, and so stall the sender.
 */
export class YamuxStream
  extends EventEmitter<MessageStreamEvents>
  implements Stream, AccountingStream
{
  readonly id: string
  /** Negotiated by whoever opened the stream; a muxer that set it would switch negotiation off. */
  protocol = ''
  status: MessageStreamStatus = 'open'
  readStatus: MessageStreamReadStatus = 'readable'
  writeStatus: MessageStreamWriteStatus = 'writable'
  remoteReadStatus: MessageStreamReadStatus = 'readable'
  remoteWriteStatus: MessageStreamWriteStatus = 'writable'
  readonly timeline: MessageStreamTimeline = { open: Date.now() }
  inactivityTimeout: number
  declare maxWriteBufferLength?: number
  writableNeedsDrain = false

  readonly #host: StreamHost
  readonly #state: StreamState<YamuxStream>
  readonly #unread = new ReadQueue()
  #log: Logger | undefined
  #maxReadBufferLength = 0
  #ended = false
  /** We asked for no more ourselves. */
  #readClosed = false
  #error: Error | undefined
  /** An iterator reads: what arrives waits for it. */
  #pulled = false
  #wake: (() => void) | undefined
  /** Tells `close` that the FIN has left. */
  #onLocalEnd: (() => void) | undefined

  constructor(host: StreamHost, state: StreamState<YamuxStream>, init: YamuxStreamInit) {
    super()
    this.#host = host
    this.#state = state
    state.owner = this
    this.id = `${state.id}`
    this.inactivityTimeout = init.inactivityTimeout ?? 120_000
    if (init.maxWriteBufferLength !== undefined) {
      this.maxWriteBufferLength = init.maxWriteBufferLength
    }
  }

  get direction(): 'inbound' | 'outbound' {
    return this.#state.direction
  }

  get log(): Logger {
    this.#log ??= this.#host.streamLog(this)
    return this.#log
  }

  set log(log: Logger) {
    this.#log = log
  }

  /** Never below the receive window, so that a slow reader stalls its sender and is not reset. */
  get maxReadBufferLength(): number {
    return Math.max(this.#maxReadBufferLength, this.#state.window)
  }

  set maxReadBufferLength(bytes: number) {
    this.#maxReadBufferLength = bytes
  }

  get readBufferLength(): number {
    return this.#unread.byteLength
  }

  get writeBufferLength(): number {
    return this.#state.queuedBytes
  }

  /** What waits to be sent; libp2p's compliance suite looks at its length. */
  get writeBuffer(): { readonly byteLength: number } {
    return { byteLength: this.#state.queuedBytes }
  }

  get readableEnded(): boolean {
    return this.#ended
  }

  countIn(account: ByteAccount): void {
    this.#host.session.countIn(this.#state, account)
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────

  send(data: Uint8Array | Uint8ArrayList): boolean {
    if (this.writeStatus !== 'writable') {
      throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`)
    }
    const { session } = this.#host
    if (data instanceof Uint8Array) session.write(this.#state, data)
    else for (const chunk of data) session.write(this.#state, chunk)
    if (
      this.maxWriteBufferLength !== undefined &&
      this.#state.queuedBytes > this.maxWriteBufferLength
    ) {
      this.abort(
        new StreamBufferError(
          `Write buffer length of ${this.#state.queuedBytes} exceeded limit of ${this.maxWriteBufferLength}`
        )
      )
      return false
    }
    this.writableNeedsDrain = !this.#canSendMore(this.#host.writeHighWaterMark)
    return !this.writableNeedsDrain
  }

  #canSendMore(mark: number): boolean {
    const { queuedBytes, sendWindow } = this.#state
    return !this.#host.blocked && queuedBytes < mark && queuedBytes < sendWindow
  }

  /** The session has sent some of the queue, or has more window, or the connection drained. */
  onProgress(): void {
    if (this.#state.queuedBytes === 0 && this.listenerCount('idle') > 0) {
      this.safeDispatchEvent('idle')
    }
    if (this.writableNeedsDrain && this.#canSendMore(this.#host.writeHighWaterMark / 2)) {
      this.writableNeedsDrain = false
      this.safeDispatchEvent('drain')
    }
  }

  async onDrain(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    if (!this.writableNeedsDrain) return
    await this.#unlessClosed(resolve => {
      this.addEventListener('drain', resolve)
      return () => this.removeEventListener('drain', resolve)
    }, options?.signal)
  }

  /** Waits for what `subscribe` announces; rejects when the stream closes with an error first. */
  async #unlessClosed(
    subscribe: (done: () => void) => () => void,
    signal?: AbortSignal
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onClose = (event: StreamCloseEvent): void => {
      if (event.error === undefined) resolve()
      else reject(event.error)
    }
    const unsubscribe = subscribe(() => resolve())
    this.addEventListener('close', onClose)
    try {
      await waitFor(promise, signal)
    } finally {
      unsubscribe()
      this.removeEventListener('close', onClose)
    }
  }

  // ── ends ─────────────────────────────────────────────────────────────────────────────────────

  /** Ends our direction; resolves when everything sent before has left for the connection. */
  async close(options?: AbortOptions): Promise<void> {
    if (this.writeStatus !== 'writable') return
    this.writeStatus = 'closing'
    await this.sendCloseWrite(options)
  }

  /** Queues the FIN behind what is queued and waits until it has left. */
  async sendCloseWrite(options?: AbortOptions): Promise<void> {
    await this.#unlessClosed(done => {
      this.#onLocalEnd = done
      this.#host.session.end(this.#state)
      return () => {
        this.#onLocalEnd = undefined
      }
    }, options?.signal)
  }

  /** Our FIN has left. */
  onEndSent(): void {
    this.writeStatus = 'closed'
    this.writableNeedsDrain = false
    this.#onLocalEnd?.()
    if (this.remoteWriteStatus === 'closed') this.#finish()
  }

  async closeRead(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    if (this.readStatus === 'closing' || this.readStatus === 'closed') return
    this.readStatus = 'closing'
    this.#readClosed = true
    await this.sendCloseRead()
    this.#take(this.#unread.byteLength)
    this.#unread.takeAll()
    this.readStatus = 'closed'
    this.#maybeEnd()
    this.#wakeReader()
  }

  /** Yamux has no word for "I read no more": what still comes is taken and thrown away. */
  async sendCloseRead(): Promise<void> {}

  abort(error: Error): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    this.#host.session.reset(this.#state, resetCodeOf(error) ?? RESET.none)
    this.#unread.takeAll()
    this.#terminate('aborted', error)
    this.dispatchEvent(new StreamAbortEvent(error))
  }

  /** The peer reset the stream, or we did over a limit (`error` says which). */
  onReset(code: number, error?: Error): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    const reason = error ?? new StreamResetError(resetMessage(code))
    Object.assign(reason, { resetCode: code })
    if (error !== undefined) this.#unread.takeAll()
    this.#terminate('reset', reason)
    this.dispatchEvent(new StreamResetEvent(reason))
  }

  /** The connection is gone: a clean end only for a stream whose ends were both closed before. */
  onTransportClosed(error?: Error, goAwayCode?: number): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    if (error !== undefined) {
      this.#terminate('aborted', error)
      this.dispatchEvent(new StreamAbortEvent(error))
      return
    }
    const reason = new StreamResetError('The connection closed before the stream ended')
    if (goAwayCode !== undefined) Object.assign(reason, { goAwayCode })
    this.#terminate('reset', reason)
    this.dispatchEvent(new StreamResetEvent(reason))
  }

  #terminate(status: 'aborted' | 'reset', error: Error): void {
    this.status = status
    this.#error = error
    this.writeStatus = 'closed'
    this.remoteWriteStatus = 'closed'
    this.remoteReadStatus = 'closed'
    this.writableNeedsDrain = false
    this.timeline.close = Date.now()
    if (this.#unread.byteLength === 0) this.readStatus = 'closed'
    this.#maybeEnd()
    this.#host.streamEnded(this)
    this.#wakeReader()
  }

  /** The peer ended its direction. */
  onRemoteEnd(): void {
    if (this.remoteWriteStatus === 'closed') return
    this.remoteWriteStatus = 'closed'
    this.safeDispatchEvent('remoteCloseWrite')
    this.#maybeEnd()
    this.#wakeReader()
    if (this.writeStatus === 'closed') this.#finish()
  }

  #finish(): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    this.status = 'closed'
    this.remoteReadStatus = 'closed'
    if (this.#unread.byteLength === 0) this.readStatus = 'closed'
    this.timeline.close = Date.now()
    this.#maybeEnd()
    this.#host.streamEnded(this)
    this.dispatchEvent(new StreamCloseEvent())
  }

  #maybeEnd(): void {
    if (this.#ended || this.#unread.byteLength > 0) return
    if (this.remoteWriteStatus !== 'closed' && this.readStatus !== 'closed') return
    this.#ended = true
    this.safeDispatchEvent('end')
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────

  /** Bytes from the session, in place in the connection's chunk. */
  onData(bytes: Uint8Array): void {
    if (this.readStatus === 'closing' || this.readStatus === 'closed') {
      this.#take(bytes.length)
      return
    }
    if (this.#isFlowing() && this.#unread.byteLength === 0) {
      this.#take(bytes.length)
      this.dispatchEvent(new StreamMessageEvent(bytes))
      return
    }
    this.#unread.push(bytes)
    if (this.#pulled) this.#wakeReader()
    else this.#deliver()
  }

  #isFlowing(): boolean {
    return !this.#pulled && this.readStatus === 'readable' && this.listenerCount('message') > 0
  }

  /** Gives what waits to the `message` listeners. */
  #deliver(): void {
    if (!this.#isFlowing() || this.#unread.byteLength === 0) return
    this.#take(this.#unread.byteLength)
    const [first, ...rest] = this.#unread.takeAll()
    if (first === undefined) return
    const data = rest.length === 0 ? first : Uint8ArrayList.fromUint8Arrays([first, ...rest])
    this.dispatchEvent(new StreamMessageEvent(data))
    this.#afterRead()
  }

  #take(bytes: number): void {
    if (bytes > 0) this.#host.session.taken(this.#state, bytes, this.#host.now())
  }

  #afterRead(): void {
    if (this.#unread.byteLength > 0 || this.remoteWriteStatus !== 'closed') return
    if (this.readStatus === 'readable') this.readStatus = 'closed'
    this.#maybeEnd()
  }

  #assertReadable(what: string): void {
    if (this.readStatus === 'closed' || this.readStatus === 'closing') {
      throw new StreamStateError(`Cannot ${what} a stream that is ${this.readStatus}`)
    }
  }

  pause(): void {
    this.#assertReadable('pause')
    this.readStatus = 'paused'
  }

  resume(): void {
    this.#assertReadable('resume')
    if (this.readStatus === 'readable') return
    this.readStatus = 'readable'
    this.#deliver()
    this.#afterRead()
    this.#wakeReader()
  }

  /**
   * Whoever read to the end may put back what it did not want: protocol negotiation does, when the
   * peer's first bytes and its end came with the proposal. The end is then told again, after them.
   */
  #reopen(): void {
    if (this.#ended && this.#error === undefined && !this.#readClosed) {
      this.#ended = false
      this.readStatus = 'readable'
    }
    this.#assertReadable('push data onto')
  }

  push(data: Uint8Array | Uint8ArrayList): void {
    this.#reopen()
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      this.#host.session.putBack(this.#state, chunk.length)
      this.#unread.push(chunk)
    }
    this.#deliverSoon()
  }

  unshift(data: Uint8Array | Uint8ArrayList): void {
    this.#reopen()
    for (const chunk of [...(data instanceof Uint8Array ? [data] : data)].reverse()) {
      this.#host.session.putBack(this.#state, chunk.length)
      this.#unread.unshift(chunk)
    }
    this.#deliverSoon()
  }

  #deliverSoon(): void {
    queueMicrotask(() => {
      this.#deliver()
      this.#wakeReader()
    })
  }

  override addEventListener<K extends keyof MessageStreamEvents>(
    type: K,
    listener: EventHandler<MessageStreamEvents[K]> | null,
    options?: Parameters<EventTarget['addEventListener']>[2]
  ): void
  override addEventListener(
    type: string,
    listener: EventHandler<Event>,
    options?: Parameters<EventTarget['addEventListener']>[2]
  ): void
  override addEventListener(
    type: string,
    listener: EventHandler<Event> | null,
    options?: Parameters<EventTarget['addEventListener']>[2]
  ): void {
    super.addEventListener(type as 'drain', listener, options)
    // Listeners are added in constructors of objects that are not ready yet: deliver later.
    if (type === 'message' && this.#unread.byteLength > 0) this.#deliverSoon()
    // A handler that comes after the end must not wait for it for ever.
    if (type === 'end' && this.#ended) {
      queueMicrotask(() => {
        if (!this.#ended || listener === null) return
        const event = new Event('end')
        if (typeof listener === 'function') listener.call(this, event)
        else listener.handleEvent(event)
      })
    }
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** One chunk at a time; what is not pulled stays in the receive window. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (
      this.readStatus === 'closing' ||
      (this.readStatus === 'closed' && this.#unread.byteLength === 0)
    ) {
      if (this.#error !== undefined) throw this.#error
      return
    }
    this.#pulled = true
    try {
      for (;;) {
        const chunk = this.readStatus === 'paused' ? undefined : this.#unread.takeOne()
        if (chunk !== undefined) {
          this.#take(chunk.length)
          this.#afterRead()
          yield chunk
        } else if (this.#unread.byteLength === 0 && this.remoteWriteStatus === 'closed') {
          if (this.#error !== undefined) throw this.#error
          return
        } else if (this.readStatus === 'closed') {
          return
        } else {
          await new Promise<void>(resolve => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.#pulled = false
    }
  }
}

function resetMessage(code: number): string {
  return code === RESET.none
    ? 'The stream has been reset'
    : `The stream has been reset with code 0x${code.toString(16)}`
}
