import { after, before } from './seq.ts'

/** Ranges kept apart at most; a segment that would need one more is as good as lost. */
export const MAX_INTERVALS = 1024

const EMPTY = new Int32Array(0)
/** Words per interval: both edges, and when it last changed. */
const WIDTH = 3

/**
 * The ranges of sequence numbers that arrived out of order, in order and never touching each other,
 * and which of them changed last: the first SACK block must be the newest (RFC 2018 §4).
 */
export class Intervals {
  #words = EMPTY
  #count = 0
  #clock = 0

  /** Ranges held. */
  get count(): number {
    return this.#count
  }

  /** Bytes of memory. */
  get memory(): number {
    return this.#words.byteLength
  }

  /**
   * Adds `[start, end)`.
   *
   * `duplicate` is set to the first part of it that was here already, for a DSACK.
   * @returns `false` when there is no place for one more range
   */
  add(start: number, end: number, duplicate: Int32Array): boolean {
    duplicate[0] = duplicate[1] = start
    // From the back: most of what comes out of order is newer than all before it.
    let last = this.#count - 1
    while (last >= 0 && before(end, this.#start(last))) last--
    let first = last
    while (first >= 0 && !after(start, this.#end(first))) first--
    first++
    // Ranges first..last overlap or touch the new one.
    if (first > last) {
      if (this.#count === MAX_INTERVALS) return false
      this.#insert(first)
      this.#set(first, start, end)
      return true
    }
    for (let i = first; i <= last; i++) {
      const from = after(start, this.#start(i)) ? start : this.#start(i)
      const to = before(end, this.#end(i)) ? end : this.#end(i)
      if (before(from, to)) {
        duplicate[0] = from
        duplicate[1] = to
        break
      }
    }
    this.#set(
      first,
      before(this.#start(first), start) ? this.#start(first) : start,
      after(this.#end(last), end) ? this.#end(last) : end
    )
    this.#remove(first + 1, last - first)
    return true
  }

  /**
   * Everything before `next` is in order now.
   *
   * @returns `next`, moved on to the end of the range that it reached
   */
  advance(next: number): number {
    let reached = next
    let gone = 0
    while (gone < this.#count && !after(this.#start(gone), reached)) {
      if (after(this.#end(gone), reached)) reached = this.#end(gone)
      gone++
    }
    this.#remove(0, gone)
    return reached
  }

  /**
   * The `most` newest ranges, newest first, as pairs of edges from word `at` on.
   *
   * @returns how many
   */
  newest(most: number, into: Int32Array, at: number): number {
    const wanted = Math.min(most, this.#count)
    // A few passes over the list: no block is picked twice, since each is older than the one before.
    let bound = this.#clock + 1
    for (let n = 0; n < wanted; n++) {
      let best = -1
      for (let i = 0; i < this.#count; i++) {
        const time = this.#words[WIDTH * i + 2] as number
        if (time < bound && (best < 0 || time > (this.#words[WIDTH * best + 2] as number))) best = i
      }
      into[at + 2 * n] = this.#start(best)
      into[at + 2 * n + 1] = this.#end(best)
      bound = this.#words[WIDTH * best + 2] as number
    }
    return wanted
  }

  #start(i: number): number {
    return this.#words[WIDTH * i] as number
  }

  #end(i: number): number {
    return this.#words[WIDTH * i + 1] as number
  }

  #set(i: number, start: number, end: number): void {
    this.#words[WIDTH * i] = start
    this.#words[WIDTH * i + 1] = end
    this.#words[WIDTH * i + 2] = ++this.#clock
  }

  #insert(i: number): void {
    if (WIDTH * (this.#count + 1) > this.#words.length) {
      const words = new Int32Array(WIDTH * Math.max(8, 2 * this.#count))
      words.set(this.#words)
      this.#words = words
    }
    this.#words.copyWithin(WIDTH * (i + 1), WIDTH * i, WIDTH * this.#count)
    this.#count++
  }

  #remove(i: number, count: number): void {
    if (count === 0) return
    this.#words.copyWithin(WIDTH * i, WIDTH * (i + count), WIDTH * this.#count)
    this.#count -= count
    if (this.#count === 0) this.#clock = 0
  }
}
