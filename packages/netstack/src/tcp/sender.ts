import { FLAG, type TcpSegment } from '../wire/tcp.ts'
import { ByteRing } from './byte-ring.ts'
import { OUTCOME } from './delivery.ts'
import { MAX_FLIGHT, SENT } from './flight.ts'
import { Recovery } from './recovery.ts'
import type { SegmentSink } from './segment-sink.ts'
import type { SegmentWriter } from './segment-writer.ts'
import { after, before } from './seq.ts'
import type { TcpConfig } from './tcp-config.ts'
import type { Terms } from './terms.ts'

/** Bytes that the send ring takes however small the congestion window is. */
const LEAST_SEND_BUFFER = 131_072

/** Longest wait between two probes of a closed window, in ms. */
const MAX_PERSIST = 60_000

/** What the one timer of the sender is for. */
type Timer = 'none' | 'rto' | 'probe' | 'reorder' | 'persist'

/**
 * The sending half: what was written, what is in flight, and what may go now (RFC 9293 §3.8).
 *
 * The ring holds everything from `SND.UNA` on; a retransmission reads it again.
 */
export class Sender {
  readonly ring = new ByteRing()
  readonly recovery: Recovery
  readonly #terms: Terms
  readonly #writer: SegmentWriter
  readonly #most: number
  /** SND.UNA, SND.NXT. */
  una: number
  nxt: number
  /** SND.WND in bytes, the segment that set it (SND.WL1, SND.WL2), and the largest so far. */
  window = 0
  #windowSeq = 0
  #windowAck = 0
  #maxWindow = 0
  /** Payload of a full segment. */
  mss: number
  noDelay: boolean
  /** FIN follows the last byte written. */
  finQueued = false
  finSent = false
  #finAcked = false
  /** SND.UP, while `hasUrgent`. */
  #urgentEnd = 0
  #hasUrgent = false
  /** End of the last segment sent that was not full: Minshall's variant of Nagle's algorithm. */
  #smallEnd: number
  /** The window is closed: one byte is due to see whether it still is. */
  #probeDue = false
  #persists = 0
  #timer: Timer = 'none'
  timerAt = Infinity
  /** When the retransmission timeout last began. */
  #rtoFrom = 0
  #lastSentAt = 0
  /** Since when the oldest data in flight is unanswered; Infinity when nothing is. */
  unansweredSince = Infinity
  bytesSent = 0

  constructor(config: TcpConfig, terms: Terms, writer: SegmentWriter, start: number) {
    this.#terms = terms
    this.#writer = writer
    this.#most = config.sendBuffer
    this.noDelay = config.noDelay
    this.mss = terms.mss
    this.recovery = new Recovery(config, this.mss, start)
    this.una = this.nxt = this.#smallEnd = start
  }

  /** Bytes that `write` would take. */
  get writable(): number {
    if (this.finQueued) return 0
    // Twice the congestion window is all that can be of use within one round trip.
    const limit = Math.max(LEAST_SEND_BUFFER, 2 * this.recovery.congestion.window)
    return Math.max(Math.min(limit, this.#most) - this.ring.length, 0)
  }

  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.writable)
    if (count > 0) this.ring.push(bytes, 0, count)
    return count
  }

  /** What was written so far is urgent, until it is acknowledged (RFC 9293 §3.8.5). */
  markUrgent(): void {
    this.#urgentEnd = (this.una + this.ring.length) | 0
    this.#hasUrgent = this.ring.length > 0
  }

