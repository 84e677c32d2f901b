import { readVarint } from '@warren/utils'
import { CODE, Violation } from './codes.ts'
import { MAX_ID } from './limits.ts'

/** Bytes of the length field. */
const LENGTH_BYTES = 4

/** Takes one frame; `body` is a view that is valid only as long as its packet is left alone. */
export type FrameSink = (type: number, id: number, body: Uint8Array, packetBytes: number) => void

/**
 * Cuts packets into frames, wherever the packets were cut. Holds at most one unfinished frame, and
 * buffers it only after its length was checked.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #sink: FrameSink
  /** The unfinished frame, from its type on. */
  #frame: Uint8Array | undefined
  #filled = 0
  /** The beginning of a length field. */
  readonly #length = new Uint8Array(LENGTH_BYTES)
  #lengthFilled = 0

  constructor(maxFrameBytes: number, sink: FrameSink) {
    this.#maxFrameBytes = maxFrameBytes
    this.#sink = sink
  }

  /** Bytes held for an unfinished frame. */
  get heldBytes(): number {
    return this.#lengthFilled + (this.#frame?.length ?? 0)
  }

  /** @throws Violation; the reader is not usable afterwards */
  push(packet: Uint8Array): void {
    let at = 0
    while (at < packet.length) {
      if (this.#frame !== undefined) {
        const part = packet.subarray(at, at + this.#frame.length - this.#filled)
        this.#frame.set(part, this.#filled)
        this.#filled += part.length
        at += part.length
        if (this.#filled < this.#frame.length) return
        const frame = this.#frame
        this.#frame = undefined
        this.#emit(frame, frame.length)
        continue
      }
      while (this.#lengthFilled < LENGTH_BYTES && at < packet.length) {
        this.#length[this.#lengthFilled++] = packet[at++] ?? 0
      }
      if (this.#lengthFilled < LENGTH_BYTES) return
      this.#lengthFilled = 0
      const length = this.#readLength()
      if (packet.length - at >= length) {
        this.#emit(packet.subarray(at, at + length), packet.length)
        at += length
      } else {
        this.#frame = new Uint8Array(length)
        this.#filled = 0
      }
    }
  }

  #readLength(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#length
    const length = a * 0x100_0000 + b * 0x1_0000 + c * 0x100 + d
    if (length < 2) throw new Violation(CODE.protocol, `a frame of ${length} bytes`)
    if (length > this.#maxFrameBytes) {
      throw new Violation(
        CODE.protocol,
        `a frame of ${length} bytes is over the limit of ${this.#maxFrameBytes}`
      )
    }
    return length
  }

  #emit(frame: Uint8Array, packetBytes: number): void {
    let id: { value: number; bytes: number } | undefined
    try {
      id = readVarint(frame, 1, MAX_ID)
    } catch {
      throw new Violation(CODE.protocol, 'a frame with an id that is no number of 31 bits')
    }
    if (id === undefined) throw new Violation(CODE.protocol, 'a frame that ends inside its id')
    this.#sink(frame[0] ?? 0, id.value, frame.subarray(1 + id.bytes), packetBytes)
  }
}
