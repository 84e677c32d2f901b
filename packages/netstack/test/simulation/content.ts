/** A prime, so that no power-of-two slip of a ring goes unseen. */
const PERIOD = 65_521

/** The longest piece asked for. */
const LONGEST = 1_100_000

const PATTERN = new Uint8Array(PERIOD + LONGEST)
for (let i = 0, state = 1; i < PATTERN.length; i++) {
  if (i % PERIOD === 0) state = 1
  state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
  PATTERN[i] = state >>> 16
}

/** The bytes of a stream from an offset on: every byte is checked without keeping a copy. */
export function streamBytes(stream: number, offset: number, length: number): Uint8Array {
  const start = (stream * 7919 + offset) % PERIOD
  return PATTERN.subarray(start, start + length)
}
