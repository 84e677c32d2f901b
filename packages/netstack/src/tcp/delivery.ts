import type { TcpSegment } from '../wire/tcp.ts'
import { type Flight, SENT } from './flight.ts'
import type { Rack } from './rack.ts'
import type { RoundTrip } from './rtt.ts'
import { after, before, earliest, latest } from './seq.ts'

/**
 * What one acknowledgement has told. There is one of it for all connections: it is filled, used and
 * forgotten within one segment.
 */
export const OUTCOME = {
  /** Sequence numbers acknowledged cumulatively. */
  acked: 0,
  /** Bytes newly known to have arrived, cumulatively or by SACK. */
  delivered: 0,
  /** Segments newly SACKed. */
  sacked: 0,
  /** Round trip of the oldest segment delivered that was sent once; -1 for none. */
  rtt: -1,
  /** The same of the newest. */
  newestRtt: -1,
  /** A segment that was sent again was delivered: what waited behind it tells no round trip. */
  retransmitted: false,
  /** A segment up to the recovery point, never sent again, was delivered. */
  original: false,
  /** It carried a DSACK. */
  duplicate: false,
  /** It repeats `SND.UNA`, carries no data and no news (RFC 5681 §2). */
  repeated: false,
  /** When the echoed timestamp was sent; Infinity without timestamps. */
  echoedAt: Infinity
}

/** The edges of the last SACK blocks, so that what they covered is not looked at again. */
const BLOCKS = 4

/** Takes acknowledgements apart: moves segments through the flight and tells what happened. */
export class Delivery {
  readonly #flight: Flight
  readonly #rack: Rack
  readonly #roundTrip: RoundTrip
  #seen: number[] | undefined
  #seenCount = 0

  constructor(flight: Flight, rack: Rack, roundTrip: RoundTrip) {
    this.#flight = flight
    this.#rack = rack
    this.#roundTrip = roundTrip
  }

  /** Starts a new outcome. */
  begin(echoedAt: number): void {
    OUTCOME.acked = OUTCOME.delivered = OUTCOME.sacked = 0
    OUTCOME.rtt = OUTCOME.newestRtt = -1
    OUTCOME.original = OUTCOME.duplicate = OUTCOME.repeated = false
    OUTCOME.retransmitted = false
    OUTCOME.echoedAt = echoedAt
  }

  /** `SND.UNA` moves from `una` to `ack`. `point` is the end of the recovery under way. */
  advance(una: number, ack: number, point: number, now: number): void {
    const flight = this.#flight
    OUTCOME.acked = (ack - una) | 0
    while (flight.count > 0) {
      const index = flight.head
      const start = flight.start(index)
      const end = flight.end(index)
      if (after(end, ack)) {
        if (before(start, ack)) {
          if ((flight.flags(index) & SENT.sacked) === 0) OUTCOME.delivered += (ack - start) | 0
          flight.trim(ack)
        }
        break
      }
      if ((flight.flags(index) & SENT.sacked) === 0) {
        this.#arrived(index, point, now)
        OUTCOME.delivered += (end - start) | 0
      }
      flight.drop()
    }
  }

  /** The SACK option of a segment (RFC 2018, 2883, 6675 §4). */
  selective(segment: TcpSegment, una: number, nxt: number, point: number, now: number): void {
    const { sacks, sackBlocks } = segment
    let first = 0
    if (sackBlocks > 0) {
      const start = sacks[0] as number
      const end = sacks[1] as number
      // A first block below the acknowledgement, or inside the second, reports a duplicate.
      if (
        !after(end, una) ||
        (sackBlocks > 1 && !before(start, sacks[2] as number) && !after(end, sacks[3] as number))
      ) {
        first = 1
        OUTCOME.duplicate = before(start, end)
      }
    }
    const seen = (this.#seen ??= Array.from({ length: 2 * BLOCKS }, () => 0))
    for (let i = first; i < sackBlocks; i++) {
      const start = sacks[2 * i] as number
      const end = sacks[2 * i + 1] as number
      // Lies and leftovers: nothing that is not in flight can be SACKed.
      if (!before(start, end) || before(start, una) || after(end, nxt)) continue
      this.#block(start, end, point, now)
    }
    let count = 0
    for (let i = first; i < sackBlocks; i++) {
      seen[2 * count] = sacks[2 * i] as number
      seen[2 * count + 1] = sacks[2 * i + 1] as number
      count++
    }
    this.#seenCount = count
  }

  /** One block, without the parts that an earlier one covered. */
  #block(start: number, end: number, point: number, now: number): void {
    const seen = this.#seen as number[]
    for (let i = 0; i < this.#seenCount; i++) {
      const from = latest(start, seen[2 * i] as number)
      const to = earliest(end, seen[2 * i + 1] as number)
      if (!before(from, to)) continue
      // Segments that lie across an edge of the known part are looked at in both remainders.
      if (before(start, from)) this.#mark(start, from, end, point, now)
      if (before(to, end)) this.#mark(to, end, end, point, now, start)
      return
    }
    this.#mark(start, end, end, point, now)
  }

  /** Marks the segments that touch `[from, to)` and lie within `[least, whole)`. */
  #mark(from: number, to: number, whole: number, point: number, now: number, least = from): void {
    const flight = this.#flight
    for (let place = flight.placeOf(from); place < flight.count; place++) {
      const index = flight.at(place)
      const start = flight.start(index)
      const end = flight.end(index)
      if (!before(start, to) || after(end, whole)) return
      if ((flight.flags(index) & SENT.sacked) !== 0 || before(start, least)) continue
      this.#arrived(index, point, now)
      OUTCOME.delivered += (end - start) | 0
      OUTCOME.sacked++
      flight.markSacked(index)
    }
  }

  #arrived(index: number, point: number, now: number): void {
    const flight = this.#flight
    this.#rack.delivered(flight, index, now, this.#roundTrip, OUTCOME.echoedAt)
    if ((flight.flags(index) & SENT.retransmitted) !== 0) {
      OUTCOME.retransmitted = true
      return
    }
    const rtt = now - flight.sentAt(index)
    if (OUTCOME.rtt < rtt) OUTCOME.rtt = rtt
    if (OUTCOME.newestRtt < 0 || rtt < OUTCOME.newestRtt) OUTCOME.newestRtt = rtt
    if (!after(flight.end(index), point)) OUTCOME.original = true
  }

  /** What was SACKed is not any more: nothing is known. */
  forget(): void {
    this.#seenCount = 0
  }
}
