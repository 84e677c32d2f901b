import { HEADER_BYTES } from './constants.ts'
import { readUint32 } from './header.ts'

/** What the parser tells: each header once it is complete, then its body in pieces as they come. */
export interface FrameSink {
  /**
   * A whole header.
   *
   * @returns how many bytes of body follow it (the frame's own length, or none)
   * @throws when the frame is not allowed; the parser is not used afterwards
   */
  onHeader(version: number, type: number, flags: number, streamId: number, length: number): number
  /** Bytes of the body, in place in the chunk that was pushed; never empty. */
  onBody(bytes: Uint8Array): void
  /** The body is complete (also when there was none). */
  onFrameEnd(): void
}

/**
 * Cuts a byte stream, in any chunking, into frames. Bodies are handed on in place, so at most one
 * unfinished header (11 bytes) is ever kept.
 */
export class FrameParser {
  readonly #sink: FrameSink
  /** A header that the last chunk did not finish. */
  #partial: Uint8Array | undefined
  #partialBytes = 0
  #bodyLeft = 0

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#bodyLeft > 0) {
        const end = Math.min(chunk.length, at + this.#bodyLeft)
        this.#bodyLeft -= end - at
        this.#sink.onBody(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end))
        at = end
        if (this.#bodyLeft === 0) this.#sink.onFrameEnd()
      } else if (this.#partialBytes === 0 && chunk.length - at >= HEADER_BYTES) {
        this.#header(chunk, at)
        at += HEADER_BYTES
      } else {
        const taken = Math.min(HEADER_BYTES - this.#partialBytes, chunk.length - at)
        this.#partial ??= new Uint8Array(HEADER_BYTES)
        this.#partial.set(chunk.subarray(at, at + taken), this.#partialBytes)
        this.#partialBytes += taken
        at += taken
        if (this.#partialBytes === HEADER_BYTES) {
          this.#partialBytes = 0
          const header = this.#partial
          this.#partial = undefined
          this.#header(header, 0)
        }
      }
    }
  }

  #header(bytes: Uint8Array, at: number): void {
    this.#bodyLeft = this.#sink.onHeader(
      bytes[at] ?? 0,
      bytes[at + 1] ?? 0,
      ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0),
      readUint32(bytes, at + 4),
      readUint32(bytes, at + 8)
    )
    if (this.#bodyLeft === 0) this.#sink.onFrameEnd()
  }
}
