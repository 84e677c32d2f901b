import { encodeVarint } from '@warren/utils'

const utf8 = new TextEncoder()

/** Writes the fields of one control frame. */
export class ByteWriter {
  #bytes = new Uint8Array(64)
  #length = 0

  byte(value: number): this {
    this.#room(1)[this.#length++] = value
    return this
  }

  varint(value: number): this {
    this.#length = encodeVarint(value, this.#room(8), this.#length)
    return this
  }

  bytes(value: Uint8Array): this {
    this.varint(value.length)
    this.#room(value.length).set(value, this.#length)
    this.#length += value.length
    return this
  }

  /** Text, cut at a character when it is longer than `max` bytes. */
  text(value: string, max: number): this {
    return this.bytes(cut(utf8.encode(value), max))
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(more: number): Uint8Array {
    if (this.#length + more > this.#bytes.length) {
      const larger = new Uint8Array((this.#length + more) * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return this.#bytes
  }
}

function cut(bytes: Uint8Array, max: number): Uint8Array {
  if (bytes.length <= max) return bytes
  let end = max
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/** Bytes of a text in UTF-8. */
export function textBytes(value: string): number {
  return utf8.encode(value).length
}
