import type {
  CreateStreamOptions,
  EventHandler,
  Logger,
  MessageStream,
  StreamMuxer,
  StreamMuxerEvents,
  StreamCloseEvent,
  StreamMessageEvent,
  StreamMuxerStatus,
  StreamOptions
} from '@libp2p/interface'
import { MuxerClosedError, TooManyOutboundProtocolStreamsError } from '@libp2p/interface'
import { goAwayCodeOf } from '@warren/interface'
import type { ByteAccount, CodedCloseOptions } from '@warren/interface'
import { EventEmitter, unref, waitFor } from '@warren/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { GO_AWAY, RESET, YAMUX_PROTOCOL } from '../core/constants.ts'
import type { ReceiveBudget } from '../core/receive-budget.ts'
import { YamuxSession } from '../core/session.ts'
import type { SessionEvents, SessionLimits } from '../core/session.ts'
import type { StreamState } from '../core/stream-state.ts'
import { YamuxStream } from './stream.ts'
import type { StreamHost } from './stream.ts'

/** About how much is handed to the connection at once. */
const BATCH_BYTES = 256 * 1024
/** How long a connection that is ended over an error may take to deliver its GOAWAY. */
const LAST_WORDS_MS = 1000

/** Settings of one muxer. */
export interface MuxerInit extends SessionLimits {
  readonly maxOutboundStreams: number
  readonly maxEarlyStreams: number
  readonly ackBacklog: number
  readonly writeHighWaterMark: number
  readonly streamOptions?: StreamOptions | undefined
}

