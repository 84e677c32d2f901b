/** Tags of channel ends inside a value, on their number; see spec.md. */
export const SENDER_TAG = 0xc5e0
export const RECEIVER_TAG = 0xc5e1

/** Bytes of a big integer: making one takes time that grows with the square of its length. */
const MAX_BIGNUM_BYTES = 1_024

/** Tags of RFC 8746 that stand for a typed array of JavaScript. */
const TYPED_ARRAYS: ReadonlySet<number> = new Set([
  64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 77, 78, 79, 81, 82, 85, 86
])

/** Major types of CBOR (RFC 8949, section 3.1). */
export const MAJOR = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7
} as const

/** Tag of a map that becomes a `Map`, with keys of any kind, and no object. */
export const MAP_TAG = 259

/**
 * Whether an item may stand behind a tag. Tags that expand (shared and packed values, records) or
 * make objects with behaviour (regular expressions, errors) are in no case allowed.
 *
 * @param argument what the head of the item says: its value or its length
 */
export function mayBeTagged(tag: number, major: number, argument: number): boolean {
  switch (tag) {
    case 1: // date
      return major === MAJOR.unsigned || major === MAJOR.negative || major === MAJOR.simple
    case 2: // big integers
    case 3:
      return major === MAJOR.bytes && argument <= MAX_BIGNUM_BYTES
    case 258: // set
      return major === MAJOR.array
    case MAP_TAG:
      return major === MAJOR.map
    case SENDER_TAG:
    case RECEIVER_TAG:
      return major === MAJOR.unsigned
    default:
      return major === MAJOR.bytes && TYPED_ARRAYS.has(tag)
  }
}
