import type { Slab } from './slab.ts'

/** Host words are the bytes of network words swapped: a sum of them is swapped once at the end. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * The ones' complement sum of a range (RFC 1071), folded to 16 bits, in network order and not yet
 * inverted. An odd length counts as if a zero byte followed.
 */
export function sum(slab: Slab, start: number, end: number): number {
  if ((start & 1) !== 0) return sumBytes(slab.bytes, start, end)
  const words = slab.words
  const last = end >>> 1
  let i = start >>> 1
  let a = 0
  let b = 0
  for (const stop = last - 7; i < stop; i += 8) {
    // Two accumulators let the processor add twice at once; a 64 KiB packet stays below 2^31 in each.
    a +=
      (words[i] as number) +
      (words[i + 1] as number) +
      (words[i + 2] as number) +
      (words[i + 3] as number)
    b +=
      (words[i + 4] as number) +
      (words[i + 5] as number) +
      (words[i + 6] as number) +
      (words[i + 7] as number)
  }
  for (; i < last; i++) a += words[i] as number
  let total = fold(a) + fold(b)
  if ((end & 1) !== 0) {
    const odd = slab.bytes[end - 1] as number
    total += LITTLE_ENDIAN ? odd : odd << 8
  }
  total = fold(total)
  return LITTLE_ENDIAN ? ((total & 0xff) << 8) | (total >>> 8) : total
}

/** The same over bytes that do not start at an even offset of a slab: slower, and right anywhere. */
export function sumBytes(bytes: Uint8Array, start: number, end: number): number {
  let total = 0
  let i = start
  for (; i + 1 < end; i += 2) total += ((bytes[i] as number) << 8) | (bytes[i + 1] as number)
  if (i < end) total += (bytes[i] as number) << 8
  return fold(total)
}

/** Folds a sum of 16-bit words into 16 bits, carries added back. */
export function fold(total: number): number {
  const once = (total & 0xffff) + (total >>> 16)
  return (once & 0xffff) + (once >>> 16)
}

/** The checksum to put in a header whose words sum up to `total`. */
export function finish(total: number): number {
  return ~fold(total) & 0xffff
}

/**
 * The part of a TCP or UDP pseudo-header that stays the same for a connection: both addresses, as
 * four words each (an IPv4 address is `::ffff:a.b.c.d` and counts as its last word alone), and the
 * protocol. Add the length of the segment for the sum of the whole pseudo-header.
 */
export function pseudoHeaderSum(
  version: 4 | 6,
  source: Int32Array,
  destination: Int32Array,
  protocol: number
): number {
  let total = protocol
  for (let i = version === 4 ? 3 : 0; i < 4; i++) {
    const from = source[i] as number
    const to = destination[i] as number
    total += (from >>> 16) + (from & 0xffff) + (to >>> 16) + (to & 0xffff)
  }
  return fold(total)
}
