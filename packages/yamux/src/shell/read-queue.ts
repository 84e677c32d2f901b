/** Small pieces are gathered in blocks of up to this size (as large as what waits already), so that one byte never pins a whole chunk. */
const BLOCK_BYTES = 16 * 1024
const MIN_BLOCK_BYTES = 256

/** The chunks of a queue that has none: never added to. */
const NOTHING: Uint8Array[] = []

/**
 * Bytes that wait for their reader.
 *
 * A piece that fills at least half of the memory behind it is kept in place; a smaller one is copied
 * into a block with its neighbours. So the memory held is at most twice the bytes held, and a peer
 * that sends one-byte frames does not make us keep an object for each.
 */
export class ReadQueue {
  #chunks: Uint8Array[] = NOTHING
  /** The last chunk when it is a block of ours that has room, and how full it is. */
  #block: Uint8Array | undefined
  #blockUsed = 0
  #bytes = 0

  get byteLength(): number {
    return this.#bytes
  }

  push(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    if (bytes.length * 2 >= bytes.buffer.byteLength) {
      this.#sealBlock()
      this.#add(bytes)
      return
    }
    let rest = bytes
    while (rest.length > 0) {
      this.#block ??= new Uint8Array(Math.min(BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, this.#bytes)))
      const part = rest.subarray(0, this.#block.length - this.#blockUsed)
      this.#block.set(part, this.#blockUsed)
      this.#blockUsed += part.length
      rest = rest.subarray(part.length)
      if (this.#blockUsed === this.#block.length) this.#sealBlock()
    }
  }

  unshift(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    this.#chunks = [bytes, ...this.#chunks]
  }

  /** Everything, in order; the queue is empty afterwards. */
  takeAll(): Uint8Array[] {
    this.#sealBlock()
    const chunks = this.#chunks
    this.#chunks = NOTHING
    this.#bytes = 0
    return chunks
  }

  /** The first chunk, or `undefined`. */
  takeOne(): Uint8Array | undefined {
    if (this.#chunks.length === 0) this.#sealBlock()
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) this.#bytes -= chunk.length
    return chunk
  }

  #add(chunk: Uint8Array): void {
    if (this.#chunks === NOTHING) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
  }

  #sealBlock(): void {
    if (this.#block !== undefined && this.#blockUsed > 0) {
      this.#add(
        this.#blockUsed * 2 >= this.#block.length
          ? this.#block.subarray(0, this.#blockUsed)
          : this.#block.slice(0, this.#blockUsed)
      )
    }
    this.#block = undefined
    this.#blockUsed = 0
  }
}
