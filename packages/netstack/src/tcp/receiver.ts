import { ByteRing } from './byte-ring.ts'
import { Intervals } from './intervals.ts'
import { after, before, latest } from './seq.ts'

/** The smallest estimate of the peer's segment size. */
const LEAST_SEGMENT = 536

/** A range to report; filled by `Intervals.add`. */
const DUPLICATE = new Int32Array(2)

/**
 * The receiving half: what has arrived, what the peer may send, and when to acknowledge.
 *
 * Data out of order is written at its place in the ring; `Intervals` knows which places are filled.
 * The window is the free part of `limit`, and follows what the consumer takes.
 */
export class Receiver {
  readonly ring = new ByteRing()
  #gaps: Intervals | undefined
  /** RCV.NXT. */
  next = 0
  /** Right edge of the announced window, which never moves back. */
  edge = 0
  /** Shift of the window we announce. */
  scale = 0
  /** Bytes that may be held; auto-tuning raises it up to `#most`. */
  limit: number
  readonly #most: number
  readonly #delay: number
  /** Segment size of the peer as far as seen; two of these are acknowledged at once. */
  #segment = LEAST_SEGMENT
  /** The most that a segment for us can hold. */
  readonly #mss: number
  /** RCV.NXT in the last segment that we sent. */
  acked = 0
  /** An acknowledgement is due whatever else there is. */
  ackNow = false
  /** When a delayed acknowledgement is due. */
  ackAt = Infinity
  /** The peer's FIN: sequence number behind its data; valid when `finSeen`. */
  #finAt = 0
  finSeen = false
  /** End of the peer's urgent data (RCV.UP), while `hasUrgent`. */
  #urgentEnd = 0
  #hasUrgent = false
  /** TS.Recent of RFC 7323, and when it was set. */
  tsRecent = 0
  tsRecentAt = 0
  #duplicateStart = 0
  #duplicateEnd = 0
  /** A segment that we had already is to be reported (RFC 2883). */
  hasDuplicate = false
  // Auto-tuning: bytes taken by the consumer per round trip.
  #roundTrip = 0
  #roundStart = 0
  #roundTaken = 0
  #lastTaken = 0
  #now = 0
  /** Totals. */
  bytes = 0
  duplicates = 0
  outOfOrder = 0

  constructor(limit: number, most: number, delay: number, mss: number) {
    this.limit = limit
    this.#most = most
    this.#delay = delay
    this.#mss = mss
  }

  /** The peer's SYN is known. */
  start(next: number, window: number): void {
    this.next = this.acked = next
    this.edge = (next + window) | 0
  }

  /** A segment that we cannot use, all or in part, repeats `[start, end)`. */
  repeated(start: number, end: number): void {
    this.duplicates++
    this.ackNow = true
    this.#duplicateStart = start
    this.#duplicateEnd = end
    this.hasDuplicate = true
  }

