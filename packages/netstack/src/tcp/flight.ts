import { after, before } from './seq.ts'

/** What is known of a sent segment, as bits. */
export const SENT = {
  /** The peer holds it (SACK). */
  sacked: 1,
  /** Given up, and not sent again yet. */
  lost: 2,
  /** Sent more than once: its time says nothing of the path. */
  retransmitted: 4,
  /** Its last sequence number is our FIN. */
  fin: 8
} as const

/** Segments in flight at most. */
export const MAX_FLIGHT = 65_536

/** Indexes count round in 30 bits, so that they stay small integers and -1 stays free. */
const INDEX = 0x3fff_ffff

/** Columns of the table of segments. */
const START = 0
const END = 1
const FLAGS = 2
const OLDER = 3
const NEWER = 4
const WIDTH = 5

/** Segments that the table has room for at first; a power of two. */
const SMALLEST = 4

/** The table of those that have nothing in flight; never written to. */
const NOTHING: number[] = []

/**
 * The segments between `SND.UNA` and `SND.NXT`: the scoreboard of SACK and RACK.
 *
 * A ring of rows, in sequence order; an index names a segment until it is dropped. Besides, the
 * segments that may still arrive (neither SACKed nor lost) are chained in the order they were last
 * sent in, which is the order in which RACK looks at them: a loss costs what it marks, not the window.
 *
 * Rows lie in plain arrays of small integers and of doubles: as fast as typed ones, and without the
 * two hundred bytes that each of those costs beside what it holds.
 */
export class Flight {
  #rows = NOTHING
  #times = NOTHING
  #mask = -1
  #head = 0
  #count = 0
  /** No segment before this index is lost. */
  #lostHint = 0

  /** Ends of the chain by time; -1 when it is empty. */
  oldest = -1
  newest = -1
  /** Sequence numbers (bytes, and FIN) that may still arrive: neither SACKed nor lost. */
  pipe = 0
  sackedCount = 0
  lostCount = 0

  get count(): number {
    return this.#count
  }

  /** Index of the first segment. */
  get head(): number {
    return this.#head
  }

  /** Bytes of memory. */
  get memory(): number {
    return this.#times.length * (8 * WIDTH + 8)
  }

  start(index: number): number {
    return this.#rows[WIDTH * (index & this.#mask) + START] as number
  }

  end(index: number): number {
    return this.#rows[WIDTH * (index & this.#mask) + END] as number
  }

  flags(index: number): number {
    return this.#rows[WIDTH * (index & this.#mask) + FLAGS] as number
  }

  sentAt(index: number): number {
    return this.#times[index & this.#mask] as number
  }

  newer(index: number): number {
    return this.#rows[WIDTH * (index & this.#mask) + NEWER] as number
  }

  next(index: number): number {
    return (index + 1) & INDEX
  }

