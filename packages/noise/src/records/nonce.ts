import { MAX_NONCE } from '../constants.ts'
import { NonceExhaustedError } from '../errors.ts'

/** The last nonce that any counter gave out: the cipher copies it when it is made. */
const bytes = new Uint8Array(12)

/**
 * The nonces of one direction: 4 zero bytes and a 64-bit little-endian counter (Noise
 * specification, section 12.3). Each value is given out once; after the last one it throws for ever.
 */
export class NonceCounter {
  #next: number

  /** @param start - the first value to give out; other than 0 only to test the end */
  constructor(start = 0) {
    this.#next = start
  }

  /** The value that {@link next} will use. */
  get value(): number {
    return this.#next
  }

  /**
   * The next nonce. The array is only valid until the next call on any counter.
   *
   * @throws {NonceExhaustedError} when all values have been used
   */
  next(): Uint8Array {
    const value = this.#next
    if (value > MAX_NONCE) {
      throw new NonceExhaustedError(
        `all ${MAX_NONCE + 1} nonces of this direction have been used; open a new connection`
      )
    }
    this.#next = value + 1
    bytes[4] = value & 0xff
    bytes[5] = (value >>> 8) & 0xff
    bytes[6] = (value >>> 16) & 0xff
    bytes[7] = value >>> 24
    return bytes
  }
}
