import { Uint8ArrayList } from 'uint8arraylist'

/** Bytes as libp2p streams hand them on. */
export type Bytes = Uint8Array | Uint8ArrayList

/** Plaintext that nobody has taken yet, in order. */
export class ReadQueue {
  #parts: Uint8Array[] = []
  #byteLength = 0

  /** Bytes that wait. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** Adds `data` behind what waits. */
  append(data: Iterable<Uint8Array>): void {
    for (const part of data) {
      this.#parts.push(part)
      this.#byteLength += part.byteLength
    }
  }

  /** Puts `data` before what waits. */
  prepend(data: Iterable<Uint8Array>): void {
    const waiting = this.#parts
    this.#parts = []
    for (const part of data) {
      this.#parts.push(part)
      this.#byteLength += part.byteLength
    }
    for (const part of waiting) this.#parts.push(part)
  }

  /** Everything that waits; the queue is empty afterwards. */
  take(): Bytes {
    const parts = this.#parts
    this.clear()
    return asBytes(parts)
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.#parts = []
    this.#byteLength = 0
  }
}

/** `parts` as one piece of data, without a copy. */
export function asBytes(parts: Uint8Array[]): Bytes {
  if (parts.length === 1) return parts[0] as Uint8Array
  const list = new Uint8ArrayList()
  list.appendAll(parts)
  return list
}

/** The contiguous parts of `data`, without a copy. */
export function partsOf(data: Bytes): Iterable<Uint8Array> {
  return data instanceof Uint8Array ? [data] : data
}
