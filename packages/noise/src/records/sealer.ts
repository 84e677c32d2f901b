import { sentChunks } from '@warren/utils'
import { LENGTH_BYTES, MAX_PLAINTEXT_BYTES, TAG_BYTES } from '../constants.ts'
import { allocate, RecordCipher, type CipherKey } from '../platform/crypto.ts'
import { NonceCounter } from './nonce.ts'

/** The cipher is given at most this much at a time: what it makes of it stays in the cache. */
const PIECE_BYTES = 32_768

/** Parts shorter than this are joined before the cipher is called for them. */
const JOIN_BYTES = 1_024

/** Up to this much plaintext goes into one buffer: four full records. */
const BATCH_BYTES = 4 * MAX_PLAINTEXT_BYTES

const OVERHEAD_BYTES = LENGTH_BYTES + TAG_BYTES

/** Bytes to seal: one array, or the parts of a list in order. */
export type SealInput = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number })

/**
 * The sending half of a Noise transport: plaintext in, records out. No I/O.
 *
 * Not usable after it has thrown.
 */
export class RecordSealer {
  readonly #key: CipherKey
  readonly #nonces: NonceCounter
  #records = 0

  constructor(key: CipherKey, nonces: NonceCounter = new NonceCounter()) {
    this.#key = key
    this.#nonces = nonces
  }

  /** Records sealed so far. */
  get records(): number {
    return this.#records
  }

  /**
   * `data` as records of at most 65,519 bytes of plaintext, each contiguous, several to a buffer;
   * the buffers are to be sent in order, and together. Empty input gives one empty record. Parts
   * that are marked in `sentChunks` are freed.
   *
   * @throws {NonceExhaustedError} when the direction has used up its nonces
   */
  seal(data: SealInput): Uint8Array[] {
    const parts = new PartReader(data)
    const buffers: Uint8Array[] = []
    let left = data.byteLength
    do {
      const batch = Math.min(left, BATCH_BYTES)
      buffers.push(this.#sealBatch(parts, batch))
      left -= batch
    } while (left > 0)
    parts.end()
    return buffers
  }

  #sealBatch(parts: PartReader, size: number): Uint8Array {
    const count = Math.max(1, Math.ceil(size / MAX_PLAINTEXT_BYTES))
    const batch = allocate(size + count * OVERHEAD_BYTES)
    let at = 0
    for (let left = size, i = 0; i < count; i++) {
      const room = Math.min(left, MAX_PLAINTEXT_BYTES)
      at = this.#sealRecord(parts, room, batch, at)
      left -= room
    }
    return batch
  }

  /** Seals the next `size` bytes of `parts` into `target` at `start`; returns where it ends. */
  #sealRecord(parts: PartReader, size: number, target: Uint8Array, start: number): number {
    const cipher = new RecordCipher(this.#key, this.#nonces.next())
    const length = size + TAG_BYTES
    target[start] = length >>> 8
    target[start + 1] = length & 0xff
    let at = start + LENGTH_BYTES
    const end = at + size
    /** Where plaintext that the cipher has not seen begins; it ends at `at`. */
    let joined = at
    while (at < end) {
      const piece = parts.next(Math.min(end - at, PIECE_BYTES))
      if (piece.byteLength < JOIN_BYTES) {
        target.set(piece, at)
        at += piece.byteLength
        continue
      }
      cipher.encrypt(target.subarray(joined, at), target, joined)
      cipher.encrypt(piece, target, at)
      at += piece.byteLength
      joined = at
    }
    cipher.encrypt(target.subarray(joined, at), target, joined)
    cipher.finish(target, end)
    this.#records++
    return end + TAG_BYTES
  }
}

/** Reads the parts of a list in pieces of a wanted size. */
class PartReader {
  readonly #parts: Iterator<Uint8Array>
  #part: Uint8Array
  #at = 0

  constructor(data: SealInput) {
    this.#parts = (data instanceof Uint8Array ? [data] : data)[Symbol.iterator]()
    this.#part = new Uint8Array(0)
  }

  /** Up to `max` bytes that lie together: at least one, as long as there are any. */
  next(max: number): Uint8Array {
    while (this.#at === this.#part.byteLength) {
      this.end()
      const { value, done } = this.#parts.next()
      if (done === true) throw new RangeError('the list to seal is shorter than it says')
      this.#part = value
      this.#at = 0
    }
    const end = Math.min(this.#part.byteLength, this.#at + max)
    const whole = this.#at === 0 && end === this.#part.byteLength
    const piece = whole ? this.#part : this.#part.subarray(this.#at, end)
    this.#at = end
    return piece
  }

  /** Lets go of the part that was read. */
  end(): void {
    sentChunks.free(this.#part)
  }
}