  /**
   * Text of a segment, cut to the window by the caller, and its FIN.
   *
   * @returns `true` when the peer's FIN and all before it are here
   */
  receive(
    bytes: Uint8Array,
    from: number,
    length: number,
    seq: number,
    fin: boolean,
    now: number
  ): boolean {
    this.#now = now
    let end = (seq + length) | 0
    if (fin && !this.finSeen) {
      this.finSeen = true
      this.#finAt = end
    }
    let count = length
    if (this.finSeen && after(end, this.#finAt)) {
      // Nothing comes behind a FIN.
      count = Math.max((this.#finAt - seq) | 0, 0)
      end = (seq + count) | 0
    }
    if (count > this.#segment) this.#segment = Math.min(count, this.#mss)
    if (seq === this.next) return this.#inOrder(bytes, from, count, end, now)
    this.outOfOrder++
    this.ackNow = true
    // The FIN has a place of its own behind its data.
    if (fin) end = (end + 1) | 0
    this.#gaps ??= new Intervals()
    if (seq === end || !this.#gaps.add(seq, end, DUPLICATE)) return false
    if (DUPLICATE[0] !== DUPLICATE[1]) {
      this.repeated(DUPLICATE[0] as number, DUPLICATE[1] as number)
    }
    if (count > 0) this.ring.place((seq - this.next) | 0, bytes, from, count)
    return false
  }

  #inOrder(bytes: Uint8Array, from: number, count: number, end: number, now: number): boolean {
    if (count > 0) this.ring.push(bytes, from, count)
    let reached = end
    if (this.#gaps !== undefined) {
      // Part or all of a gap is filled: the sender should know at once (RFC 5681 §4.2).
      this.ackNow = true
      reached = this.#gaps.advance(end)
      if (this.#gaps.count === 0) this.#gaps = undefined
    }
    const complete = this.finSeen && !before(reached, this.#finAt)
    if (complete) reached = this.#finAt
    const fresh = (reached - end) | 0
    if (fresh > 0) this.ring.extend(fresh)
    this.bytes += count + fresh
    this.next = reached
    if (complete) {
      this.next = (reached + 1) | 0
      this.ackNow = true
      this.#gaps = undefined
      return true
    }
    if (this.ackAt === Infinity) this.ackAt = now + this.#delay
    return false
  }

  /**
   * The peer says that its data up to `end` is urgent (RFC 9293 §3.8.5). It stays in its place in the
   * stream; what is done about it is the consumer's.
   *
   * @returns whether that is news
   */
  urgent(end: number): boolean {
    if (!after(end, this.next)) return false
    if (this.#hasUrgent && !after(end, this.#urgentEnd)) return false
    this.#hasUrgent = true
    this.#urgentEnd = end
    return true
  }

  /** Bytes from the next to be read up to the end of urgent data, arrived or not; 0 when there is none. */
  get urgentAhead(): number {
    if (!this.#hasUrgent) return 0
    return Math.max(((this.#urgentEnd - this.next) | 0) + this.ring.length, 0)
  }

  /** The consumer has taken `count` bytes. */
  consume(count: number): void {
    this.ring.drop(count)
    this.#roundTaken += count
    if (this.#now - this.#roundStart >= this.#roundTrip && this.#roundTrip > 0) this.#tune()
  }

  /** A segment echoed a timestamp of ours: so long is the round trip, seen from here. */
  measured(time: number, now: number): void {
    // A clock of milliseconds cannot tell less than one.
    const sample = Math.max(time, 1)
    if (this.#roundTrip === 0) this.#roundStart = now
    this.#roundTrip =
      this.#roundTrip === 0 || sample < this.#roundTrip
        ? sample
        : this.#roundTrip + (sample - this.#roundTrip) / 8
  }

  /**
   * Dynamic right-sizing: the peer needs twice what was taken in the last round trip, and twice
   * that again while it grows, to be held back by its congestion window and not by ours.
   */
  #tune(): void {
    const taken = this.#roundTaken
    this.#roundTaken = 0
    this.#roundStart = this.#now
    if (taken > this.#lastTaken) {
      const growth =
        this.#lastTaken === 0 ? 1 : Math.min((taken - this.#lastTaken) / this.#lastTaken, 1)
      const wanted = 2 * taken * (1 + growth) + 16 * this.#segment
      if (wanted > this.limit) this.limit = Math.min(Math.ceil(wanted), this.#most)
    }
    this.#lastTaken = taken
  }

  /** The window for the header of a segment that is being sent; moves `edge`. */
  announce(): number {
    const edge = this.#wantedEdge()
    const window = Math.min(((edge - this.next) | 0) >>> this.scale, 0xffff)
    this.edge = latest(this.edge, (this.next + (window << this.scale)) | 0)
    return window
  }

  /** Silly window avoidance: the edge moves by a segment or half the buffer, or not at all. */
  #wantedEdge(): number {
    const edge = this.#freeEdge
    return ((edge - this.edge) | 0) >= Math.min(this.limit >> 1, this.#segment) ? edge : this.edge
  }

  /** Where the window would end that all free memory allows. */
  get #freeEdge(): number {
    const free = Math.max(this.limit - this.ring.length, 0)
    return (this.next + Math.min(free, 0xffff << this.scale)) | 0
  }

  /** Does anything have to be acknowledged now, if no data goes that way anyway? */
  ackDue(now: number): boolean {
    if (this.ackNow || ((this.next - this.acked) | 0) >= 2 * this.#segment || now >= this.ackAt) {
      return true
    }
    // The consumer made room that a peer should know of that has used up most of its window.
    if (2 * ((this.edge - this.next) | 0) >= this.limit - this.#segment) return false
    return (
      ((this.#freeEdge - this.edge) | 0) >=
      Math.min(this.limit >> 1, Math.max(2 * this.#segment, this.limit >> 2))
    )
  }

  /** A segment with the current acknowledgement has left. */
  sent(): void {
    this.acked = this.next
    this.ackNow = false
    this.ackAt = Infinity
    this.hasDuplicate = false
  }

  /** SACK blocks that are worth sending. */
  get blocks(): number {
    return (this.#gaps?.count ?? 0) + (this.hasDuplicate ? 1 : 0)
  }

  /**
   * Edges of at most `most` SACK blocks: the duplicate (RFC 2883 §4), then the newest ranges.
   *
   * @returns how many
   */
  sacks(most: number, into: Int32Array): number {
    let count = 0
    if (this.hasDuplicate && most > 0) {
      into[0] = this.#duplicateStart
      into[1] = this.#duplicateEnd
      count = 1
    }
    return count + (this.#gaps?.newest(most - count, into, 2 * count) ?? 0)
  }

  /** Nothing waits to be read, or for what is missing before it. */
  get idle(): boolean {
    return this.ring.length === 0 && this.#gaps === undefined
  }

  /** Bytes of memory in the ring and the table of what came out of order. */
  get memory(): number {
    return this.ring.capacity + (this.#gaps?.memory ?? 0)
  }

  /** Gives the memory back; what is in the ring is gone. */
  release(): void {
    this.ring.release()
    this.#gaps = undefined
  }
}
