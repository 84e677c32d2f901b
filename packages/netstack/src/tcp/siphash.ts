/**
 * SipHash-2-4 (Aumasson, Bernstein 2012) in 32-bit halves: a short keyed hash whose output tells
 * nothing of the key. Initial sequence numbers, timestamp offsets and SYN cookies come from it.
 */
export class SipHash {
  readonly #key: Int32Array

  /** @param key 16 secret random bytes */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a SipHash key is 16 bytes, not ${key.length}`)
    const view = new DataView(key.buffer, key.byteOffset, 16)
    this.#key = Int32Array.of(
      view.getInt32(0, true),
      view.getInt32(4, true),
      view.getInt32(8, true),
      view.getInt32(12, true)
    )
  }

  /**
   * Hashes words (each as its four bytes, least significant first).
   *
   * @returns the low 32 bits of the hash, int32; the high ones are in `high`
   */
  hash(words: Int32Array): number {
    const [k0, k1, k2, k3] = this.#key as unknown as [number, number, number, number]
    v0l = k0 ^ 0x70736575
    v0h = k1 ^ 0x736f6d65
    v1l = k2 ^ 0x6e646f6d
    v1h = k3 ^ 0x646f7261
    v2l = k0 ^ 0x6e657261
    v2h = k1 ^ 0x6c796765
    v3l = k2 ^ 0x79746573
    v3h = k3 ^ 0x74656462
    const count = words.length
    for (let i = 0; i < count; i += 2) {
      const low = words[i] as number
      const last = i + 1 === count
      // The final block carries the length in bytes in its top byte.
      const high = last ? (count << 2) << 24 : (words[i + 1] as number)
      compress(low, high)
    }
    if ((count & 1) === 0) compress(0, (count << 2) << 24)
    v2l ^= 0xff
    for (let i = 0; i < 4; i++) round()
    this.high = v0h ^ v1h ^ v2h ^ v3h
    return v0l ^ v1l ^ v2l ^ v3l
  }

  /** The high 32 bits of the last hash, int32. */
  high = 0
}

// The state lives outside the class: locals of a module are registers once compiled, and a hash
// never waits for anything in its middle.
let v0l = 0
let v0h = 0
let v1l = 0
let v1h = 0
let v2l = 0
let v2h = 0
let v3l = 0
let v3h = 0

function compress(low: number, high: number): void {
  v3l ^= low
  v3h ^= high
  round()
  round()
  v0l ^= low
  v0h ^= high
}

function round(): void {
  let low: number
  // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
  low = (v0l >>> 0) + (v1l >>> 0)
  v0h = (v0h + v1h + (low > 0xffffffff ? 1 : 0)) | 0
  v0l = low | 0
  low = (v1l << 13) | (v1h >>> 19)
  v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h
  v1l = low ^ v0l
  low = v0l
  v0l = v0h
  v0h = low
  // v2 += v3; v3 = rotl(v3, 16) ^ v2
  low = (v2l >>> 0) + (v3l >>> 0)
  v2h = (v2h + v3h + (low > 0xffffffff ? 1 : 0)) | 0
  v2l = low | 0
  low = (v3l << 16) | (v3h >>> 16)
  v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h
  v3l = low ^ v2l
  // v0 += v3; v3 = rotl(v3, 21) ^ v0
  low = (v0l >>> 0) + (v3l >>> 0)
  v0h = (v0h + v3h + (low > 0xffffffff ? 1 : 0)) | 0
  v0l = low | 0
  low = (v3l << 21) | (v3h >>> 11)
  v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h
  v3l = low ^ v0l
  // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
  low = (v2l >>> 0) + (v1l >>> 0)
  v2h = (v2h + v1h + (low > 0xffffffff ? 1 : 0)) | 0
  v2l = low | 0
  low = (v1l << 17) | (v1h >>> 15)
  v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h
  v1l = low ^ v2l
  low = v2l
  v2l = v2h
  v2h = low
}
