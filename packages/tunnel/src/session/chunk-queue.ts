/** Chunks shorter than this are copied together, so that a queue of tiny chunks stays small. */
const SMALL = 2_048
/** Most bytes of one block that small chunks are copied into. */
const MAX_BLOCK = 16_384
/** Bytes of the first block. */
const MIN_BLOCK = 256
/** Emptied places at the front of the array that are worth a move. */
const COMPACT_AT = 64

/**
 * Bytes in order, addressed by their offset in the stream, kept as references to the chunks that
 * were appended; only small chunks are copied (into blocks). So bulk is never copied, and neither
 * the number of entries nor the memory behind them can be much larger than the bytes held.
 */
export class ChunkQueue {
  #chunks: Uint8Array[] = []
  #head = 0
  #start: number
  #end: number
  /** Block that small chunks go to, and how much of it is used. */
  #block: Uint8Array | undefined
  #used = 0
  /** Size of the last block; the next has twice as much. */
  #blockSize = MIN_BLOCK / 2
  /** `true` while the last entry ends where `#block` is used up to. */
  #open = false
  /** Entry that the last {@link ChunkQueue.slices} ended in, and the offset where it begins. */
  #cursor = 0
  #cursorStart: number

  constructor(offset = 0) {
    this.#start = offset
    this.#end = offset
    this.#cursorStart = offset
  }

  /** Offset of the first byte held. */
  get start(): number {
    return this.#start
  }

  /** Offset behind the last byte held. */
  get end(): number {
    return this.#end
  }

  get length(): number {
    return this.#end - this.#start
  }

  /** Keeps `chunk` by reference if it is large; must not be empty. */
  append(chunk: Uint8Array): void {
    if (chunk.length >= SMALL) {
      this.#keep(chunk)
      return
    }
    this.#end += chunk.length
    const block = this.#roomFor(chunk.length)
    block.set(chunk, this.#used)
    const last = this.#chunks.length - 1
    const tail = this.#open ? this.#chunks[last] : undefined
    if (tail === undefined) {
      this.#chunks.push(block.subarray(this.#used, this.#used + chunk.length))
    } else {
      const from = this.#used - tail.length
      this.#chunks[last] = block.subarray(from, this.#used + chunk.length)
    }
    this.#used += chunk.length
    this.#open = true
  }

  /**
   * Like {@link ChunkQueue.append}, but copies what would pin a buffer much larger than itself, and
   * keeps a chunk of any size that is alone: what is read as soon as it comes needs no block.
   */
  appendReceived(chunk: Uint8Array): void {
    const pins = chunk.length * 4 < chunk.buffer.byteLength
    if (chunk.length >= SMALL) this.#keep(pins ? new Uint8Array(chunk) : chunk)
    else if (this.#start === this.#end && !pins) this.#keep(chunk)
    else this.append(chunk)
  }

  /** The first bytes that lie together. */
  get first(): Uint8Array | undefined {
    return this.#chunks[this.#head]
  }

  /** Removes and returns the first bytes, at most `max` and at most one entry. */
  shift(max: number): Uint8Array | undefined {
    const first = this.#chunks[this.#head]
    if (first === undefined || max <= 0) return undefined
    if (first.length > max) {
      this.#chunks[this.#head] = first.subarray(max)
      this.#advance(max)
      return first.subarray(0, max)
    }
    this.#dropHead()
    this.#advance(first.length)
    return first
  }

  /** Lets go of everything before `offset`. */
  dropTo(offset: number): void {
    while (this.#start < offset) {
      const first = this.#chunks[this.#head]
      if (first === undefined) return
      const surplus = this.#start + first.length - offset
      if (surplus > 0) {
        this.#chunks[this.#head] = first.subarray(first.length - surplus)
        this.#advance(first.length - surplus)
        return
      }
      this.#dropHead()
      this.#advance(first.length)
    }
  }

  /** Appends views of `length` bytes from `offset` on to `out`; all must be held. */
  slices(offset: number, length: number, out: Uint8Array[]): void {
    if (offset < this.#cursorStart || this.#cursor < this.#head) {
      this.#cursor = this.#head
      this.#cursorStart = this.#start
    }
    let left = length
    let from = offset
    while (left > 0) {
      const chunk = this.#chunks[this.#cursor]
      if (chunk === undefined) throw new RangeError(`no bytes are held at offset ${from}`)
      const skip = from - this.#cursorStart
      if (skip >= chunk.length) {
        this.#cursor++
        this.#cursorStart += chunk.length
        continue
      }
      const part = Math.min(left, chunk.length - skip)
      out.push(part === chunk.length ? chunk : chunk.subarray(skip, skip + part))
      from += part
      left -= part
    }
  }

  /** Lets go of everything. */
  clear(): void {
    this.dropTo(this.#end)
  }

  #keep(chunk: Uint8Array): void {
    this.#end += chunk.length
    this.#open = false
    this.#chunks.push(chunk)
  }

  #roomFor(length: number): Uint8Array {
    if (this.#block !== undefined && this.#block.length - this.#used >= length) return this.#block
    // Blocks double, so that a queue that holds little pins little.
    this.#blockSize = Math.min(MAX_BLOCK, this.#blockSize * 2)
    this.#block = new Uint8Array(Math.max(this.#blockSize, length))
    this.#used = 0
    this.#open = false
    return this.#block
  }

  #dropHead(): void {
    this.#chunks[this.#head] = EMPTY
    this.#head++
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0
      this.#head = 0
      this.#cursor = 0
      // An empty queue pins nothing. The next block is not smaller than what was needed just now.
      if (this.#block !== undefined) this.#blockSize = Math.max(MIN_BLOCK / 2, this.#blockSize / 4)
      this.#block = undefined
      this.#open = false
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#head)
      this.#cursor = Math.max(0, this.#cursor - this.#head)
      this.#head = 0
    }
  }

  #advance(bytes: number): void {
    this.#start += bytes
    if (this.#cursorStart < this.#start && this.#cursor <= this.#head) {
      this.#cursor = this.#head
      this.#cursorStart = this.#start
    }
  }
}

const EMPTY = new Uint8Array(0)
