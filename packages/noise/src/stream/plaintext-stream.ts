import {
  StreamAbortEvent,
  StreamBufferError,
  StreamCloseEvent,
  StreamMessageEvent,
  StreamResetEvent,
  StreamStateError
} from '@libp2p/interface'
import type {
  AbortOptions,
  EventHandler,
  Logger,
  MessageStream,
  MessageStreamDirection,
  MessageStreamEvents,
  MessageStreamReadStatus,
  MessageStreamStatus,
  MessageStreamTimeline,
  MessageStreamWriteStatus
} from '@libp2p/interface'
import { EventEmitter } from '@warren/utils'
import { readWithPauses } from './iterate.ts'
import { asBytes, partsOf, ReadQueue, type Bytes } from './read-queue.ts'
import { drained } from './drained.ts'

/** Options of a listener, as `EventTarget` takes them. */
export type ListenerOptions =
  | boolean
  | {
      readonly once?: boolean
      readonly capture?: boolean
      readonly passive?: boolean
      readonly signal?: AbortSignal
    }

/** What a plaintext stream takes over from the stream below it. */
export interface PlaintextStreamInit {
  readonly log: Logger
  readonly direction: MessageStreamDirection
  readonly inactivityTimeout: number
  readonly maxReadBufferLength: number
}

/**
 * Without any reader, the source is paused when this much plaintext waits (or a quarter of
 * `maxReadBufferLength` where that is less), instead of letting the peer overrun the buffer.
 */
const UNREAD_PAUSE_BYTES = 262_144

/**
 * The events, states and reading half of a libp2p `MessageStream`, whose bytes come from somewhere
 * below: a subclass calls {@link deliver}, {@link onRemoteCloseWrite}, {@link onSourceClosed} and
 * {@link onRemoteReset}, and says how the source is paused, resumed and reset.
 *
 * It behaves as the base class of `@libp2p/utils` does, but for three things: it keeps no write
 * queue, `for await` pauses the stream while the loop is behind, and a stream that nobody reads
 * pauses its source before its buffer overruns.
 */
