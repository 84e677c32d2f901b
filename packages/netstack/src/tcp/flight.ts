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

const NO_INTS = new Int32Array(0)
const NO_BYTES = new Uint8Array(0)
const NO_TIMES = new Float64Array(0)

/**
 * The segments between `SND.UNA` and `SND.NXT`: the scoreboard of SACK and RACK.
 *
 * Columns of a ring, in sequence order; an index names a segment until it is dropped. Besides, the
 * segments that may still arrive (neither SACKed nor lost) are chained in the order they were last
 * sent in, which is the order in which RACK looks at them: a loss costs what it marks, not the window.
 */
export class Flight {
  #start = NO_INTS
  #end = NO_INTS
  #flags = NO_BYTES
  #sentAt = NO_TIMES
  #older = NO_INTS
  #newer = NO_INTS
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
    return this.#start.length * 25
  }

  start(index: number): number {
    return this.#start[index & this.#mask] as number
  }

  end(index: number): number {
    return this.#end[index & this.#mask] as number
  }

  flags(index: number): number {
    return this.#flags[index & this.#mask] as number
  }

  sentAt(index: number): number {
    return this.#sentAt[index & this.#mask] as number
  }

  newer(index: number): number {
    return this.#newer[index & this.#mask] as number
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
    if (this.#count === this.#start.length) this.#grow()
    const index = (this.#head + this.#count) & INDEX
    const slot = index & this.#mask
    this.#start[slot] = start
    this.#end[slot] = end
    this.#flags[slot] = flags
    this.#sentAt[slot] = now
    this.#count++
    this.pipe += (end - start) | 0
    this.#link(index)
  }

  /** A lost segment, or one that probes the tail, was sent again. */
  resent(index: number, now: number): void {
    const slot = index & this.#mask
    const flags = this.#flags[slot] as number
    if ((flags & SENT.lost) !== 0) {
      this.lostCount--
      this.pipe += ((this.#end[slot] as number) - (this.#start[slot] as number)) | 0
    } else if ((flags & SENT.sacked) === 0) this.#unlink(index)
    this.#flags[slot] = (flags & ~SENT.lost) | SENT.retransmitted
    this.#sentAt[slot] = now
    this.#link(index)
  }

  /** It will not arrive, as far as we can tell. */
  markLost(index: number): void {
    const slot = index & this.#mask
    this.#flags[slot] = (this.#flags[slot] as number) | SENT.lost
    this.#unlink(index)
    this.pipe -= ((this.#end[slot] as number) - (this.#start[slot] as number)) | 0
    if (this.lostCount === 0 || ((index - this.#lostHint) & INDEX) > INDEX >> 1) {
      this.#lostHint = index
    }
    this.lostCount++
  }

  /** It was not lost after all. */
  unmarkLost(index: number): void {
    const slot = index & this.#mask
    this.#flags[slot] = (this.#flags[slot] as number) & ~SENT.lost
    this.pipe += ((this.#end[slot] as number) - (this.#start[slot] as number)) | 0
    this.lostCount--
    this.#link(index)
  }

  /** The peer has it. */
  markSacked(index: number): void {
    const slot = index & this.#mask
    const flags = this.#flags[slot] as number
    if ((flags & SENT.lost) !== 0) this.lostCount--
    else {
      this.#unlink(index)
      this.pipe -= ((this.#end[slot] as number) - (this.#start[slot] as number)) | 0
    }
    this.#flags[slot] = (flags & ~SENT.lost) | SENT.sacked
    this.sackedCount++
  }

  /** The peer says so no more (RFC 2018 §8: it may discard what it has SACKed). */
  forgetSacked(): void {
    for (let i = 0; i < this.#count; i++) {
      const index = (this.#head + i) & INDEX
      const slot = index & this.#mask
      if (((this.#flags[slot] as number) & SENT.sacked) === 0) continue
      this.#flags[slot] = (this.#flags[slot] as number) & ~SENT.sacked
      this.pipe += ((this.#end[slot] as number) - (this.#start[slot] as number)) | 0
      this.#link(index)
    }
    this.sackedCount = 0
  }

  /** The first segment is acknowledged as a whole. */
  drop(): void {
    const slot = this.#head & this.#mask
    const flags = this.#flags[slot] as number
    if ((flags & SENT.sacked) !== 0) this.sackedCount--
    else if ((flags & SENT.lost) !== 0) this.lostCount--
    else {
      this.#unlink(this.#head)
      this.pipe -= ((this.#end[slot] as number) - (this.#start[slot] as number)) | 0
    }
    if (this.#lostHint === this.#head) this.#lostHint = (this.#head + 1) & INDEX
    this.#head = (this.#head + 1) & INDEX
    this.#count--
  }

  /** The first segment is acknowledged up to `start`. */
  trim(start: number): void {
    const slot = this.#head & this.#mask
    if (((this.#flags[slot] as number) & (SENT.sacked | SENT.lost)) === 0) {
      this.pipe -= (start - (this.#start[slot] as number)) | 0
    }
    this.#start[slot] = start
  }

  /** The first lost segment. Only when `lostCount` is not 0. */
  firstLost(): number {
    let index = this.#lostHint
    while (((this.#flags[index & this.#mask] as number) & SENT.lost) === 0) {
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
      if (after(this.#end[(this.#head + middle) & this.#mask] as number, seq)) high = middle
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
    this.#start = this.#end = this.#older = this.#newer = NO_INTS
    this.#flags = NO_BYTES
    this.#sentAt = NO_TIMES
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
    while (after >= 0 && this.sentAt(after) > (this.#sentAt[slot] as number)) {
      after = this.#older[after & this.#mask] as number
    }
    const before = after < 0 ? this.oldest : (this.#newer[after & this.#mask] as number)
    this.#older[slot] = after
    this.#newer[slot] = before
    if (after < 0) this.oldest = index
    else this.#newer[after & this.#mask] = index
    if (before < 0) this.newest = index
    else this.#older[before & this.#mask] = index
  }

  #unlink(index: number): void {
    const slot = index & this.#mask
    const older = this.#older[slot] as number
    const newer = this.#newer[slot] as number
    if (older < 0) this.oldest = newer
    else this.#newer[older & this.#mask] = newer
    if (newer < 0) this.newest = older
    else this.#older[newer & this.#mask] = older
  }

  #grow(): void {
    const size = Math.max(16, 2 * this.#start.length)
    const mask = size - 1
    const start = new Int32Array(size)
    const end = new Int32Array(size)
    const older = new Int32Array(size)
    const newer = new Int32Array(size)
    const flags = new Uint8Array(size)
    const sentAt = new Float64Array(size)
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#head + i) & this.#mask
      const to = (this.#head + i) & mask
      start[to] = this.#start[from] as number
      end[to] = this.#end[from] as number
      older[to] = this.#older[from] as number
      newer[to] = this.#newer[from] as number
      flags[to] = this.#flags[from] as number
      sentAt[to] = this.#sentAt[from] as number
    }
    this.#start = start
    this.#end = end
    this.#older = older
    this.#newer = newer
    this.#flags = flags
    this.#sentAt = sentAt
    this.#mask = mask
  }
}

/** Does a segment sent at `time` with end `end` come after another in the order of sending? */
export function sentAfter(time: number, end: number, otherTime: number, otherEnd: number): boolean {
  return time > otherTime || (time === otherTime && before(otherEnd, end))
}
