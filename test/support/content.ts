import { createCipheriv, createHash } from 'node:crypto'

/**
 * Bytes without end, drawn from a seed: the byte at an offset depends on both alone, so that one that
 * is lost, repeated or moved changes the hash of what arrives.
 */
export class Content {
  readonly #cipher
  readonly #hash = createHash('sha256')
  /** Bytes taken so far. */
  length = 0

  constructor(seed: number) {
    const key = createHash('sha256').update(String(seed)).digest()
    this.#cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  }

  /** The next bytes; the buffer is the caller's. */
  next(bytes: number): Buffer {
    const chunk = this.#cipher.update(Buffer.alloc(bytes))
    this.#hash.update(chunk)
    this.length += bytes
    return chunk
  }

  /** SHA-256 of all that was taken, in hexadecimal digits. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}

/** mulberry32: small, seeded, good enough for faults. */
export function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** MiB of each transfer: `WARREN_TEST_MIB`, else 64. */
export const TEST_BYTES = Number(process.env['WARREN_TEST_MIB'] ?? 64) * 2 ** 20

/** Seed of the run: `WARREN_TEST_SEED`, else another one each time. Tests have it in their title. */
export const SEED = Number(process.env['WARREN_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