  /** The urgent pointer of a segment at `seq`: the first byte that is not urgent; 0 for none. */
  #urgentPointer(seq: number): number {
    if (!this.#hasUrgent) return 0
    if (!before(this.una, this.#urgentEnd)) this.#hasUrgent = false
    return Math.min(Math.max((this.#urgentEnd - seq) | 0, 0), 0xffff)
  }

  /** All that was written, and FIN, is acknowledged. */
  get finAcked(): boolean {
    return this.#finAcked
  }

  /** Bytes of the ring that were never sent. */
  get #unsent(): number {
    return this.ring.length - this.#sentBytes
  }

  get #sentBytes(): number {
    return ((this.nxt - this.una) | 0) - (this.finSent && !this.#finAcked ? 1 : 0)
  }

  /**
   * The handshake is complete.
   *
   * @param window the peer's, in bytes
   * @param synLost our SYN had to be sent again: a careful start (RFC 6928 §2)
   */
  open(segment: TcpSegment, window: number, synLost: boolean): void {
    this.mss = this.#terms.mss
    this.recovery.open(this.mss, synLost)
    this.window = this.#maxWindow = window
    this.#windowSeq = segment.seq
    this.#windowAck = segment.ack
  }

  /** The path or the options changed what fits in a segment. */
  resize(): void {
    const { mss } = this.#terms
    if (mss === this.mss) return
    this.mss = mss
    this.recovery.resize(mss)
  }

  /** An acceptable acknowledgement: between what the peer may repeat and `SND.NXT`. */
  acked(segment: TcpSegment, now: number): void {
    const { recovery } = this
    const { delivery } = recovery
    const { ack } = segment
    const inFlight = recovery.inFlight
    const una = this.una
    delivery.begin(
      segment.hasTimestamps && segment.tsEcho !== 0
        ? this.#terms.echoedAt(segment.tsEcho, now)
        : Infinity
    )
    if (after(ack, una)) {
      delivery.advance(una, ack, recovery.point, now)
      this.#free((ack - una) | 0, ack)
      this.#rtoFrom = now
    }
    if (this.#terms.sack && segment.sackBlocks > 0) {
      delivery.selective(segment, this.una, this.nxt, recovery.point, now)
    }
    OUTCOME.repeated =
      ack === una &&
      segment.end === segment.payload &&
      recovery.flight.count > 0 &&
      (segment.flags & FLAG.fin) === 0 &&
      segment.window << this.#terms.sendScale === this.window
    this.#updateWindow(segment)
    if (this.nxt !== this.una || OUTCOME.acked > 0 || OUTCOME.duplicate) {
      recovery.acked(this.una, this.nxt, inFlight, this.#terms.sack, now)
    }
    // The peer answers: a closed window is no reason to give up (RFC 9293 MUST-36).
    if (this.una === this.nxt) this.unansweredSince = Infinity
    else if (this.window === 0) this.unansweredSince = Infinity
    else if (OUTCOME.acked > 0) this.unansweredSince = now
    this.arm(now)
  }

  #free(count: number, ack: number): void {
    const fin = this.finSent && !this.#finAcked && ack === this.nxt ? 1 : 0
    this.ring.drop(Math.min(count - fin, this.ring.length))
    this.una = ack
    if (fin === 1) this.#finAcked = true
    if (before(this.#smallEnd, ack)) this.#smallEnd = ack
    this.#persists = 0
    if (this.#timer === 'persist') this.#setTimer('none', Infinity)
  }

  /** SND.WND follows the newest segment (RFC 9293 §3.10.7.4). */
  #updateWindow(segment: TcpSegment): void {
    if (
      before(this.#windowSeq, segment.seq) ||
      (this.#windowSeq === segment.seq && !after(this.#windowAck, segment.ack))
    ) {
      this.window = segment.window << this.#terms.sendScale
      this.#windowSeq = segment.seq
      this.#windowAck = segment.ack
      if (this.window > this.#maxWindow) this.#maxWindow = this.window
      if (this.window > 0) this.#probeDue = false
    }
  }

  /** How far back an acknowledgement may lie and still be one (RFC 5961 §5). */
  get maxWindow(): number {
    return this.#maxWindow
  }

  /**
   * Sends what may go: lost segments, then new ones, then probes.
   *
   * @returns segments written, or -1 - that when the sink is full or `limit` was reached
   */
  transmit(sink: SegmentSink, now: number, limit: number): number {
    const { recovery } = this
    let sent = 0
    if (
      recovery.flight.count === 0 &&
      this.#lastSentAt > 0 &&
      this.#unsent > 0 &&
      now - this.#lastSentAt > recovery.roundTrip.timeout
    ) {
      recovery.idled(now - this.#lastSentAt)
      this.#lastSentAt = now
    }
    if (recovery.flight.lostCount > 0 && this.window > 0 && !recovery.newDataFirst) {
      sent = this.#repair(sink, now, limit)
      if (sent < 0) return sent
    }
    const fresh = this.#fresh(sink, now, limit - sent)
    sent += fresh < 0 ? -1 - fresh : fresh
    let full = fresh < 0
    if (!full && recovery.newDataFirst && fresh === 0 && recovery.flight.lostCount > 0) {
      // F-RTO has no new data to send: back to the usual.
      recovery.newDataFirst = false
      const repaired = this.#repair(sink, now, limit - sent)
      full = repaired < 0
      sent += full ? -1 - repaired : repaired
    }
    if (!full && recovery.probe.due) {
      if (this.#probeTail(sink, now)) sent++
      else full = true
    }
    if (!full && this.#probeDue) {
      if (this.#probeWindow(sink, now)) sent++
      else full = true
    }
    if (sent > 0 || this.timerAt === Infinity) this.arm(now)
    return full ? -1 - sent : sent
  }

  /** Sends lost segments again, oldest first. */
  #repair(sink: SegmentSink, now: number, limit: number): number {
    const { recovery } = this
    const { flight } = recovery
    let sent = 0
    while (flight.lostCount > 0) {
      const index = flight.firstLost()
      const length = (flight.end(index) - flight.start(index)) | 0
      if (length > recovery.room && recovery.inFlight > 0) {
        recovery.limited = true
        return sent
      }
      if (sent === limit || !this.#resend(index, sink, now)) return -1 - sent
      sent++
    }
    return sent
  }

  /** Sends one segment of the flight again. */
  #resend(index: number, sink: SegmentSink, now: number): boolean {
    const { recovery } = this
    const { flight } = recovery
    const start = flight.start(index)
    const fin = (flight.flags(index) & SENT.fin) !== 0
    const length = ((flight.end(index) - start) | 0) - (fin ? 1 : 0)
    const offset = (start - this.una) | 0
    const last = length > 0 && offset + length === this.ring.length
    const flags = (fin ? FLAG.fin : 0) | (last ? FLAG.psh : 0)
    // A SACK option goes along only where the segment leaves room for it.
    const room = this.mss - length
    this.#writer.urgent = this.#urgentPointer(start)
    if (!this.#writer.write(sink, now, flags, start, this.ring, offset, length, this.mss, room)) {
      return false
    }
    if (index === flight.head) this.#rtoFrom = now
    flight.resent(index, now)
    recovery.resent(length, now)
    this.#lastSentAt = now
    return true
  }

  /** Sends data for the first time, as much as both windows, Nagle and the peer's comfort allow. */
  #fresh(sink: SegmentSink, now: number, limit: number): number {
    const { recovery } = this
    let sent = 0
    recovery.limited = recovery.flight.lostCount > 0
    for (;;) {
      const unsent = this.#unsent
      const fin = this.finQueued && !this.finSent
      if (unsent <= 0 && !fin) return sent
      const usable = (this.una + this.window - this.nxt) | 0
      if (usable <= 0) return sent
      const sacks = this.#writer.sackLength
      const full = this.mss - sacks
      const most = sink.maxPayload > full ? sink.maxPayload - (sink.maxPayload % full) : full
      const room = recovery.room
      let size = Math.min(unsent, usable, most)
      if (size > room) {
        // Never a cut segment for want of congestion window, unless nothing else is on its way.
        if (room >= full) size = room - (room % full)
        else if (recovery.inFlight > 0) {
          recovery.limited = true
          return sent
        } else size = Math.min(size, full)
      }
      if (size > full && size < unsent) size -= size % full
      if (size < full && !this.#mayBeShort(size, unsent)) return sent
      if (sent >= limit || recovery.flight.count + size / full >= MAX_FLIGHT) return -1 - sent
      if (!this.#sendNew(sink, now, size, full, fin && size === unsent && usable > size, sacks)) {
        return -1 - sent
      }
      sent++
    }
  }

  /** May a segment that is not full be sent (RFC 9293 §3.7.4 and §3.8.6.2.1)? */
  #mayBeShort(size: number, unsent: number): boolean {
    if (size === unsent) {
      return this.noDelay || this.finQueued || !after(this.#smallEnd, this.una)
    }
    // The window is in the way. Half of the largest is worth a segment; else the persist timer
    // overrides.
    return (this.noDelay || this.nxt === this.una) && size * 2 >= this.#maxWindow
  }

  #sendNew(
    sink: SegmentSink,
    now: number,
    size: number,
    full: number,
    fin: boolean,
    sacks: number
  ): boolean {
    const { recovery, nxt } = this
    const flags = (fin ? FLAG.fin : 0) | (size > 0 && size === this.#unsent ? FLAG.psh : 0)
    const offset = this.#sentBytes
    this.#writer.urgent = this.#urgentPointer(nxt)
    if (!this.#writer.write(sink, now, flags, nxt, this.ring, offset, size, full, sacks)) {
      return false
    }
    const { flight } = recovery
    if (flight.count === 0) {
      this.#rtoFrom = now
      this.unansweredSince = now
    }
    let start = nxt
    let left = size
    while (left > full) {
      flight.push(start, (start + full) | 0, 0, now)
      start = (start + full) | 0
      left -= full
    }
    const end = (start + left + (fin ? 1 : 0)) | 0
    flight.push(start, end, fin ? SENT.fin : 0, now)
    if (left < full) this.#smallEnd = end
    if (fin) this.finSent = true
    this.nxt = end
    this.bytesSent += size
    this.#lastSentAt = now
    recovery.sent(size)
    return true
  }

  /** Tail loss probe: new data if there is any, else the last segment again (RFC 8985 §7.3). */
  #probeTail(sink: SegmentSink, now: number): boolean {
    const { recovery } = this
    const { flight, probe } = recovery
    if (flight.count === 0) {
      probe.due = false
      return true
    }
    const usable = (this.una + this.window - this.nxt) | 0
    const size = Math.min(this.#unsent, usable, this.mss - this.#writer.sackLength)
    if (size > 0) {
      const sacks = this.#writer.sackLength
      if (!this.#sendNew(sink, now, size, this.mss - sacks, false, sacks)) return false
      probe.sent(this.nxt, false)
    } else {
      if (!this.#resend(flight.tail, sink, now)) return false
      probe.sent(this.nxt, true)
    }
    this.#rtoFrom = now
    return true
  }

  /** One byte at the edge of a closed window, new or old (RFC 9293 §3.8.6.1). */
  #probeWindow(sink: SegmentSink, now: number): boolean {
    const { recovery } = this
    if (recovery.flight.count > 0) {
      // The byte of the last probe, or the first of what the peer has closed its window on.
      const fin = this.#sentBytes === 0
      const flags = fin ? FLAG.fin : 0
      const length = fin ? 0 : 1
      if (!this.#writer.write(sink, now, flags, this.una, this.ring, 0, length, this.mss, 40)) {
        return false
      }
      recovery.flight.resent(recovery.flight.head, now)
      // The probe is what waits for an answer; the time before it was nobody's fault.
      if (this.unansweredSince === Infinity) this.unansweredSince = now
    } else {
      const usable = (this.una + this.window - this.nxt) | 0
      const size = Math.min(this.#unsent, Math.max(usable, 1), this.mss)
      const fin = size === 0 || (size === this.#unsent && this.finQueued && usable > size)
      const small = this.#smallEnd
      if (!this.#sendNew(sink, now, size, this.mss, fin && this.finQueued, 0)) return false
      // Nagle's algorithm is about what the application writes.
      this.#smallEnd = small
    }
    this.#probeDue = false
    return true
  }

  /** Sets the timer by what is in flight now. */
  arm(now: number): void {
    const { recovery } = this
    const { flight, roundTrip, probe } = recovery
    if (flight.count === 0 || this.window === 0) {
      if (flight.count === 0 && this.#unsent <= 0 && (!this.finQueued || this.finSent)) {
        this.#setTimer('none', Infinity)
      } else if (this.#timer !== 'persist' && !this.#probeDue) {
        const wait = Math.min(roundTrip.base * 2 ** this.#persists, MAX_PERSIST)
        this.#setTimer('persist', now + wait)
      }
      return
    }
    // The window was closed: what is in flight has all its time again.
    if (this.#timer === 'persist') this.#rtoFrom = now
    const rto = this.#rtoFrom + roundTrip.timeout
    if (recovery.reorderAt !== Infinity) this.#setTimer('reorder', recovery.reorderAt)
    else if (
      this.#terms.sack &&
      recovery.phase === 'open' &&
      flight.sackedCount === 0 &&
      flight.lostCount === 0 &&
      !probe.active &&
      !probe.due
    ) {
      const at = now + probe.timeout(roundTrip.smoothed, flight.count)
      this.#setTimer('probe', Math.min(at, rto))
    } else this.#setTimer('rto', rto)
  }

  #setTimer(timer: Timer, at: number): void {
    this.#timer = timer
    this.timerAt = at
  }

  /** `timerAt` has passed. */
  expired(now: number): void {
    const timer = this.#timer
    this.#setTimer('none', Infinity)
    if (timer === 'reorder') this.recovery.reordered(this.una, this.nxt, now)
    else if (timer === 'probe') this.recovery.probe.due = true
    else if (timer === 'persist') {
      this.#probeDue = true
      if (this.#persists < 16) this.#persists++
    } else if (timer === 'rto') {
      this.#rtoFrom = now
      this.recovery.timedOut(this.una, this.nxt, now)
    }
    // What is due leaves with the next `poll`, which arms the timer again.
    if (timer !== 'persist' && timer !== 'probe') this.arm(now)
  }

  /**
   * The packets take another path from now on: what is in flight went to where the peer is no longer,
   * and is sent again at once, as carefully as after a timeout.
   */
  pathChanged(now: number): void {
    const { recovery } = this
    recovery.roundTrip.backoffs = 0
    if (recovery.flight.count === 0 || this.window === 0) return
    recovery.timedOut(this.una, this.nxt, now)
    recovery.roundTrip.backoffs = 0
    this.#rtoFrom = now
    this.arm(now)
  }

  /** Timeouts in a row of a full first segment: the path may swallow segments of this size. */
  get fullTimeouts(): number {
    const { flight, roundTrip } = this.recovery
    if (flight.count === 0) return 0
    const length = (flight.end(flight.head) - flight.start(flight.head)) | 0
    return length >= this.mss ? roundTrip.backoffs : 0
  }

  /** Bytes written and not acknowledged. */
  get queued(): number {
    return this.ring.length
  }

  /** Nothing is in flight, and nothing waits. */
  get idle(): boolean {
    return this.recovery.flight.count === 0 && this.ring.length === 0
  }

  /** Bytes of memory in the ring and the table of segments. */
  get memory(): number {
    return this.ring.capacity + this.recovery.flight.memory
  }

  /** Gives the memory of an idle sender back. */
  rest(): void {
    this.ring.release()
    this.recovery.flight.release()
  }

  /** Gives the memory back. */
  release(): void {
    this.ring.release()
    this.recovery.flight.release()
    this.#setTimer('none', Infinity)
    this.unansweredSince = Infinity
  }
}
