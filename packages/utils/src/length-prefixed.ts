import { WarrenError } from '@warren/interface'
import { encodeVarint, readVarint, varintSize } from './varint.ts'

/** Thrown when a peer announces a frame longer than the decoder allows. */
export class FrameTooLongError extends WarrenError {
  readonly code = 'ERR_FRAME_TOO_LONG'
}

/** `payload` behind its length as a varint, in one buffer. */
export function encodeLengthPrefixed(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(varintSize(payload.length) + payload.length)
  frame.set(payload, encodeVarint(payload.length, frame))
  return frame
}

/**
 * Cuts a stream of bytes, in any chunking, into frames that each have a varint length before them.
 *
 * Holds at most one unfinished frame of `maxFrameBytes`. Not usable after it has thrown.
 */
export class LengthPrefixedDecoder {
  readonly #maxFrameBytes: number
  /** The unfinished frame, allocated once its length is known and allowed. */
  #frame: Uint8Array | undefined
  #filled = 0
  /** The beginning of a length that the last chunk did not finish: at most 7 bytes. */
  #prefix: Uint8Array = new Uint8Array(0)

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes held for an unfinished frame. */
  get heldBytes(): number {
    return this.#prefix.length + this.#filled
  }

  /** A frame has begun and is not complete. */
  get isInFrame(): boolean {
    return this.#frame !== undefined || this.#prefix.length > 0
  }

  /**
   * The frames that `chunk` completes, in order.
   *
   * @throws {FrameTooLongError} when a length is over the limit or no canonical varint
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = []
    let data = chunk
    let at = 0
    while (at < data.length) {
      if (this.#frame === undefined) {
        if (this.#prefix.length > 0) {
          data = concat(this.#prefix, data.subarray(at))
          at = 0
          this.#prefix = new Uint8Array(0)
        }
        const length = this.#readLength(data, at)
        if (length === undefined) {
          this.#prefix = data.slice(at)
          break
        }
        at += length.bytes
        this.#frame = new Uint8Array(length.value)
        this.#filled = 0
      }
      const part = data.subarray(at, at + this.#frame.length - this.#filled)
      this.#frame.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === this.#frame.length) {
        frames.push(this.#frame)
        this.#frame = undefined
        this.#filled = 0
      }
    }
    return frames
  }

  #readLength(data: Uint8Array, at: number): { value: number; bytes: number } | undefined {
    try {
      return readVarint(data, at, this.#maxFrameBytes)
    } catch (cause) {
      throw new FrameTooLongError(
        `the peer announced a frame that this side does not accept (limit ${this.#maxFrameBytes} bytes)`,
        { cause }
      )
    }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
