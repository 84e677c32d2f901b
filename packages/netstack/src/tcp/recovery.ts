import { type AckSample, type Congestion, initialWindow } from './congestion/congestion.ts'
import { Cubic } from './congestion/cubic.ts'
import { NewReno } from './congestion/newreno.ts'
import { Delivery, OUTCOME } from './delivery.ts'
import { Flight, SENT } from './flight.ts'
import { Prr } from './prr.ts'
import { DUP_THRESHOLD, Rack } from './rack.ts'
import { RoundTrip } from './rtt.ts'
import { after, before } from './seq.ts'
import { TailProbe } from './tail-probe.ts'
import type { TcpConfig } from './tcp-config.ts'

/** Nothing is known to be lost; losses are being repaired; the retransmission timeout has passed. */
export type Phase = 'open' | 'recovery' | 'loss'

/** Older echoes of timestamps are not believed, in ms. */
const MAX_ECHO = 60_000

/** Filled again for each acknowledgement that lets the window grow. */
const SAMPLE: { -readonly [K in keyof AckSample]: AckSample[K] } = {
  acked: 0,
  rtt: -1,
  una: 0,
  nxt: 0,
  now: 0
}

/**
 * What was lost, and how much may be in flight: RACK-TLP (RFC 8985) or, without SACK, NewReno (6582);
 * PRR (6937); the retransmission timeout with F-RTO (5682); and taking back what was spurious, by F-RTO,
 * timestamps (Eifel, 3522) or DSACK (3708).
 */
export class Recovery {
  readonly flight = new Flight()
  readonly roundTrip: RoundTrip
  readonly rack: Rack
  readonly probe = new TailProbe()
  readonly delivery: Delivery
  readonly congestion: Congestion
  /** Of the recovery under way. */
  #prr: Prr | undefined
  readonly #initialWindow: number
  #mss: number
  phase: Phase = 'open'
  /** `SND.NXT` when the loss was detected: all before it acknowledged ends the phase. */
  point = 0
  /** When RACK looks again; Infinity when nothing waits. */
  reorderAt = Infinity
  /** The window, and not the application or the peer, ended the last `transmit`. */
  limited = false
  /** Step 2.b of F-RTO: new data goes before what was lost. */
  newDataFirst = false
  #frto = false
  /** The last reduction can still be taken back. */
  #undoable = false
  /** Retransmissions since then that no DSACK has shown to be needless. */
  #toUndo = 0
  #firstResentAt = Infinity
  /** Without SACK: bytes that repeated acknowledgements say have arrived. */
  #phantom = 0
  #repeated = 0
  retransmits = 0
  timeouts = 0
  spurious = 0

  constructor(config: TcpConfig, mss: number, start: number) {
    this.#mss = mss
    this.#initialWindow = config.initialWindow
    this.point = start
    this.roundTrip = new RoundTrip(config.minRto, config.maxRto)
    this.rack = new Rack(start)
    this.delivery = new Delivery(this.flight, this.rack, this.roundTrip)
    this.congestion =
      config.congestion === 'cubic'
        ? new Cubic(mss, config.initialWindow)
        : new NewReno(mss, config.initialWindow)
  }

