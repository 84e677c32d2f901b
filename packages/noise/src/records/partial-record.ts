/**
 * Fragments that are kept as they came. A record is usually in two or three reads; a peer that
 * sends it byte by byte must not make us keep an object for each.
 */
const MAX_FRAGMENTS = 4

/** A record of known length whose bytes come in several chunks. */
export class PartialRecord {
  /** Bytes of the whole record, without its length prefix. */
  readonly length: number
  /** The chunks that its bytes came in, for whoever wants to free them afterwards. */
  readonly chunks: Uint8Array[] = []
  #fragments: Uint8Array[] = []
  /** All bytes so far, once there are too many fragments; of the record's full size. */
  #joined: Uint8Array | undefined
  #filled = 0

  constructor(length: number) {
    this.length = length
  }

  /** Whether all bytes are here. */
  get complete(): boolean {
    return this.#filled === this.length
  }

  /** Bytes that are here. */
  get heldBytes(): number {
    return this.#filled
  }

  /** Takes what it still needs from `chunk` at `at`; returns how many bytes it took. */
  take(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + this.length - this.#filled)
    if (this.#joined === undefined && this.#fragments.length === MAX_FRAGMENTS) this.#join()
    if (this.#joined === undefined) this.#fragments.push(part)
    else this.#joined.set(part, this.#filled)
    this.#filled += part.byteLength
    return part.byteLength
  }

  /** The record's bytes in order; complete only when {@link complete} is. */
  parts(): readonly Uint8Array[] {
    return this.#joined === undefined ? this.#fragments : [this.#joined]
  }

  #join(): void {
    const joined = new Uint8Array(this.length)
    let at = 0
    for (const fragment of this.#fragments) {
      joined.set(fragment, at)
      at += fragment.byteLength
    }
    this.#fragments = []
    this.#joined = joined
  }
}
