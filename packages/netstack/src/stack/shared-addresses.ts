import { sameAddress } from './address.ts'

/** Addresses remembered; a power of two. */
const SLOTS = 256

/**
 * Lets connections share the arrays of their addresses: one costs some 400 bytes in Node, and most
 * connections of a stack have one local address and few remote ones. What it hands out is never
 * written to.
 */
export class SharedAddresses {
  readonly #slots: (Int32Array | undefined)[] = Array.from({ length: SLOTS }, () => undefined)

  /** An array that is equal to `words`, which may be filled again afterwards. */
  of(words: Int32Array): Int32Array {
    let mixed = 0
    for (let i = 0; i < 4; i++) mixed = Math.imul(mixed ^ (words[i] as number), 0x9e3779b1)
    const slot = mixed >>> 24
    const known = this.#slots[slot % SLOTS]
    if (known !== undefined && sameAddress(known, words)) return known
    const copy = words.slice()
    this.#slots[slot % SLOTS] = copy
    return copy
  }
}
