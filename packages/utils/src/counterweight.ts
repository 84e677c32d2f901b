/** Bytes of V8's own heap that stand for one byte of a buffer outside of it: see {@link counterweigh}. */
const SHARE = 3 / 8
/** Bytes of one element of an array. */
const ELEMENT_BYTES = 8
/** Buffers below this have objects on the heap that weigh enough. */
const MIN_BYTES = 4_096
/** An array of more elements than this is a hash table in V8. */
const MAX_ELEMENTS = 32_000

/** The last counterweight. Where something holds it, the compiler cannot leave it out. */
const held: { weight: readonly unknown[] } = { weight: [] }

/**
 * Says that a buffer of `byteLength` was made that somebody else will let go of soon, so that V8
 * collects such buffers while that is cheap. Changes nothing but the collector's rhythm.
 *
 * V8 frees a dead young buffer in a collection of the young heap, which costs less than a millisecond
 * and is due whenever that heap is full: 16 MiB. But a buffer of 64 KiB puts only some hundred bytes
 * on that heap, so its other rule comes first: a full collection whenever 64 MiB of buffers were made.
 * At a gigabyte per second that is sixteen times a second the whole heap, on all cores. So for each
 * large buffer we put an array on the young heap which is garbage at once, heavy enough that the
 * young heap is full after some 40 MiB of buffers. Received over Noise on one stream (Node 24): a
 * third less CPU, and less memory.
 */
export function counterweigh(byteLength: number): void {
  if (byteLength < MIN_BYTES) return
  const elements = Math.ceil((byteLength * SHARE) / ELEMENT_BYTES)
  held.weight = Array<undefined>(Math.min(elements, MAX_ELEMENTS))
}
