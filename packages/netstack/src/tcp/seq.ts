/**
 * Sequence numbers modulo 2^32, held as int32 so that they stay small integers for the engine:
 * `a - b | 0` is their distance, with its sign, whenever they are less than 2^31 apart.
 */

/** Is `a` before `b`? */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}

/** Is `a` after `b`? */
export function after(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}

/** The later of two. */
export function latest(a: number, b: number): number {
  return ((a - b) | 0) > 0 ? a : b
}

/** The earlier of two. */
export function earliest(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? a : b
}
