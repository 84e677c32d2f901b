/** Bytes that arrived or were put back and that nobody has taken yet, in order. */
export class UnreadBytes {
  #chunks: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  append(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.byteLength
  }

  prepend(chunks: readonly Uint8Array[]): void {
    const some = chunks.filter(chunk => chunk.byteLength > 0)
    this.#chunks.unshift(...some)
    for (const chunk of some) this.#length += chunk.byteLength
  }

  /** The oldest chunk, taken out. */
  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) this.#length -= chunk.byteLength
    return chunk
  }

  clear(): void {
    this.#chunks = []
    this.#length = 0
  }
}
