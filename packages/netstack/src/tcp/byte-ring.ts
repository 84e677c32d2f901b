const EMPTY = new Uint8Array(0)

/** What a ring starts with once it holds anything. */
const SMALLEST = 2048

/**
 * A queue of bytes whose memory is a power of two, nothing at first, and doubled when it is too
 * small. Bytes can be placed behind the end before those between have come: that is where a
 * receiver keeps what arrives out of order.
 *
 * The limit is the caller's: it never asks for more room than its windows allow.
 */
export class ByteRing {
  #bytes: Uint8Array<ArrayBufferLike> = EMPTY
  #head = 0
  #length = 0

  /** Bytes in the queue. */
  get length(): number {
    return this.#length
  }

  /** Bytes of memory. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** Appends a part of `source`. */
  push(source: Uint8Array, from: number, count: number): void {
    this.place(0, source, from, count)
    this.#length += count
  }

  /** Writes a part of `source` at `distance` behind the end of the queue, which stays as it is. */
  place(distance: number, source: Uint8Array, from: number, count: number): void {
    const at = this.#length + distance
    if (at + count > this.#bytes.length) this.#grow(at + count)
    const bytes = this.#bytes
    const start = (this.#head + at) & (bytes.length - 1)
    const first = bytes.length - start
    if (count <= first) {
      bytes.set(
        from === 0 && count === source.length ? source : source.subarray(from, from + count),
        start
      )
    } else {
      bytes.set(source.subarray(from, from + first), start)
      bytes.set(source.subarray(from + first, from + count), 0)
    }
  }

  /** What was placed directly behind the end now belongs to the queue. */
  extend(count: number): void {
    this.#length += count
  }

  /** Copies `count` bytes that start `offset` behind the head. */
  copy(offset: number, count: number, target: Uint8Array, at: number): void {
    const bytes = this.#bytes
    const start = (this.#head + offset) & (bytes.length - 1)
    const first = bytes.length - start
    if (count <= first) target.set(bytes.subarray(start, start + count), at)
    else {
      target.set(bytes.subarray(start), at)
      target.set(bytes.subarray(0, count - first), at + first)
    }
  }

  /** The longest contiguous range at the head, in place. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#head, Math.min(this.#head + this.#length, this.#bytes.length))
  }

  /** Takes `count` bytes from the head. */
  drop(count: number): void {
    this.#head = (this.#head + count) & (this.#bytes.length - 1)
    this.#length -= count
  }

  /** Empties the ring and gives its memory back. */
  release(): void {
    this.#bytes = EMPTY
    this.#head = 0
    this.#length = 0
  }

  #grow(needed: number): void {
    let capacity = Math.max(SMALLEST, this.#bytes.length)
    while (capacity < needed) capacity *= 2
    const old = this.#bytes
    const bytes = new Uint8Array(capacity)
    // All of the old memory goes along: bytes may have been placed behind the end.
    bytes.set(old.subarray(this.#head))
    bytes.set(old.subarray(0, this.#head), old.length - this.#head)
    this.#bytes = bytes
    this.#head = 0
  }
}
