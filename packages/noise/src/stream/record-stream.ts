import { StreamResetError, StreamStateError } from '@libp2p/interface'
import type {
  AbortOptions,
  EventHandler,
  MessageStream,
  MessageStreamEvents,
  MessageStreamWriteStatus,
  StreamCloseEvent,
  StreamMessageEvent
} from '@libp2p/interface'
import { sentChunks } from '@warren/utils'
import { TruncatedError } from '../errors.ts'
import type { NoiseMetrics } from '../metrics.ts'
import type { RecordOpener } from '../records/opener.ts'
import type { RecordSealer } from '../records/sealer.ts'
import { PlaintextStream, type ListenerOptions } from './plaintext-stream.ts'
import { asBytes, partsOf, type Bytes } from './read-queue.ts'

/** What a record stream is made of. */
export interface RecordStreamInit {
  /** The stream that carries the records. */
  readonly raw: MessageStream
  readonly sealer: RecordSealer
  readonly opener: RecordOpener
  /** Bytes that came behind the handshake. */
  readonly early?: readonly Uint8Array[]
  /**
   * Whether each side ends with an empty record, so that an end without one is an attack. Used for
   * sealed sessions; plain `/noise` has no such record.
   */
  readonly endRecord?: boolean
  readonly metrics?: NoiseMetrics | undefined
}

/** Whether a raw stream ends one half at a time; a connection closes as a whole. */
interface HalfClosable extends MessageStream {
  readonly remoteWriteStatus?: MessageStreamWriteStatus
  closeRead(options?: AbortOptions): Promise<void>
}

/**
 * Plaintext over a raw stream of Noise records. Everything that one `send` gives leaves in one
 * `send` of the raw stream; whether that needs a drain is the raw stream's word.
 */
export class RecordStream extends PlaintextStream {
  readonly #raw: MessageStream
  readonly #sealer: RecordSealer
  readonly #opener: RecordOpener
  readonly #endRecord: boolean
  readonly #metrics: NoiseMetrics | undefined
  #relaysIdle = false
  /** We have closed the reading half, so how the peer ends is none of our business. */
  #gaveUpReading = false

  constructor(init: RecordStreamInit) {
    const { raw } = init
    super({
      log: raw.log,
      direction: raw.direction,
      inactivityTimeout: raw.inactivityTimeout,
      maxReadBufferLength: raw.maxReadBufferLength
    })
    this.#raw = raw
    this.#sealer = init.sealer
    this.#opener = init.opener
    this.#endRecord = init.endRecord === true
    this.#metrics = init.metrics
    raw.addEventListener('message', this)
    raw.addEventListener('drain', this)
    raw.addEventListener('close', this)
    raw.addEventListener('remoteCloseWrite', this)
    if (init.early !== undefined && init.early.length > 0) this.#receive(init.early)
    this.#catchUp()
  }

  get writableNeedsDrain(): boolean {
    return this.#raw.writableNeedsDrain
  }

  get writeBufferLength(): number {
    return this.#raw.writeBufferLength
  }

  /** The raw stream's limit: sealed bytes wait there, none here. */
  get maxWriteBufferLength(): number {
    return this.#raw.maxWriteBufferLength ?? Number.POSITIVE_INFINITY
  }

  set maxWriteBufferLength(bytes: number) {
    this.#raw.maxWriteBufferLength = bytes
  }