  /** The handshake is complete, and told the segment size. */
  open(mss: number, synLost: boolean): void {
    this.#mss = mss
    this.congestion.resize(mss)
    this.congestion.window = initialWindow(synLost ? 1 : this.#initialWindow, mss)
  }

  /** Bytes that are on their way, as far as known (the "pipe" of RFC 6675). */
  get inFlight(): number {
    return Math.max(this.flight.pipe - this.#phantom, 0)
  }

  /** Bytes that may be sent now. */
  get room(): number {
    return this.congestion.window - this.inFlight
  }

  /** The segment size changed; what no longer fits the path is lost, without anybody's fault. */
  resize(mss: number): void {
    if (mss < this.#mss) this.flight.recut(mss)
    this.#mss = mss
    this.congestion.resize(mss)
  }

  /**
   * All that `OUTCOME` tells has been entered in the flight: what follows from it.
   *
   * @param before bytes in flight before the acknowledgement
   */
  acked(una: number, nxt: number, inFlightBefore: number, sack: boolean, now: number): void {
    const { acked, delivered, duplicate } = OUTCOME
    const { flight, rack } = this
    this.newDataFirst = false
    if (OUTCOME.rtt >= 0 && !OUTCOME.retransmitted) this.roundTrip.sample(OUTCOME.rtt, now)
    else if (acked > 0 && Math.abs(now - OUTCOME.echoedAt) <= MAX_ECHO) {
      // With retransmissions among what arrived, the timestamp tells which of them was answered.
      // But when its acknowledgement was lost, a later one tells an old time: it counts in part.
      const elapsed = Math.min(now - OUTCOME.echoedAt, 2 * this.roundTrip.base)
      this.roundTrip.sample(Math.max(elapsed, 0), now)
    }
    if (acked > 0) this.roundTrip.backoffs = 0
    if (duplicate) {
      rack.duplicate(una, nxt)
      if (this.#undoable && this.#toUndo > 0 && --this.#toUndo === 0 && this.phase !== 'loss') {
        this.#undo()
      }
    }
    const bare = OUTCOME.repeated && OUTCOME.sacked === 0 && !duplicate
    // What was outstanding, but not what limited transmit sent besides (RFC 5681 §3.2).
    const outstanding = Math.min(((nxt - una) | 0) + acked, this.congestion.window)
    if (this.probe.acked(una, duplicate, bare) && this.phase === 'open') {
      this.#reduce(outstanding)
      this.#undoable = false
      this.congestion.window = Math.min(this.congestion.window, this.congestion.threshold)
    }
    const lostBefore = flight.lostCount
    if (sack) {
      if (acked > 0 || OUTCOME.sacked > 0) this.detect(now)
    } else this.#countRepeated(una)
    const lost = flight.lostCount > lostBefore

    // Without SACK, what came with a retransmission may have waited for it.
    if (!sack && OUTCOME.retransmitted) OUTCOME.original = false
    const wasOpen = this.phase === 'open'
    // Slow start goes on with the acknowledgement that ends it; what was put back does not grow too.
    const mayGrow = this.phase !== 'recovery'
    const { spurious } = this
    if (!wasOpen && acked > 0) this.#progress(una, nxt, lost)
    if (this.phase === 'open') {
      this.point = una
      // What was lost since the end of a recovery needs another one.
      if (flight.lostCount > 0 && (lost || !wasOpen)) this.#enter(nxt, inFlightBefore, outstanding)
      else if (acked > 0 && mayGrow && spurious === this.spurious) {
        this.#grow(una, nxt, inFlightBefore, now)
      }
    } else if (this.phase === 'loss') {
      if (acked === 0 && OUTCOME.sacked > 0) this.#frto = false
      if (acked > 0) this.#grow(una, nxt, inFlightBefore, now)
    }
    if (this.phase === 'recovery' && this.#prr !== undefined) {
      const news = sack ? delivered : acked + (OUTCOME.repeated ? this.#mss : 0)
      this.congestion.window =
        this.inFlight +
        this.#prr.allowed(
          news,
          this.inFlight,
          this.congestion.threshold,
          this.#mss,
          acked > 0 && !lost
        )
      // A partial acknowledgement names the next hole, which is not kept waiting (RFC 6582 §3.2).
      if (!sack && lost) {
        this.congestion.window = Math.max(this.congestion.window, this.inFlight + this.#mss)
      }
    }
  }

  /** RACK: marks what is lost by now. Also called when `reorderAt` has passed. */
  detect(now: number): void {
    const wait = this.rack.detect(this.flight, now, this.roundTrip, this.phase !== 'open')
    this.reorderAt = wait > 0 ? now + wait : Infinity
  }

  /** `reorderAt` has passed. */
  reordered(una: number, nxt: number, now: number): void {
    const before = this.inFlight
    const lostBefore = this.flight.lostCount
    this.detect(now)
    if (this.flight.lostCount === lostBefore) return
    if (this.phase === 'open') {
      this.#enter(nxt, before, Math.min((nxt - una) | 0, this.congestion.window))
    }
    if (this.phase === 'recovery' && this.#prr !== undefined) {
      this.congestion.window =
        this.inFlight +
        this.#prr.allowed(0, this.inFlight, this.congestion.threshold, this.#mss, false)
    }
  }

  /** The retransmission timeout has passed (RFC 6298 §5.4, 8985 §6.3, 5682). */
  timedOut(una: number, nxt: number, now: number): void {
    const { flight } = this
    const again = this.phase === 'loss' && before(una, this.point)
    // F-RTO only for a first timeout: the second says that the answer was not just late.
    this.#frto = this.phase === 'open'
    if (this.phase === 'open' || !before(una, this.point)) {
      this.#reduce(Math.min((nxt - una) | 0, this.congestion.window), true)
    } else this.congestion.window = this.#mss
    this.timeouts++
    this.phase = 'loss'
    this.point = nxt
    this.#phantom = this.#repeated = 0
    this.probe.cancel()
    if (again) this.#undoable = false
    if ((flight.flags(flight.head) & SENT.sacked) !== 0) {
      // The head is SACKed but never acknowledged: the peer has taken its word back.
      flight.forgetSacked()
      this.delivery.forget()
    }
    const limit = now - this.rack.rtt - this.rack.window(flight, this.roundTrip, true)
    for (let place = 0; place < flight.count; place++) {
      const index = flight.at(place)
      if ((flight.flags(index) & (SENT.sacked | SENT.lost)) !== 0) continue
      if (place === 0 || flight.sentAt(index) <= limit || this.rack.rtt === 0) {
        flight.markLost(index)
      }
    }
    this.reorderAt = Infinity
    this.roundTrip.backOff()
  }

  /** A segment was sent for the first time. */
  sent(bytes: number): void {
    if (this.phase === 'recovery') this.#prr?.sent(bytes)
  }

  /** A segment was sent again. */
  resent(bytes: number, now: number): void {
    this.retransmits++
    if (this.phase === 'recovery') this.#prr?.sent(bytes)
    if (this.#undoable) {
      this.#toUndo++
      if (this.#firstResentAt === Infinity) this.#firstResentAt = Math.floor(now)
    }
  }

  /** Nothing was in flight for `idle` ms (RFC 5681 §4.1): the window halves with each timeout. */
  idled(idle: number): void {
    const { congestion } = this
    congestion.idled(idle)
    const floor = Math.min(congestion.window, this.#initialWindow * this.#mss)
    const halvings = Math.min(Math.floor(idle / this.roundTrip.timeout), 30)
    congestion.window = Math.max(Math.floor(congestion.window / 2 ** halvings), floor)
  }

  /** NewReno's dup ACKs, for peers without SACK (RFC 6582, 3042). */
  #countRepeated(una: number): void {
    const { flight } = this
    if (OUTCOME.acked > 0) {
      this.#repeated = 0
      this.#phantom = Math.max(this.#phantom - Math.max(OUTCOME.acked - this.#mss, 0), 0)
      if (this.phase === 'recovery' && before(una, this.point) && flight.count > 0) {
        // A partial acknowledgement: the next hole is right behind it.
        const { head } = flight
        if ((flight.flags(head) & (SENT.lost | SENT.retransmitted)) === 0) flight.markLost(head)
      }
      return
    }
    if (!OUTCOME.repeated || flight.count === 0) return
    this.#repeated++
    this.#phantom = Math.min(this.#phantom + this.#mss, flight.pipe)
    if (this.#repeated === DUP_THRESHOLD && this.phase === 'open' && !before(una, this.point)) {
      flight.markLost(flight.head)
    }
  }

  /** An acknowledgement moved `SND.UNA` during recovery or after a timeout. */
  #progress(una: number, nxt: number, lost: boolean): void {
    if (this.#undoable && (this.#toUndo === 0 || OUTCOME.echoedAt < this.#firstResentAt)) {
      if (this.#firstResentAt !== Infinity) {
        this.#undo()
        return
      }
    }
    if (this.phase === 'loss' && this.#frto) {
      if (OUTCOME.original) {
        this.#undo()
        return
      }
      if (after(nxt, this.point) || lost) this.#frto = OUTCOME.sacked === 0
      else if (before(una, this.point)) {
        this.point = nxt
        this.newDataFirst = true
      }
    }
    if (before(una, this.point)) return
    if (this.phase === 'recovery') {
      this.congestion.window = this.congestion.threshold
    }
    this.rack.recovered()
    this.phase = 'open'
    this.#phantom = this.#repeated = 0
    this.#frto = false
  }

  #enter(nxt: number, inFlightBefore: number, outstanding: number): void {
    this.phase = 'recovery'
    this.point = nxt
    this.#reduce(outstanding)
    this.#prr = new Prr(inFlightBefore)
    this.probe.cancel()
  }

  #reduce(outstanding: number, timeout = false): void {
    if (timeout) this.congestion.timedOut(outstanding)
    else this.congestion.lost(outstanding)
    this.#undoable = true
    this.#toUndo = 0
    this.#firstResentAt = Infinity
  }

  #undo(): void {
    const { flight } = this
    this.spurious++
    while (flight.lostCount > 0) flight.unmarkLost(flight.firstLost())
    this.congestion.undo()
    this.phase = 'open'
    this.#undoable = this.#frto = false
    this.#phantom = this.#repeated = 0
    this.roundTrip.backoffs = 0
  }

  #grow(una: number, nxt: number, inFlightBefore: number, now: number): void {
    const { congestion } = this
    const slowStart = congestion.window < congestion.threshold
    // A window that is not used says nothing of the path (RFC 9293 §3.8.2, 7661).
    if (!this.limited && !(slowStart && congestion.window < 2 * inFlightBefore)) return
    SAMPLE.acked = OUTCOME.acked
    SAMPLE.rtt = OUTCOME.newestRtt
    SAMPLE.una = una
    SAMPLE.nxt = nxt
    SAMPLE.now = now
    congestion.acked(SAMPLE, this.roundTrip.smoothed)
  }
}