/** The I/O around a {@link YamuxSession}: a libp2p `StreamMuxer` on a connection. */
export class YamuxMuxer
  extends EventEmitter<StreamMuxerEvents<YamuxStream>>
  implements StreamMuxer<YamuxStream>, StreamHost, SessionEvents<YamuxStream>
{
  readonly protocol = YAMUX_PROTOCOL
  status: StreamMuxerStatus = 'open'
  readonly session: YamuxSession<YamuxStream>
  blocked = false

  readonly #conn: MessageStream
  readonly #init: MuxerInit
  /** Made when there is something to say. */
  #scopedLog: Logger | undefined
  #outbound = 0
  #flushQueued = false
  #early: YamuxStream[] | undefined = []
  /** Callers of `createStream` that wait for the peer to acknowledge streams. */
  #openers: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(conn: MessageStream, init: MuxerInit, budget: ReceiveBudget, account?: ByteAccount) {
    super()
    this.#conn = conn
    this.#init = init
    const role = conn.direction === 'outbound' ? 'client' : 'server'
    this.session = new YamuxSession(role, init, budget, this, this.now(), account)
    conn.addEventListener('message', this)
    conn.addEventListener('drain', this)
    conn.addEventListener('close', this)
    this.#armTimer()
  }

  get streams(): YamuxStream[] {
    const streams: YamuxStream[] = []
    for (const { owner } of this.session.streams.values()) {
      if (owner !== undefined) streams.push(owner)
    }
    return streams
  }

  get writeHighWaterMark(): number {
    return this.#init.writeHighWaterMark
  }

  get #log(): Logger {
    this.#scopedLog ??= this.#conn.log.newScope('yamux')
    return this.#scopedLog
  }

  now(): number {
    return performance.now()
  }

  streamLog(stream: YamuxStream): Logger {
    return this.#log.newScope(`${stream.direction}:${stream.id}`)
  }

  // ── streams ──────────────────────────────────────────────────────────────────────────────────

  async createStream(options: CreateStreamOptions = {}): Promise<YamuxStream> {
    options.signal?.throwIfAborted()
    this.#assertOpen()
    if (this.#outbound >= this.#init.maxOutboundStreams) {
      throw new TooManyOutboundProtocolStreamsError(
        `${this.#outbound} outbound streams are open, which is the limit`
      )
    }
    while (this.session.unacknowledged >= this.#init.ackBacklog) {
      await this.#acknowledgement(options.signal)
      this.#assertOpen()
    }
    const { streamOptions } = this.#init
    const stream = new YamuxStream(this, this.session.open(), {
      maxWriteBufferLength: options.maxWriteBufferLength ?? streamOptions?.maxWriteBufferLength,
      inactivityTimeout: options.inactivityTimeout ?? streamOptions?.inactivityTimeout
    })
    this.#outbound++
    return stream
  }

  #assertOpen(): void {
    if (this.status !== 'open') throw new MuxerClosedError()
    if (this.session.remoteGoAway !== undefined) throw new MuxerClosedError('Muxer closed remotely')
  }

  /** Waits in line until the peer has acknowledged one more stream. */
  async #acknowledgement(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#openers.push(resolve)
    try {
      await waitFor(promise, signal)
    } catch (error) {
      const at = this.#openers.indexOf(resolve)
      if (at >= 0) this.#openers.splice(at, 1)
      else this.#openers.shift()?.()
      throw error
    }
  }

  streamEnded(stream: YamuxStream): void {
    if (stream.direction === 'outbound') this.#outbound--
  }

  override addEventListener<K extends keyof StreamMuxerEvents<YamuxStream>>(
    type: K,
    listener: EventHandler<StreamMuxerEvents<YamuxStream>[K]> | null,
    options?: Parameters<EventTarget['addEventListener']>[2]
  ): void {
    super.addEventListener(type, listener, options)
    if (type !== 'stream' || this.#early === undefined) return
    queueMicrotask(() => {
      const early = this.#early ?? []
      this.#early = undefined
      for (const stream of early) this.safeDispatchEvent('stream', { detail: stream })
    })
  }

  // ── the session's events ─────────────────────────────────────────────────────────────────────

  opened(state: StreamState<YamuxStream>): void {
    const { streamOptions } = this.#init
    const stream = new YamuxStream(this, state, {
      maxWriteBufferLength: streamOptions?.maxWriteBufferLength,
      inactivityTimeout: streamOptions?.inactivityTimeout
    })
    if (this.#early === undefined) {
      this.safeDispatchEvent('stream', { detail: stream })
    } else if (this.#early.length < this.#init.maxEarlyStreams) {
      this.#early.push(stream)
    } else {
      stream.abort(
        Object.assign(new Error('too many early streams'), { resetCode: RESET.resourceLimit })
      )
    }
  }

  acknowledged(): void {
    this.#openers.shift()?.()
  }

  data(state: StreamState<YamuxStream>, bytes: Uint8Array): void {
    state.owner?.onData(bytes)
  }

  ended(state: StreamState<YamuxStream>): void {
    state.owner?.onRemoteEnd()
  }

  reset(state: StreamState<YamuxStream>, code: number, error?: Error): void {
    state.owner?.onReset(code, error)
  }

  progress(state: StreamState<YamuxStream>): void {
    state.owner?.onProgress()
  }

  endSent(state: StreamState<YamuxStream>): void {
    state.owner?.onEndSent()
  }

  goAway(): void {
    this.#wakeOpeners()
  }

  /** Output of one tick leaves together. */
  output(): void {
    if (this.#flushQueued || this.blocked) return
    this.#flushQueued = true
    queueMicrotask(() => {
      this.#flushQueued = false
      this.#flush()
    })
  }

  #wakeOpeners(): void {
    for (const wake of this.#openers.splice(0)) wake()
  }

  // ── the connection ───────────────────────────────────────────────────────────────────────────

  /** An event of the connection. One listener for all: with many connections each closure counts. */
  handleEvent(event: Event): void {
    if (event.type === 'message') this.#onMessage((event as StreamMessageEvent).data)
    else if (event.type === 'drain') this.#onDrain()
    else if (event.type === 'close') this.#onClose((event as StreamCloseEvent).error)
  }

  #onMessage(data: Uint8Array | Uint8ArrayList): void {
    const now = this.now()
    try {
      if (data instanceof Uint8Array) this.session.receive(data, now)
      else for (const chunk of data) this.session.receive(chunk, now)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #onDrain(): void {
    this.blocked = false
    this.#flush()
    if (this.blocked) return
    for (const { owner } of this.session.streams.values()) {
      if (owner?.writableNeedsDrain === true) owner.onProgress()
    }
  }

  #onClose(error: Error | undefined): void {
    this.status = 'closed'
    this.#stop()
    const code = this.session.remoteGoAway
    for (const { owner } of this.session.close()) owner?.onTransportClosed(error, code)
  }

  #flush(): void {
    try {
      while (!this.blocked && this.#conn.status === 'open') {
        const frames = this.session.pollOutput(BATCH_BYTES)
        if (frames === undefined) return
        this.blocked = !this.#conn.send(Uint8ArrayList.fromUint8Arrays(frames))
      }
    } catch (error) {
      this.#log.error('the connection did not take the output - %e', error)
      this.#conn.abort(error as Error)
    }
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────

  #armTimer(): void {
    const at = this.session.nextTimeout()
    if (at === Infinity) return
    this.#timer = setTimeout(this.#onTimer, Math.max(1, at - this.now()))
    unref(this.#timer)
  }

  readonly #onTimer = (): void => {
    try {
      this.session.onTimer(this.now())
      this.#armTimer()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  // ── ends ─────────────────────────────────────────────────────────────────────────────────────

  /** The code with which the peer said that it ends the connection, once it has. */
  get remoteGoAway(): number | undefined {
    return this.session.remoteGoAway
  }

  /** Ends every stream's write side, then says goodbye with `reason`. */
  async close(options: CodedCloseOptions = {}): Promise<void> {
    if (this.status !== 'open') return
    this.status = 'closing'
    try {
      const ends = Promise.all(this.streams.map(async stream => stream.close(options)))
      await waitFor(ends, options.signal)
      this.session.goAway(options.reason ?? GO_AWAY.normal)
      this.#flush()
    } finally {
      this.status = 'closed'
      this.#stop()
    }
  }

  /** Resets every stream and says goodbye with the `goAwayCode` of the error, if it has one. */
  abort(error: Error): void {
    if (this.status === 'closed') return
    this.status = 'closing'
    for (const stream of this.streams) stream.abort(error)
    try {
      this.session.goAway(goAwayCodeOf(error) ?? GO_AWAY.internalError)
      this.#flush()
    } finally {
      this.status = 'closed'
      this.#stop()
    }
  }

  /** The peer broke the protocol, passed a limit or died: say so, then let the connection go. */
  #fail(error: Error): void {
    this.#log.error('ending the connection - %e', error)
    this.status = 'closed'
    this.#stop()
    this.blocked = false
    this.#flush()
    for (const { owner } of this.session.close()) owner?.onTransportClosed(error)
    this.#conn
      .close({ signal: AbortSignal.timeout(LAST_WORDS_MS) })
      .catch(() => this.#conn.abort(error))
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wakeOpeners()
  }
}
