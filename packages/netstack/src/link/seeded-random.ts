/**
 * A repeatable source of numbers in [0, 1), for impairments and simulations; never for secrets.
 *
 * @param seed - 32 bits; the same seed gives the same numbers
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    // splitmix32: each seed, also the small ones that tests count through, starts a run of its own.
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 4294967296
  }
}