  /** Index of the last segment. Only when `count` is not 0. */
  get tail(): number {
    return (this.#head + this.#count - 1) & INDEX
  }

  /** A new segment was sent. */
  push(start: number, end: number, flags: number, now: number): void {
    if (this.#count > this.#mask) this.#grow()
    const index = (this.#head + this.#count) & INDEX
    const slot = index & this.#mask
    this.#rows[WIDTH * slot + START] = start
    this.#rows[WIDTH * slot + END] = end
    this.#rows[WIDTH * slot + FLAGS] = flags
    this.#times[slot] = now
    this.#count++
    this.pipe += (end - start) | 0
    this.#link(index)
  }

  /** A lost segment, or one that probes the tail, was sent again. */
  resent(index: number, now: number): void {
    const slot = index & this.#mask
    const flags = this.#rows[WIDTH * slot + FLAGS] as number
    if ((flags & SENT.lost) !== 0) {
      this.lostCount--
      this.pipe +=
        ((this.#rows[WIDTH * slot + END] as number) -
          (this.#rows[WIDTH * slot + START] as number)) |
        0
    } else if ((flags & SENT.sacked) === 0) this.#unlink(index)
    this.#rows[WIDTH * slot + FLAGS] = (flags & ~SENT.lost) | SENT.retransmitted
    this.#times[slot] = now
    this.#link(index)
  }

  /** It will not arrive, as far as we can tell. */
  markLost(index: number): void {
    const slot = index & this.#mask
    this.#rows[WIDTH * slot + FLAGS] = (this.#rows[WIDTH * slot + FLAGS] as number) | SENT.lost
    this.#unlink(index)
    this.pipe -=
      ((this.#rows[WIDTH * slot + END] as number) - (this.#rows[WIDTH * slot + START] as number)) |
      0
    if (this.lostCount === 0 || ((index - this.#lostHint) & INDEX) > INDEX >> 1) {
      this.#lostHint = index
    }
    this.lostCount++
  }

  /** It was not lost after all. */
  unmarkLost(index: number): void {
    const slot = index & this.#mask
    this.#rows[WIDTH * slot + FLAGS] = (this.#rows[WIDTH * slot + FLAGS] as number) & ~SENT.lost
    this.pipe +=
      ((this.#rows[WIDTH * slot + END] as number) - (this.#rows[WIDTH * slot + START] as number)) |
      0
    this.lostCount--
    this.#link(index)
  }

  /** The peer has it. */
  markSacked(index: number): void {
    const slot = index & this.#mask
    const flags = this.#rows[WIDTH * slot + FLAGS] as number
    if ((flags & SENT.lost) !== 0) this.lostCount--
    else {
      this.#unlink(index)
      this.pipe -=
        ((this.#rows[WIDTH * slot + END] as number) -
          (this.#rows[WIDTH * slot + START] as number)) |
        0
    }
    this.#rows[WIDTH * slot + FLAGS] = (flags & ~SENT.lost) | SENT.sacked
    this.sackedCount++
  }

  /** The peer says so no more (RFC 2018 §8: it may discard what it has SACKed). */
  forgetSacked(): void {
    for (let i = 0; i < this.#count; i++) {
      const index = (this.#head + i) & INDEX
      const slot = index & this.#mask
      if (((this.#rows[WIDTH * slot + FLAGS] as number) & SENT.sacked) === 0) continue
      this.#rows[WIDTH * slot + FLAGS] = (this.#rows[WIDTH * slot + FLAGS] as number) & ~SENT.sacked
      this.pipe +=
        ((this.#rows[WIDTH * slot + END] as number) -
          (this.#rows[WIDTH * slot + START] as number)) |
        0
      this.#link(index)
    }
    this.sackedCount = 0
  }

  /** The first segment is acknowledged as a whole. */
  drop(): void {
    const slot = this.#head & this.#mask
    const flags = this.#rows[WIDTH * slot + FLAGS] as number
    if ((flags & SENT.sacked) !== 0) this.sackedCount--
    else if ((flags & SENT.lost) !== 0) this.lostCount--
    else {
      this.#unlink(this.#head)
      this.pipe -=
        ((this.#rows[WIDTH * slot + END] as number) -
          (this.#rows[WIDTH * slot + START] as number)) |
        0
    }
    if (this.#lostHint === this.#head) this.#lostHint = (this.#head + 1) & INDEX
    this.#head = (this.#head + 1) & INDEX
    this.#count--
  }

  /** The first segment is acknowledged up to `start`. */
  trim(start: number): void {
    const slot = this.#head & this.#mask
    if (((this.#rows[WIDTH * slot + FLAGS] as number) & (SENT.sacked | SENT.lost)) === 0) {
      this.pipe -= (start - (this.#rows[WIDTH * slot + START] as number)) | 0
    }
    this.#rows[WIDTH * slot + START] = start
  }

  /** The first lost segment. Only when `lostCount` is not 0. */
  firstLost(): number {
    let index = this.#lostHint
    while (((this.#rows[WIDTH * (index & this.#mask) + FLAGS] as number) & SENT.lost) === 0) {
      index = (index + 1) & INDEX
    }
    this.#lostHint = index
    return index
  }

  /** How many segments end at or before `seq`: the place of the first that does not, from the head. */
  placeOf(seq: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (after(this.#rows[WIDTH * ((this.#head + middle) & this.#mask) + END] as number, seq))
        high = middle
      else low = middle + 1
    }
    return low
  }

  /** Index of the segment `place` places behind the first. */
  at(place: number): number {
    return (this.#head + place) & INDEX
  }

  /**
   * The path takes smaller segments now: longer ones are cut, and what is cut and not SACKed is lost
   * (RFC 1191 §6.5: it was dropped for its size, not by congestion).
   */
  recut(size: number): void {
    const segments: [number, number, number, number][] = []
    for (let i = 0; i < this.#count; i++) {
      const index = (this.#head + i) & INDEX
      segments.push([this.start(index), this.end(index), this.flags(index), this.sentAt(index)])
    }
    this.release()
    for (const [start, end, flags, sentAt] of segments) {
      const fin = flags & SENT.fin
      const whole = ((end - start) | 0) - (fin !== 0 ? 1 : 0) <= size
      let from = start
      for (;;) {
        const last = ((end - from) | 0) - (fin !== 0 ? 1 : 0) <= size
        const to = last ? end : (from + size) | 0
        this.push(from, to, (flags & SENT.retransmitted) | (last ? fin : 0), sentAt)
        if ((flags & SENT.sacked) !== 0) this.markSacked(this.tail)
        else if (!whole || (flags & SENT.lost) !== 0) this.markLost(this.tail)
        if (last) break
        from = to
      }
    }
  }

  release(): void {
    this.#rows = this.#times = NOTHING
    this.#mask = -1
    this.#head = this.#count = this.#lostHint = 0
    this.oldest = this.newest = -1
    this.pipe = this.sackedCount = this.lostCount = 0
  }

  /** Puts a segment at the new end of the chain by time. */
  #link(index: number): void {
    const slot = index & this.#mask
    let after = this.newest
    // Only a segment whose SACK or loss was taken back is older than the newest.
    while (after >= 0 && this.sentAt(after) > (this.#times[slot] as number)) {
      after = this.#rows[WIDTH * (after & this.#mask) + OLDER] as number
    }
    const before =
      after < 0 ? this.oldest : (this.#rows[WIDTH * (after & this.#mask) + NEWER] as number)
    this.#rows[WIDTH * slot + OLDER] = after
    this.#rows[WIDTH * slot + NEWER] = before
    if (after < 0) this.oldest = index
    else this.#rows[WIDTH * (after & this.#mask) + NEWER] = index
    if (before < 0) this.newest = index
    else this.#rows[WIDTH * (before & this.#mask) + OLDER] = index
  }

  #unlink(index: number): void {
    const slot = index & this.#mask
    const older = this.#rows[WIDTH * slot + OLDER] as number
    const newer = this.#rows[WIDTH * slot + NEWER] as number
    if (older < 0) this.oldest = newer
    else this.#rows[WIDTH * (older & this.#mask) + NEWER] = newer
    if (newer < 0) this.newest = older
    else this.#rows[WIDTH * (newer & this.#mask) + OLDER] = older
  }

  #grow(): void {
    const size = Math.max(SMALLEST, 2 * (this.#mask + 1))
    const mask = size - 1
    const rows: number[] = []
    const times: number[] = []
    // Pushed and not made at length: an array without holes is faster ever after.
    for (let i = 0; i < WIDTH * size; i++) rows.push(0)
    for (let i = 0; i < size; i++) times.push(0.5)
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#head + i) & this.#mask
      const to = (this.#head + i) & mask
      for (let column = 0; column < WIDTH; column++) {
        rows[WIDTH * to + column] = this.#rows[WIDTH * from + column] as number
      }
      times[to] = this.#times[from] as number
    }
    this.#rows = rows
    this.#times = times
    this.#mask = mask
  }
}

/** Does a segment sent at `time` with end `end` come after another in the order of sending? */
export function sentAfter(time: number, end: number, otherTime: number, otherEnd: number): boolean {
  return time > otherTime || (time === otherTime && before(otherEnd, end))
}