  send(data: Bytes): boolean {
    if (this.writeStatus === 'closed' || this.writeStatus === 'closing') {
      throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`)
    }
    if (data.byteLength === 0) return !this.#raw.writableNeedsDrain
    return this.#sendSealed(data)
  }

  async close(options?: AbortOptions): Promise<void> {
    if (this.writeStatus === 'writable') {
      this.writeStatus = 'closing'
      if (!isHalfClosable(this.#raw)) this.status = 'closing'
      if (this.#endRecord && isWritable(this.#raw)) this.#sendSealed(new Uint8Array(0))
    }
    await this.#raw.close(options)
    if (this.writeStatus === 'closing') this.writeStatus = 'closed'
  }

  /** Takes no more from the peer; half-closable streams only. */
  protected async closeReading(options?: AbortOptions): Promise<void> {
    if (this.readStatus === 'closed' || this.readStatus === 'closing') return
    this.#gaveUpReading = true
    this.endReading()
    if (isHalfClosable(this.#raw)) await this.#raw.closeRead(options)
  }

  override addEventListener<K extends keyof MessageStreamEvents>(
    type: K,
    listener: EventHandler<MessageStreamEvents[K]> | null,
    options?: ListenerOptions
  ): void {
    super.addEventListener(type, listener, options)
    // Raw streams say 'idle' after nearly every send: relayed only where somebody listens.
    if (type === 'idle' && !this.#relaysIdle) {
      this.#relaysIdle = true
      this.#raw.addEventListener('idle', () => this.safeDispatchEvent('idle'))
    }
  }

  protected pauseSource(): void {
    if (isReadable(this.#raw)) this.#raw.pause()
  }

  protected resumeSource(): void {
    if (isReadable(this.#raw)) this.#raw.resume()
  }

  protected resetSource(error: Error): void {
    this.#raw.abort(error)
  }

  #sendSealed(data: Bytes): boolean {
    let records: Uint8Array[]
    const before = this.#sealer.records
    try {
      records = this.#sealer.seal(data)
    } catch (error) {
      this.abort(error as Error)
      throw error
    }
    this.#metrics?.encryptedPackets.increment(this.#sealer.records - before)
    // Nobody keeps what goes to a connection; a session's stream keeps it, to send it once more.
    if (!isHalfClosable(this.#raw)) for (const record of records) sentChunks.mark(record)
    return this.#raw.send(asBytes(records))
  }

  /** An event of the raw stream. One listener for all: with many connections each closure counts. */
  handleEvent(event: Event): void {
    if (event.type === 'message') this.#onRawMessage(event as StreamMessageEvent)
    else if (event.type === 'drain') this.#onRawDrain()
    else if (event.type === 'close') this.#onRawClose(event as StreamCloseEvent)
    else if (event.type === 'remoteCloseWrite') this.#onRawRemoteCloseWrite()
  }

  #onRawMessage(event: StreamMessageEvent): void {
    this.#receive(partsOf(event.data))
  }

  #onRawDrain(): void {
    this.safeDispatchEvent('drain')
  }

  #onRawClose(event: StreamCloseEvent): void {
    if (event.error !== undefined) {
      if (event.local === true) this.abort(event.error)
      else this.onRemoteReset(event.error)
    } else {
      this.#finish()
    }
  }

  #onRawRemoteCloseWrite(): void {
    this.#drainRaw()
    if (this.#endsWhole()) this.onRemoteCloseWrite()
  }

  /**
   * What happened to the raw stream while the handshake's last steps ran. Told later, because
   * whoever asked for the handshake has to get at this stream first.
   */
  #catchUp(): void {
    const raw = this.#raw
    if (raw.status === 'closed') {
      setTimeout(() => this.#finish(), 0)
    } else if (raw.status === 'aborted' || raw.status === 'reset') {
      setTimeout(() => this.onRemoteReset(new StreamResetError()), 0)
    } else if (isHalfClosable(raw) && raw.remoteWriteStatus === 'closed') {
      setTimeout(() => this.#onRawRemoteCloseWrite(), 0)
    }
  }

  #finish(): void {
    this.#drainRaw()
    if (this.#endsWhole()) this.onSourceClosed()
  }

  /**
   * A raw stream that ends while it is paused may still hold bytes. They are fetched now, so that
   * the end can be told from a cut; the plaintext waits here instead.
   */
  #drainRaw(): void {
    if (this.#raw.readBufferLength === 0) return
    try {
      this.#raw.resume()
    } catch (error) {
      this.log.error('could not fetch the last bytes of the stream below - %e', error)
    }
  }

  /** Whether the peer's bytes end where they may end; aborts where they do not. */
  #endsWhole(): boolean {
    if (this.#gaveUpReading) return true
    if (this.#opener.insideRecord) {
      this.abort(
        new TruncatedError(
          `the connection ended inside a record, ${this.#opener.heldBytes} bytes into it; something cut it`
        )
      )
      return false
    }
    if (!this.#opener.ended) {
      this.abort(
        new TruncatedError('the sealed stream ended without its last record; something cut it')
      )
      return false
    }
    return true
  }

  #receive(chunks: Iterable<Uint8Array>): void {
    if (this.status === 'aborted' || this.#gaveUpReading) return
    const plaintext: Uint8Array[] = []
    const before = this.#opener.records
    let failure: Error | undefined
    try {
      for (const chunk of chunks) this.#opener.push(chunk, plaintext)
    } catch (error) {
      failure = error as Error
    }
    this.#metrics?.decryptedPackets.increment(this.#opener.records - before)
    if (plaintext.length > 0) this.deliver(plaintext)
    if (failure !== undefined) {
      this.#metrics?.decryptErrors.increment()
      this.abort(failure)
    }
  }
}

function isHalfClosable(stream: MessageStream): stream is HalfClosable {
  return typeof (stream as Partial<HalfClosable>).closeRead === 'function'
}

/** Whether `stream` still takes data, as far as it says. */
function isWritable(stream: MessageStream & { readonly writeStatus?: string }): boolean {
  return stream.writeStatus === undefined || stream.writeStatus === 'writable'
}

/** Whether more can come from `stream`: one that has ended refuses to be paused. */
function isReadable(stream: MessageStream & { readonly readStatus?: string }): boolean {
  if (stream.readStatus === 'closed' || stream.readStatus === 'closing') return false
  return stream.status === 'open' || stream.status === 'closing'
}
