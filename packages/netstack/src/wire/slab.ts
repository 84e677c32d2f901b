/**
 * A block of memory that packets lie in, seen three ways: as bytes, as 16-bit words in host order
 * (the fastest sum in JavaScript) and through a `DataView` (the fastest header access).
 *
 * A packet is a range of a slab. Its first byte must be at an even offset, so that the words of the
 * packet are words of the slab; everything in `wire/` relies on it for speed, and nothing for being right.
 */
export class Slab {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly words: Uint16Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>

  /** @param size bytes; rounded up to an even number */
  constructor(size: number) {
    const buffer = new ArrayBuffer(size + (size & 1))
    this.bytes = new Uint8Array(buffer)
    this.words = new Uint16Array(buffer)
    this.view = new DataView(buffer)
  }

  get size(): number {
    return this.bytes.length
  }
}
