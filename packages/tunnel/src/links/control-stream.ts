import type { Stream } from '@libp2p/interface'
import { deadline, encodeLengthPrefixed, LengthPrefixedDecoder, waitFor } from '@warren/utils'
import { pipe } from 'it-pipe'
import { Control } from '../../proto/control.ts'
import { LinkClosedError, LinkProtocolError } from '../errors.ts'
import { readStream } from './read-stream.ts'

/** Bytes of one control message; a longer one ends the link. */
export const MAX_CONTROL_MESSAGE_BYTES = 65_536

/**
 * The control stream of a link: messages instead of bytes, both ways bounded. Reading is pulled, so
 * a peer that floods waits; writing queues up to `maxPendingBytes`, then the peer has failed.
 */
export class ControlStream {
  readonly #stream: Stream
  readonly #maxPendingBytes: number
  readonly #pending: Uint8Array[] = []
  #pendingBytes = 0

  constructor(stream: Stream, maxPendingBytes: number) {
    this.#stream = stream
    this.#maxPendingBytes = maxPendingBytes
    stream.addEventListener('drain', this.#flush)
    stream.addEventListener('close', () => {
      stream.removeEventListener('drain', this.#flush)
      this.#pending.length = 0
      this.#pendingBytes = 0
    })
  }

  /** Messages that wait for the stream to take more. */
  get pendingMessages(): number {
    return this.#pending.length
  }

  get open(): boolean {
    return this.#stream.writeStatus === 'writable'
  }

  /** The peer sends no more; what it has sent may still wait to be read. */
  get ended(): boolean {
    const { status, remoteWriteStatus } = this.#stream
    return remoteWriteStatus !== 'writable' || (status !== 'open' && status !== 'closing')
  }

  /** Queues a message. On a stream that no longer takes any it does nothing: its end is told. */
  send(message: Control): void {
    if (!this.open) return
    const frame = encodeLengthPrefixed(Control.encode(message))
    if (this.#pendingBytes + frame.length > this.#maxPendingBytes) {
      this.abort(new LinkClosedError('the peer does not read its control messages'))
      return
    }
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    this.#flush()
  }

  /**
   * The peer's messages, one at a time; ends with its direction of the stream.
   *
   * @throws {LinkProtocolError} on what is no message; the stream's error when it breaks
   */
  messages(): AsyncGenerator<Control> {
    return pipe(readStream(this.#stream), frames, decodeMessages)
  }

  /** Sends what is queued, ends the stream, and waits for the peer to do so; at most until `ms`. */
  async close(ms: number): Promise<void> {
    const limit = deadline(
      ms,
      () => new LinkClosedError('closing the control stream took too long')
    )
    const stream = this.#stream
    try {
      while (this.#pending.length > 0 && this.open) await nextEvent(stream, limit.signal)
      await waitFor(stream.close({ signal: limit.signal }), limit.signal)
      // Nothing more is read: what still comes is dropped, so that the peer's end can arrive.
      await waitFor(stream.closeRead({ signal: limit.signal }), limit.signal)
      while (stream.status === 'open' || stream.status === 'closing') {
        await nextEvent(stream, limit.signal)
      }
    } catch (error) {
      this.abort(error as Error)
    } finally {
      limit.clear()
    }
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }

  readonly #flush = (): void => {
    while (this.open && !this.#stream.writableNeedsDrain) {
      const frame = this.#pending.shift()
      if (frame === undefined) return
      this.#pendingBytes -= frame.length
      this.#stream.send(frame)
    }
  }
}

/** Waits for the next `drain` or `close` of the stream, leaving no listener. */
async function nextEvent(stream: Stream, signal: AbortSignal): Promise<void> {
  let done = (): void => {}
  const event = new Promise<void>(resolve => {
    done = resolve
  })
  stream.addEventListener('drain', done)
  stream.addEventListener('close', done)
  try {
    await waitFor(event, signal)
  } finally {
    stream.removeEventListener('drain', done)
    stream.removeEventListener('close', done)
  }
}

async function* frames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new LengthPrefixedDecoder(MAX_CONTROL_MESSAGE_BYTES)
  for await (const chunk of source) yield* decoder.push(chunk)
  if (decoder.heldBytes > 0) throw new LinkProtocolError('the control stream ended in a message')
}

async function* decodeMessages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Control> {
  for await (const frame of source) {
    let message: Control
    try {
      message = Control.decode(frame)
    } catch (cause) {
      throw new LinkProtocolError('the peer sent what is no control message', { cause })
    }
    yield message
  }
}