export abstract class PlaintextStream
  extends EventEmitter<MessageStreamEvents>
  implements MessageStream
{
  status: MessageStreamStatus = 'open'
  readonly timeline: MessageStreamTimeline = { open: Date.now() }
  log: Logger
  direction: MessageStreamDirection
  maxReadBufferLength: number
  inactivityTimeout: number

  readStatus: MessageStreamReadStatus = 'readable'
  writeStatus: MessageStreamWriteStatus = 'writable'
  remoteReadStatus: MessageStreamReadStatus = 'readable'
  remoteWriteStatus: MessageStreamWriteStatus = 'writable'

  readonly #unread = new ReadQueue()
  #readableEnded = false
  /** The source was paused because nobody reads, not because `pause()` was called. */
  #pausedUnread = false

  constructor(init: PlaintextStreamInit) {
    super()
    this.log = init.log
    this.direction = init.direction
    this.inactivityTimeout = init.inactivityTimeout
    this.maxReadBufferLength = init.maxReadBufferLength
  }

  abstract get writableNeedsDrain(): boolean
  abstract get writeBufferLength(): number
  abstract send(data: Bytes): boolean
  abstract close(options?: AbortOptions): Promise<void>

  protected abstract pauseSource(): void
  protected abstract resumeSource(): void
  protected abstract resetSource(error: Error): void

  get readBufferLength(): number {
    return this.#unread.byteLength
  }

  get readableEnded(): boolean {
    return this.#readableEnded
  }

  onDrain(options?: AbortOptions): Promise<void> {
    return drained(this, options)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Bytes> {
    return readWithPauses(this)
  }

  abort(error: Error): void {
    if (this.#terminal) return
    this.status = 'aborted'
    this.#unread.clear()
    this.#closeAllHalves()
    this.#maybeEnd()
    try {
      this.resetSource(error)
    } catch (err) {
      this.log.error('could not reset the source - %e', err)
    }
    this.dispatchEvent(new StreamAbortEvent(error))
  }

  pause(): void {
    if (this.readStatus === 'closed' || this.readStatus === 'closing') {
      throw new StreamStateError('Cannot pause a stream that is closing/closed')
    }
    if (this.readStatus === 'paused') return
    this.readStatus = 'paused'
    this.pauseSource()
  }

  resume(): void {
    if (this.readStatus === 'closed' || this.readStatus === 'closing') {
      throw new StreamStateError('Cannot resume a stream that is closing/closed')
    }
    if (this.readStatus === 'readable') return
    this.readStatus = 'readable'
    this.#dispatchUnread()
    // The reader may have paused again, or have ended the stream, over what was waiting.
    if (this.#readStatusNow() === 'readable') this.resumeSource()
  }

  push(data: Bytes): void {
    this.#putBack(data, 'append')
  }

  unshift(data: Bytes): void {
    this.#putBack(data, 'prepend')
  }

  override addEventListener<K extends keyof MessageStreamEvents>(
    type: K,
    listener: EventHandler<MessageStreamEvents[K]> | null,
    options?: ListenerOptions
  ): void {
    super.addEventListener(type, listener, options)
    // In a microtask: a listener may be added by a constructor that is not done yet.
    if (type === 'message' && (this.#unread.byteLength > 0 || this.#pausedUnread)) {
      queueMicrotask(() => this.#dispatchUnread())
    }
  }

  /** Hands checked plaintext to the reader, or keeps it until there is one. */
  protected deliver(parts: Uint8Array[]): void {
    if (this.readStatus === 'closing' || this.readStatus === 'closed') return
    if (
      this.#unread.byteLength === 0 &&
      this.readStatus === 'readable' &&
      this.listenerCount('message') > 0
    ) {
      this.dispatchEvent(new StreamMessageEvent(asBytes(parts)))
      this.#closeReadAtEnd()
      return
    }
    this.#unread.append(parts)
    this.#dispatchUnread()
    this.#boundUnread()
  }

  /** The peer has ended its half; nothing more will be delivered after what waits. */
  protected onRemoteCloseWrite(): void {
    if (this.remoteWriteStatus === 'closed') return
    this.remoteWriteStatus = 'closed'
    this.safeDispatchEvent('remoteCloseWrite')
    this.#maybeEnd()
  }

  /** The source has closed without an error. What waits can still be read. */
  protected onSourceClosed(): void {
    if (this.#terminal) return
    this.status = 'closed'
    this.timeline.close = Date.now()
    if (this.readStatus === 'readable' && this.#unread.byteLength === 0) this.readStatus = 'closed'
    this.writeStatus = 'closed'
    this.remoteReadStatus = 'closed'
    this.remoteWriteStatus = 'closed'
    this.#maybeEnd()
    this.dispatchEvent(new StreamCloseEvent())
  }

  /** The peer has reset the source. What waits can still be read. */
  protected onRemoteReset(error: Error): void {
    if (this.#terminal) return
    this.status = 'reset'
    this.timeline.close = Date.now()
    this.writeStatus = 'closed'
    this.remoteReadStatus = 'closed'
    this.remoteWriteStatus = 'closed'
    if (this.#unread.byteLength === 0) this.readStatus = 'closed'
    this.#maybeEnd()
    this.dispatchEvent(new StreamResetEvent(error))
  }

  /** Ends the reading half by our own will; what waits is dropped. */
  protected endReading(): void {
    this.#unread.clear()
    this.readStatus = 'closed'
    this.#maybeEnd()
  }

  get #terminal(): boolean {
    return this.status === 'aborted' || this.status === 'reset' || this.status === 'closed'
  }

  /** Defeats narrowing: listeners change the state while we call them. */
  #readStatusNow(): MessageStreamReadStatus {
    return this.readStatus
  }

  #closeAllHalves(): void {
    this.writeStatus = 'closed'
    this.remoteWriteStatus = 'closed'
    this.readStatus = 'closed'
    this.remoteReadStatus = 'closed'
    this.timeline.close = Date.now()
  }

  #putBack(data: Bytes, how: 'append' | 'prepend'): void {
    if (this.readStatus === 'closed' || this.readStatus === 'closing') {
      throw new StreamStateError(`Cannot push data onto a stream that is ${this.readStatus}`)
    }
    if (data.byteLength === 0) return
    this.#unread[how](partsOf(data))
    if (this.readStatus === 'paused' || this.listenerCount('message') === 0) this.#boundUnread()
    else queueMicrotask(() => this.#dispatchUnread())
  }

  #dispatchUnread(): void {
    if (this.readStatus !== 'readable' || this.listenerCount('message') === 0) return
    if (this.#unread.byteLength > 0) this.dispatchEvent(new StreamMessageEvent(this.#unread.take()))
    this.#closeReadAtEnd()
    if (this.#pausedUnread && this.#readStatusNow() === 'readable') {
      this.#pausedUnread = false
      this.resumeSource()
    }
  }

  #closeReadAtEnd(): void {
    if (this.#unread.byteLength > 0 || this.remoteWriteStatus !== 'closed') return
    this.readStatus = 'closed'
    this.#maybeEnd()
  }

  /** Emits 'end' when nothing waits and nothing will come; at most once. */
  #maybeEnd(): void {
    if (this.#readableEnded || this.#unread.byteLength > 0) return
    if (this.remoteWriteStatus !== 'closed' && this.readStatus !== 'closed') return
    this.#readableEnded = true
    this.safeDispatchEvent('end')
  }

  #boundUnread(): void {
    const held = this.#unread.byteLength
    if (held > this.maxReadBufferLength) {
      this.abort(
        new StreamBufferError(
          `Read buffer length of ${held} exceeded limit of ${this.maxReadBufferLength}, read status is ${this.readStatus}`
        )
      )
    } else if (
      !this.#pausedUnread &&
      this.readStatus === 'readable' &&
      held >= Math.min(UNREAD_PAUSE_BYTES, this.maxReadBufferLength / 4)
    ) {
      this.#pausedUnread = true
      this.pauseSource()
    }
  }
}
