import type {
  AbortOptions,
  MessageStream,
  StreamCloseEvent,
  StreamMessageEvent
} from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import { concat } from '../bytes.ts'
import { LENGTH_BYTES } from '../constants.ts'
import { NoiseHandshakeError } from '../errors.ts'
import { silentLogger } from './silent-logger.ts'

/** Above this much data behind the handshake, the raw stream is paused until the handshake is done. */
const MAX_EARLY_BYTES = 262_144

/** How a {@link HandshakeConn} cuts the raw stream. */
export interface HandshakeConnOptions {
  /** Handshake messages that the peer sends: 1 to an initiator, 2 to a responder. */
  readonly frames: number
  /** The longest that is accepted, in bytes without its length. */
  readonly maxFrameBytes: number
  /** The first bytes of the raw stream, which is paused since they were read. */
  readonly early?: Uint8Array
}

/** What a raw stream has given beyond its handshake. */
export interface Remainder {
  readonly early: readonly Uint8Array[]
  /** Whether the raw stream was paused, so that it has to be resumed. */
  readonly paused: boolean
}

/**
 * What the library sees of a raw stream: exactly the handshake's messages, each once it is
 * complete. All bytes behind them are kept for the records.
 */
export class HandshakeConn extends AbstractMessageStream {
  readonly #raw: MessageStream
  readonly #maxFrameBytes: number
  #framesLeft: number
  /** Bytes of the unfinished message, then all that comes behind the last one. */
  #held: Uint8Array[] = []
  #heldBytes = 0
  /** How many bytes must be held before there is something to do. */
  #needed = LENGTH_BYTES
  #paused = false

  constructor(raw: MessageStream, options: HandshakeConnOptions) {
    super({ log: silentLogger, direction: raw.direction })
    this.#raw = raw
    this.#framesLeft = options.frames
    this.#maxFrameBytes = options.maxFrameBytes
    raw.addEventListener('message', this.#onMessage)
    raw.addEventListener('drain', this.#onDrain)
    raw.addEventListener('close', this.#onClose)
    raw.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    if (options.early !== undefined) {
      this.#take([options.early])
      if (isPaused(raw)) raw.resume()
    }
    // It ended before we came: its events are over.
    if (isOver(raw)) queueMicrotask(() => this.onTransportClosed())
  }

  /** Lets go of the raw stream; its bytes behind the handshake go to the caller. */
  release(): Remainder {
    this.#raw.removeEventListener('message', this.#onMessage)
    this.#raw.removeEventListener('drain', this.#onDrain)
    this.#raw.removeEventListener('close', this.#onClose)
    this.#raw.removeEventListener('remoteCloseWrite', this.#onRemoteEnd)
    return { early: this.#held, paused: this.#paused }
  }

  override sendData(data: Parameters<MessageStream['send']>[0]): SendResult {
    return { sentBytes: data.byteLength, canSendMore: this.#raw.send(data) }
  }

  /** The raw stream is its owner's to end: a failed handshake only lets go of it. */
  override sendReset(): void {}

  /** Handshake messages are wanted as they come. */
  override sendPause(): void {}

  override sendResume(): void {}

  override async close(options?: AbortOptions): Promise<void> {
    await this.#raw.close(options)
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    const { data } = event
    this.#take(data instanceof Uint8Array ? [data] : data)
  }

  #take(parts: Iterable<Uint8Array>): void {
    for (const part of parts) {
      this.#held.push(part)
      this.#heldBytes += part.byteLength
    }
    try {
      this.#cutFrames()
    } catch (error) {
      this.#framesLeft = 0
      this.abort(error as Error)
    }
    if (this.#framesLeft === 0 && this.#heldBytes > MAX_EARLY_BYTES && !this.#paused) {
      this.#paused = true
      this.#raw.pause()
    }
  }

  #cutFrames(): void {
    while (this.#framesLeft > 0 && this.#heldBytes >= this.#needed) {
      const held = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : concat(this.#held)
      const length = ((held[0] as number) << 8) | (held[1] as number)
      if (length > this.#maxFrameBytes) {
        throw new NoiseHandshakeError(
          `the peer announced a handshake message of ${length} bytes; this side accepts ${this.#maxFrameBytes}`
        )
      }
      const end = LENGTH_BYTES + length
      if (held.byteLength < end) {
        this.#held = [held]
        this.#needed = end
        return
      }
      this.#framesLeft--
      this.#held = held.byteLength > end ? [held.subarray(end)] : []
      this.#heldBytes -= end
      this.#needed = LENGTH_BYTES
      this.onData(held.subarray(0, end))
    }
  }

  readonly #onDrain = (): void => {
    this.safeDispatchEvent('drain')
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    if (event.error === undefined) this.onTransportClosed()
    else this.abort(event.error)
  }

  readonly #onRemoteEnd = (): void => {
    if (this.#framesLeft > 0) this.onTransportClosed()
  }
}

function isPaused(stream: MessageStream & { readonly readStatus?: string }): boolean {
  return stream.readStatus === 'paused'
}

function isOver({ status }: MessageStream): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
