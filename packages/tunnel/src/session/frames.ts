import { printable } from '@warren/utils'
import { SessionProtocolError } from './errors.ts'
import { readOffset, readU16, readU32, writeOffset, writeU16, writeU32 } from './wire-numbers.ts'

/** First byte of a frame on an attached stream. */
export const FRAME = {
  data: 0x10,
  ack: 0x11,
  sync: 0x12,
  end: 0x13,
  reset: 0x14,
  done: 0x15
} as const

/** Bytes before the payload of a data frame. */
export const DATA_HEADER = 14
/**
 * Payload of one data frame that this side sends: with its header it fills one frame of yamux, and
 * that one Noise record, so that the receiver gets it in one piece.
 */
export const MAX_SENT_PAYLOAD = 65_493
/** Bytes of a reset's text. */
export const MAX_REASON = 1_024
/** Data flag: the sender has used all of its limit and stops here until it is raised. */
const FLAG_LIMITED = 0x01

/** Header of a data frame of `length` bytes (1 or more) that begin at `offset`. */
export function encodeDataHeader(offset: number, length: number, limited: boolean): Uint8Array {
  const target = new Uint8Array(DATA_HEADER)
  target[0] = FRAME.data
  target[1] = limited ? FLAG_LIMITED : 0
  writeU32(target, 2, length)
  writeOffset(target, 6, offset)
  return target
}

/** The application has taken `taken` bytes (and the end, if one more); send up to `limit`. */
export function encodeAck(taken: number, limit: number): Uint8Array {
  const out = new Uint8Array(17)
  out[0] = FRAME.ack
  writeOffset(out, 1, taken)
  writeOffset(out, 9, limit)
  return out
}

/** Asks for an ack as soon as the application has taken `offset` bytes. */
export function encodeSync(offset: number): Uint8Array {
  return withOffset(FRAME.sync, offset)
}

/** No byte follows `offset`. */
export function encodeEnd(offset: number): Uint8Array {
  return withOffset(FRAME.end, offset)
}

function withOffset(type: number, offset: number): Uint8Array {
  const out = new Uint8Array(9)
  out[0] = type
  writeOffset(out, 1, offset)
  return out
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The session ends at once; the text is cut at 256 characters. */
export function encodeReset(code: number, reason: string): Uint8Array {
  const text = encoder.encode(printable(reason, 256)).subarray(0, MAX_REASON)
  const out = new Uint8Array(5 + text.length)
  out[0] = FRAME.reset
  writeU16(out, 1, code)
  writeU16(out, 3, text.length)
  out.set(text, 5)
  return out
}

/** This side is through, and holds nothing that the peer still needs. */
export function encodeDone(): Uint8Array {
  return new Uint8Array([FRAME.done])
}

/** What a {@link FrameDecoder} finds. A throw ends the decoding. */
export interface FrameSink {
  /** Header of a data frame; its payload follows. Called before any of it is kept. */
  onData(offset: number, length: number, limited: boolean): void
  /** The next part of the payload: a view of the chunk that came. */
  onPayload(part: Uint8Array): void
  onAck(taken: number, limit: number): void
  onSync(offset: number): void
  onEnd(offset: number): void
  onReset(code: number, reason: string): void
  onDone(): void
}

/** Length of the fixed part of each frame, by its first byte minus `FRAME.data`. */
const FIXED = [DATA_HEADER, 17, 9, 9, 5, 1] as const

/** States are named for what is awaited. */
type State =
  | { readonly at: 'fixed' }
  | { readonly at: 'payload'; left: number }
  | { readonly at: 'reason'; readonly code: number; readonly text: Uint8Array; filled: number }

const AT_FIXED: State = { at: 'fixed' }

/**
 * Cuts the bytes of an attached stream, in any chunking, into frames.
 *
 * Holds at most one fixed part (17 bytes) and one reset text (1 KiB); payload is passed on as views
 * of the chunks. Not usable after it has thrown.
 */
export class FrameDecoder {
  readonly #sink: FrameSink
  /** The beginning of a fixed part that its chunk did not finish. */
  readonly #partial = new Uint8Array(17)
  #held = 0
  #state: State = AT_FIXED
  #stopped = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Drops everything from here on, the rest of the chunk being pushed included. */
  stop(): void {
    this.#stopped = true
  }

  /** @throws {SessionProtocolError} when the bytes are no frames, and what the sink throws */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.#stopped) {
      const state = this.#state
      switch (state.at) {
        case 'fixed':
          at = this.#takeFixed(chunk, at)
          break
        case 'payload': {
          const part = Math.min(state.left, chunk.length - at)
          state.left -= part
          if (state.left === 0) this.#state = AT_FIXED
          this.#sink.onPayload(chunk.subarray(at, at + part))
          at += part
          break
        }
        case 'reason': {
          const part = Math.min(state.text.length - state.filled, chunk.length - at)
          state.text.set(chunk.subarray(at, at + part), state.filled)
          state.filled += part
          at += part
          if (state.filled === state.text.length) this.#finishReset(state.code, state.text)
          break
        }
      }
    }
  }

  #takeFixed(chunk: Uint8Array, at: number): number {
    const type = this.#held > 0 ? (this.#partial[0] ?? 0) : (chunk[at] ?? 0)
    const size = FIXED[type - FRAME.data]
    if (size === undefined) {
      throw new SessionProtocolError(`the peer sent a frame of unknown type ${type}`)
    }
    if (this.#held === 0 && chunk.length - at >= size) {
      this.#dispatch(type, chunk, at)
      return at + size
    }
    const part = Math.min(size - this.#held, chunk.length - at)
    this.#partial.set(chunk.subarray(at, at + part), this.#held)
    this.#held += part
    if (this.#held === size) {
      this.#held = 0
      this.#dispatch(type, this.#partial, 0)
    }
    return at + part
  }

  #dispatch(type: number, data: Uint8Array, at: number): void {
    switch (type) {
      case FRAME.data: {
        const flags = data[at + 1] ?? 0
        if (flags > FLAG_LIMITED) {
          throw new SessionProtocolError(`the peer sent a data frame with unknown flags ${flags}`)
        }
        const length = readU32(data, at + 2)
        if (length === 0) throw new SessionProtocolError('the peer sent an empty data frame')
        this.#sink.onData(readOffset(data, at + 6), length, flags === FLAG_LIMITED)
        this.#state = { at: 'payload', left: length }
        return
      }
      case FRAME.ack:
        this.#sink.onAck(readOffset(data, at + 1), readOffset(data, at + 9))
        return
      case FRAME.sync:
        this.#sink.onSync(readOffset(data, at + 1))
        return
      case FRAME.end:
        this.#sink.onEnd(readOffset(data, at + 1))
        return
      case FRAME.reset: {
        const code = readU16(data, at + 1)
        const length = readU16(data, at + 3)
        if (length > MAX_REASON) {
          throw new SessionProtocolError(
            `the peer sent a reset with ${length} bytes of text (limit ${MAX_REASON})`
          )
        }
        if (length === 0) this.#finishReset(code, new Uint8Array(0))
        else this.#state = { at: 'reason', code, text: new Uint8Array(length), filled: 0 }
        return
      }
      default:
        this.#sink.onDone()
    }
  }

  #finishReset(code: number, text: Uint8Array): void {
    this.#state = AT_FIXED
    this.#sink.onReset(code, printable(decoder.decode(text), 256))
  }
}
