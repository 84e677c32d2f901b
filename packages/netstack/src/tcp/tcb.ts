import { FLAG, type TcpSegment } from '../wire/tcp.ts'
import { Challenge } from './challenge.ts'
import { Handshake } from './handshake.ts'
import { KeepAlive } from './keepalive.ts'
import { PathMtu } from './path-mtu.ts'
import { Receiver } from './receiver.ts'
import type { SegmentSink } from './segment-sink.ts'
import { SegmentWriter } from './segment-writer.ts'
import { Sender } from './sender.ts'
import { after, before, earliest, latest } from './seq.ts'
import {
  type CookieHandshake,
  type IcmpProblem,
  TCB_EVENT,
  type TcbFailure,
  type TcbInfo,
  type TcbOptions,
  type TcpState
} from './tcb-types.ts'
import type { TcpConfig } from './tcp-config.ts'
import { LEAST_MSS, Terms, scaleFor } from './terms.ts'

/** Segments that one `poll` writes at most, unless told otherwise. */
const POLL_LIMIT = 100

/** A timestamp older than this says nothing: the clock may have wrapped (RFC 7323 §5.5). */
const TIMESTAMP_VALID = 24 * 24 * 3_600_000

/** Silence after which a connection gives the memory of its rings back, in ms. */
const REST = 2000

/** Room for the largest SACK option of a segment without payload. */
const SACK_ROOM = 40

/**
 * One TCP connection (RFC 9293) without I/O, clock or randomness of its own.
 *
 * The stack calls, for each connection that has something new: inputs (`onSegment` for each segment
 * of the batch, at most 100 per turn; `onTimer`; application calls `write`, `consume`, `close`, …),
 * then **one** `poll`, which writes the segments that are due (so a batch is answered by one ACK),
 * then `takeEvents()`, and last `nextDeadline()` to (re)arm its timer.
 * Every input may make a `poll` necessary: after any call other than a getter, poll.
 * No method calls back. `now` is a monotonic time in milliseconds with fractions, the same clock
 * everywhere, read once per batch.
 *
 * What the stack does: demultiplexing by addresses and ports; checksums; answering segments without
 * a connection (`writeReset`); listeners, their backlog and SYN cookies; initial sequence
 * numbers (`initialSequence`); ICMP (`onPathMtu`, `onIcmpError` after finding the connection by
 * the quoted packet); IP headers. A SYN for a connection in TIME-WAIT for which
 * `canBeReplaced(segment)` is true may make a new connection in its place, with `nextIss()`.
 */
export class Tcb {
  readonly localPort: number
  readonly remotePort: number
  readonly #config: TcpConfig
  readonly #terms: Terms
  readonly #receiver: Receiver
  readonly #writer: SegmentWriter
  readonly #sender: Sender
  readonly #random: () => number
  // What an idle connection does not need, it does not have.
  #handshake: Handshake | undefined
  #challenge: Challenge | undefined
  #keepAlive: KeepAlive | undefined
  #pathMtu: PathMtu | undefined
  readonly #iss: number
  /** The MSS that we announce. */
  readonly #localMss: number
  #state: TcpState = 'closed'
  #failure: TcbFailure | undefined
  #events = 0
  /** A RST is to be sent by the next `poll`. */
  #resetDue = false
  #resetSeq = 0
  #resetAcks = false
  /** End of TIME-WAIT, or of a FIN-WAIT-2 that nobody waits for. */
  #lingerAt = Infinity
  #userTimeout: number
  #discarding = false
  /** `write` took fewer bytes than it was offered. */
  #blocked = false
  /** When the last segment came, and when memory is given back if none comes until then. */
  #activeAt = 0
  #restAt = Infinity
  #segmentsReceived = 0
  #synRetransmits = 0

  constructor(options: TcbOptions) {
    const { config } = options
    this.#config = config
    this.localPort = options.localPort
    this.remotePort = options.remotePort
    this.#iss = options.iss | 0
    this.#terms = new Terms(options.mtu, options.ipHeader, options.timestampOffset)
    this.#localMss = this.#terms.localMss(options.mtu)
    this.#receiver = new Receiver(
      config.receiveBuffer,
      config.maxReceiveBuffer,
      config.delayedAck,
      this.#localMss
    )
    this.#receiver.scale = config.windowScaling ? scaleFor(config) : 0
    this.#writer = new SegmentWriter(
      options.localPort,
      options.remotePort,
      this.#terms,
      this.#receiver
    )
    this.#sender = new Sender(config, this.#terms, this.#writer, (this.#iss + 1) | 0)
    this.#random = options.random
    if (config.keepAlive > 0) this.#keepAlive = new KeepAlive(config)
    this.#userTimeout = config.userTimeout
  }

  // --- openings: exactly one, first ---------------------------------------------------------

  /** Active open: SYN-SENT. */
  connect(now: number): void {
    this.#state = 'syn-sent'
    this.#handshake = new Handshake(this.#config.handshakeTimeout, now)
  }

  /** Passive open: SYN-RECEIVED by the SYN that a listener or forwarder decided to accept. */
  accept(syn: TcpSegment, now: number): void {
    this.#negotiate(syn, now)
    this.#state = 'syn-received'
    this.#handshake = new Handshake(this.#config.handshakeTimeout, now)
  }

  /**
   * Passive open by the ACK that answers a SYN cookie: ESTABLISHED, and the ACK (with its data) is
   * handled as a segment of the connection. `options.iss` is the cookie.
   */
  acceptCookie(ack: TcpSegment, handshake: CookieHandshake, now: number): void {
    const { sack, timestamps, windowScaling } = this.#config
    const terms = this.#terms
    terms.peerMss = Math.max(handshake.mss, LEAST_MSS)
    terms.sack = sack && handshake.sackPermitted
    terms.timestamps = timestamps && ack.hasTimestamps
    terms.scaling = windowScaling && handshake.windowScale >= 0
    this.#settle(handshake.windowScale, ack.seq, ack.tsValue, now)
    this.#state = 'syn-received'
    this.onSegment(ack, now)
  }

  // --- inputs -------------------------------------------------------------------------------

  /** A segment of this connection, checksum verified. Nothing of it is kept but copied bytes. */
  onSegment(segment: TcpSegment, now: number): void {
    this.#segmentsReceived++
    if (this.#state === 'closed') return
    this.#activeAt = now
    this.#keepAlive?.heard(now)
    if (this.#state === 'syn-sent') this.#inSynSent(segment, now)
    else this.#synchronized(segment, now)
  }

  /** `nextDeadline()` has passed; calling earlier does no harm. */
  onTimer(now: number): void {
    const sender = this.#sender
    if (now >= this.#lingerAt) this.#end(undefined)
    if (now >= this.#restAt) this.#rest(now)
    if (this.#handshake?.expired(now) === false) this.#end('timeout')
    if (now >= sender.unansweredSince + this.#userTimeout) this.#end('timeout')
    if (now >= sender.timerAt) {
      sender.expired(now)
      const timeouts = sender.fullTimeouts
      if (timeouts > 0 && this.#path.blackHole(timeouts, now)) this.#resize()
    }
    if (now >= this.#receiver.ackAt) this.#receiver.ackNow = true
    if (this.#keepAlive?.expired(sender.una !== sender.nxt, now) === false) {
      this.#reset(sender.nxt, true)
      this.#end('timeout')
    }
  }

  /**
   * "Packet too big" (RFC 1191, 8201) that quotes a segment of this connection.
   *
   * @param mtu of the next hop, or 0 when the router did not tell
   * @param seq quoted sequence number (int32); outside what is in flight the message is a forgery
   * @returns whether it was believed, and the path MTU may go in a cache
   */
  onPathMtu(mtu: number, seq: number, now: number): boolean {
    if (!this.#inFlight(seq) || !this.#path.tooBig(mtu, now)) return false
    this.#resize()
    return true
  }

  /** An ICMP error that quotes a segment of this connection; `seq` as in `onPathMtu`. */
  onIcmpError(problem: IcmpProblem, seq: number): void {
    // A synchronised connection is not ended by what anybody can send (RFC 5927 §5.2).
    const opening = this.#state === 'syn-sent' || this.#state === 'syn-received'
    if (problem === 'hard' && opening && this.#inFlight(seq)) this.#end('unreachable')
  }

  /** The link below has found the peer at another place: see {@link Sender.pathChanged}. */
  onPathChange(now: number): void {
    if (!this.#opening && this.#state !== 'closed') this.#sender.pathChanged(now)
  }

  // --- output -------------------------------------------------------------------------------

  /**
   * Writes the segments that are due.
   *
   * @param limit segments at most (a super-segment counts as one)
   * @returns `true` when more is due, because of `limit` or because the sink is full: poll again
   */
  poll(sink: SegmentSink, now: number, limit: number = POLL_LIMIT): boolean {
    if (this.#resetDue) {
      if (!this.#writer.writeReset(sink, this.#resetSeq, this.#resetAcks)) return true
      this.#resetDue = false
    }
    const state = this.#state
    if (state === 'closed') return false
    if (this.#opening) return this.#handshake?.due === true && !this.#writeSyn(sink, now)
    if (state !== 'time-wait' && state !== 'fin-wait-2') {
      if (this.#pathMtu?.forget(now) === true) this.#resize()
      if (this.#sender.transmit(sink, now, limit) < 0) return true
    }
    if (this.#keepAlive?.due === true) {
      // A sequence number that the peer has acknowledged: it must answer (RFC 9293 §3.8.4).
      if (!this.#writeAck(sink, now, (this.#sender.una - 1) | 0)) return true
      this.#keepAlive.due = false
    }
    if (this.#receiver.ackDue(now) && !this.#writeAck(sink, now, this.#sender.nxt)) return true
    this.#expectRest(now)
    return false
  }

  /** When `onTimer` is due; `Infinity` when never. */
  nextDeadline(): number {
    const sender = this.#sender
    if (this.#state === 'closed') return Infinity
    return Math.min(
      this.#handshake?.at ?? Infinity,
      sender.timerAt,
      sender.unansweredSince + this.#userTimeout,
      this.#receiver.ackAt,
      this.#keepAlive?.at ?? Infinity,
      this.#lingerAt,
      this.#restAt
    )
  }

  /** The `TCB_EVENT` bits since the last call. */
  takeEvents(): number {
    const events = this.#events
    this.#events = 0
    return events
  }

  // --- application: sending -----------------------------------------------------------------

  /**
   * Copies bytes into the send ring.
   *
   * @returns how many were taken: fewer than offered when the ring is full, 0 after `close` and
   * when the connection is gone. Allowed before the handshake is complete.
   */
  write(bytes: Uint8Array): number {
    const taken = this.#canWrite ? this.#sender.write(bytes) : 0
    if (taken < bytes.length) this.#blocked = true
    return taken
  }

  /** Bytes that `write` would take now. */
  get writable(): number {
    return this.#canWrite ? this.#sender.writable : 0
  }

  /** Bytes written and not yet acknowledged. */
  get unacknowledged(): number {
    return this.#sender.ring.length
  }

  /** What was written so far is urgent: segments say so until it is acknowledged (RFC 9293 §3.8.5). */
  markUrgent(): void {
    if (this.#canWrite) this.#sender.markUrgent()
  }

  /** Half-close: FIN behind all that was written. Idempotent. */
  close(now: number): void {
    if (this.#state === 'syn-sent') this.#end(undefined)
    if (!this.#canWrite || this.#sender.finQueued) return
    this.#sender.finQueued = true
    // Before the handshake is complete, it waits for that.
    if (this.#state === 'syn-received') return
    this.#state = this.#state === 'established' ? 'fin-wait-1' : 'last-ack'
    this.#sender.arm(now)
  }

  /** RST if the peer knows of us, then closed. Idempotent. The next `poll` writes the RST. */
  abort(): void {
    const state = this.#state
    if (state === 'closed') return
    // Where both ends have closed, or the peer has not answered yet, there is nothing to reset.
    if (
      state !== 'syn-sent' &&
      state !== 'closing' &&
      state !== 'last-ack' &&
      state !== 'time-wait'
    ) {
      this.#reset(this.#sender.nxt, true)
    }
    this.#end('aborted')
  }

  // --- application: receiving ---------------------------------------------------------------

  /** Bytes in order that wait to be read. */
  get readable(): number {
    return this.#receiver.ring.length
  }

  /** The longest contiguous range of them, in the ring itself: valid until the next call. */
  peek(): Uint8Array {
    return this.#receiver.ring.peek()
  }

  /** Frees the first `count` of them: this is what opens the window again. */
  consume(count: number): void {
    this.#receiver.consume(count)
  }

  /** Copies bytes out and consumes them. */
  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.readable)
    if (count > 0) {
      this.#receiver.ring.copy(0, count, into, 0)
      this.#receiver.consume(count)
    }
    return count
  }

  /** Bytes from the next to be read up to the end of the peer's urgent data; 0 when there is none. */
  get urgentAhead(): number {
    return this.#receiver.urgentAhead
  }

  /**
   * Nobody will read any more, as after `close` on a BSD socket. What waits unread, and data that
   * arrives from now on, would be lost in silence: both are answered by RST (RFC 9293 §3.6.1).
   */
  discardInput(now: number): void {
    this.#discarding = true
    if (this.readable > 0) this.abort()
    else if (this.#state === 'fin-wait-2') this.#lingerUnread(now)
  }

  // --- settings and state -------------------------------------------------------------------

  setNoDelay(on: boolean): void {
    this.#sender.noDelay = on
  }

  /** @param idle ms of silence before the first probe; 0 is off */
  setKeepAlive(idle: number, now: number): void {
    this.#keepAlive ??= new KeepAlive(this.#config)
    this.#keepAlive.set(idle, now)
  }

  /** @param timeout ms; 0 restores that of the config */
  setUserTimeout(timeout: number): void {
    this.#userTimeout = timeout === 0 ? this.#config.userTimeout : timeout
  }

  get state(): TcpState {
    return this.#state
  }

  get failure(): TcbFailure | undefined {
    return this.#failure
  }

  /** An `iss` for the connection that takes the place of this one in TIME-WAIT (RFC 9293 §3.10.7.4). */
  nextIss(): number {
    return (this.#sender.nxt + 0x1_0001) | 0
  }

  /** May this SYN replace the connection, which is in TIME-WAIT (RFC 6191)? */
  canBeReplaced(syn: TcpSegment): boolean {
    if (this.#state !== 'time-wait') return false
    if ((syn.flags & (FLAG.syn | FLAG.ack | FLAG.rst | FLAG.fin)) !== FLAG.syn) return false
    const receiver = this.#receiver
    if (this.#terms.timestamps && syn.hasTimestamps && syn.tsValue !== receiver.tsRecent) {
      return after(syn.tsValue, receiver.tsRecent)
    }
    return after(syn.seq, receiver.next)
  }

  /** A snapshot of measurements, for `stats` and tests. */
  info(): TcbInfo {
    const sender = this.#sender
    const receiver = this.#receiver
    const { recovery } = sender
    const { roundTrip, congestion } = recovery
    const terms = this.#terms
    return {
      state: this.#state,
      mss: sender.mss,
      pathMtu: terms.pathMtu,
      cwnd: congestion.window,
      ssthresh: congestion.threshold,
      inFlight: recovery.inFlight,
      phase: recovery.phase,
      srtt: roundTrip.smoothed,
      rttvar: roundTrip.variation,
      minRtt: roundTrip.minimum,
      rto: roundTrip.timeout,
      sendWindow: sender.window,
      receiveWindow: (receiver.edge - receiver.next) | 0,
      receiveBuffer: receiver.limit,
      sack: terms.sack,
      timestamps: terms.timestamps,
      sendScale: terms.scaling ? terms.sendScale : -1,
      receiveScale: terms.scaling ? receiver.scale : -1,
      segmentsSent: this.#writer.segments,
      segmentsReceived: this.#segmentsReceived,
      bytesSent: sender.bytesSent,
      bytesReceived: receiver.bytes,
      retransmits: recovery.retransmits + this.#synRetransmits,
      timeouts: recovery.timeouts,
      spurious: recovery.spurious,
      duplicateSegments: receiver.duplicates,
      outOfOrderSegments: receiver.outOfOrder,
      memory: sender.memory + receiver.memory
    }
  }

  // --- handshake ----------------------------------------------------------------------------

  /** RFC 9293 §3.10.7.3. */
  #inSynSent(segment: TcpSegment, now: number): void {
    const { flags } = segment
    const acked = (flags & FLAG.ack) !== 0
    if (acked && segment.ack !== this.#sender.una) {
      if ((flags & FLAG.rst) === 0) this.#reset(segment.ack, false)
      return
    }
    if ((flags & FLAG.rst) !== 0) {
      if (acked) this.#end('refused')
      return
    }
    if ((flags & FLAG.syn) === 0) return
    this.#negotiate(segment, now)
    if (!acked) {
      // Simultaneous open: both SYNs are on their way.
      this.#state = 'syn-received'
      this.#handshake = new Handshake(this.#config.handshakeTimeout, now)
      return
    }
    this.#established(segment, segment.window, now)
    this.#receiver.ackNow = true
    this.#text(segment, (segment.seq + 1) | 0, now)
  }

  /** Takes the options of the peer's SYN. */
  #negotiate(syn: TcpSegment, now: number): void {
    const { sack, timestamps, windowScaling } = this.#config
    const terms = this.#terms
    if (syn.mss > 0) terms.peerMss = Math.max(syn.mss, LEAST_MSS)
    terms.sack = sack && syn.sackPermitted
    terms.timestamps = timestamps && syn.hasTimestamps
    terms.scaling = windowScaling && syn.windowScale >= 0
    this.#settle(syn.windowScale, (syn.seq + 1) | 0, syn.tsValue, now)
  }

  #settle(sendScale: number, next: number, tsValue: number, now: number): void {
    const terms = this.#terms
    const receiver = this.#receiver
    terms.sendScale = terms.scaling ? sendScale : 0
    if (!terms.scaling) receiver.scale = 0
    receiver.start(next, this.#synWindow)
    receiver.tsRecent = terms.timestamps ? tsValue : 0
    receiver.tsRecentAt = now
  }

  /** The window of a SYN is never scaled. */
  get #synWindow(): number {
    return Math.min(this.#receiver.limit, 0xffff)
  }

  #writeSyn(sink: SegmentSink, now: number): boolean {
    const first = this.#state === 'syn-sent'
    const { sack, timestamps, windowScaling } = this.#config
    const offer = first ? { sack, timestamps, scaling: windowScaling } : this.#terms
    const flags = first ? FLAG.syn : FLAG.syn | FLAG.ack
    const window = this.#synWindow
    if (!this.#writer.writeSyn(sink, now, flags, this.#iss, this.#localMss, window, offer)) {
      return false
    }
    if (this.#handshake?.sent() === true) this.#synRetransmits++
    return true
  }

  #established(segment: TcpSegment, window: number, now: number): void {
    const { roundTrip } = this.#sender.recovery
    const time = this.#handshake?.roundTrip(now) ?? -1
    const synLost = this.#synRetransmits > 0
    this.#handshake = undefined
    if (time >= 0) roundTrip.sample(time, now)
    else if (segment.hasTimestamps && this.#terms.timestamps) {
      roundTrip.sample(Math.max(now - this.#terms.echoedAt(segment.tsEcho, now), 0), now)
    }
    if (synLost) roundTrip.afterLostSyn()
    this.#sender.open(segment, window, synLost)
    this.#state = this.#sender.finQueued ? 'fin-wait-1' : 'established'
    this.#events |= TCB_EVENT.connected
    this.#keepAlive?.heard(now)
  }

  // --- synchronised states ------------------------------------------------------------------

  /** RFC 9293 §3.10.7.4, with 5961 and 7323. */
  #synchronized(segment: TcpSegment, now: number): void {
    const receiver = this.#receiver
    let { seq, flags } = segment
    if (this.#state === 'syn-received' && (flags & (FLAG.syn | FLAG.rst)) === FLAG.syn) {
      if (((seq + 1) | 0) !== receiver.next) return this.#challengeAck(now)
      // The SYN again: ours was lost, or both ends opened at once.
      if ((flags & FLAG.ack) === 0) {
        if (this.#handshake !== undefined && this.#mayChallenge(now)) this.#handshake.due = true
        return
      }
      seq = receiver.next
      flags &= ~FLAG.syn
    }
    const reset = (flags & FLAG.rst) !== 0
    if (this.#terms.timestamps && !reset && !this.#timely(segment, now)) return
    const length = segment.end - segment.payload
    const occupied =
      length + ((flags & FLAG.syn) !== 0 ? 1 : 0) + ((flags & FLAG.fin) !== 0 ? 1 : 0)
    if (!this.#acceptable(seq, occupied)) {
      if (!reset) this.#unacceptable(segment, seq, length, occupied, now)
      return
    }
    if (reset) {
      // RFC 5961 §3: only the exact number resets; and nothing ends TIME-WAIT early (RFC 1337).
      if (this.#state === 'time-wait') return
      if (seq === receiver.next) this.#end(this.#opening ? 'refused' : 'reset')
      else this.#challengeAck(now)
      return
    }
    if ((flags & FLAG.syn) !== 0) return this.#challengeAck(now)
    if ((flags & FLAG.ack) === 0) return
    if (
      this.#terms.timestamps &&
      !after(seq, receiver.acked) &&
      (!before(segment.tsValue, receiver.tsRecent) || this.#stale(now))
    ) {
      receiver.tsRecent = segment.tsValue
      receiver.tsRecentAt = now
    }
    if (!this.#acknowledged(segment, now)) return
    this.#urgent(segment, seq)
    this.#text(segment, seq, now)
  }

  #urgent({ flags, urgent }: TcpSegment, seq: number): void {
    if ((flags & FLAG.urg) === 0 || urgent === 0) return
    if (this.#receiver.urgent((seq + urgent) | 0)) this.#events |= TCB_EVENT.urgent
  }

  get #opening(): boolean {
    return this.#state === 'syn-received' || this.#state === 'syn-sent'
  }

  /** PAWS (RFC 7323 §5.3): an old duplicate is not taken for news. */
  #timely(segment: TcpSegment, now: number): boolean {
    const receiver = this.#receiver
    if (!segment.hasTimestamps) return false
    if (!before(segment.tsValue, receiver.tsRecent) || this.#stale(now)) return true
    // A bare ACK overtaken by a later one asks for no answer, and would get one for ever.
    const { flags } = segment
    if (segment.end > segment.payload || (flags & (FLAG.syn | FLAG.fin)) !== 0) {
      receiver.ackNow = true
      receiver.duplicates++
    }
    return false
  }

  /** Is TS.Recent too old to compare with? */
  #stale(now: number): boolean {
    return now - this.#receiver.tsRecentAt > TIMESTAMP_VALID
  }

  /** RFC 9293 §3.4, table of acceptable segments. */
  #acceptable(seq: number, occupied: number): boolean {
    const { next, edge } = this.#receiver
    // An ACK without text may lie at the edge itself: the peer has filled our window.
    if (occupied === 0) return !before(seq, next) && !after(seq, edge)
    return before(seq, edge) && after((seq + occupied) | 0, next)
  }

  #unacceptable(
    segment: TcpSegment,
    seq: number,
    length: number,
    occupied: number,
    now: number
  ): void {
    const receiver = this.#receiver
    const end = (seq + length) | 0
    if (occupied === 0 && seq !== ((receiver.next - 1) | 0)) {
      // Text asks for an answer; two ends that answer each other's ACKs would never stop.
      this.#challengeAck(now)
    } else if (length > 0 && !after(end, receiver.next)) receiver.repeated(seq, end)
    else receiver.ackNow = true
    if (this.#state === 'time-wait' && (segment.flags & FLAG.fin) !== 0) this.#startTimeWait(now)
    // A closed window still takes acknowledgements, and a FIN that needs no room (§3.10.7.4).
    if (seq !== receiver.next || receiver.edge !== receiver.next) return
    if ((segment.flags & (FLAG.ack | FLAG.syn)) !== FLAG.ack) return
    if (!this.#acknowledged(segment, now)) return
    this.#urgent(segment, seq)
    if (length === 0) this.#text(segment, seq, now)
  }

  /** The ACK field; `false` when the segment is to be dropped. */
  #acknowledged(segment: TcpSegment, now: number): boolean {
    const sender = this.#sender
    const { ack } = segment
    if (this.#state === 'syn-received') {
      if (ack !== sender.una) {
        this.#reset(ack, false)
        return false
      }
      this.#established(segment, segment.window << this.#terms.sendScale, now)
    } else if (after(ack, sender.nxt) || before(ack, (sender.una - sender.maxWindow) | 0)) {
      // Neither news nor a late duplicate: blind injection (RFC 5961 §5).
      this.#challengeAck(now)
      return false
    }
    if (this.#state === 'time-wait') return true
    sender.acked(segment, now)
    if (this.#blocked && sender.writable * 2 >= sender.ring.length) {
      this.#blocked = false
      this.#events |= TCB_EVENT.writable
    }
    if (sender.finAcked) this.#finAcknowledged(now)
    return this.#state !== 'closed'
  }

  #finAcknowledged(now: number): void {
    const state = this.#state
    if (state === 'fin-wait-2' || state === 'closed') return
    this.#events |= TCB_EVENT.flushed
    if (state === 'fin-wait-1') {
      this.#state = 'fin-wait-2'
      if (this.#discarding) this.#lingerUnread(now)
    } else if (state === 'closing') this.#startTimeWait(now)
    else this.#end(undefined)
  }

  /** Text and FIN. */
  #text(segment: TcpSegment, seq: number, now: number): void {
    const length = segment.end - segment.payload
    const fin = (segment.flags & FLAG.fin) !== 0
    if (length === 0 && !fin) return
    const receiver = this.#receiver
    const state = this.#state
    if (state !== 'established' && state !== 'fin-wait-1' && state !== 'fin-wait-2') return
    if (length > 0 && this.#discarding) {
      this.#reset(this.#sender.nxt, true)
      this.#end('aborted')
      return
    }
    const start = latest(seq, receiver.next)
    const end = earliest((seq + length) | 0, receiver.edge)
    const cut = end !== ((seq + length) | 0)
    if (cut) receiver.ackNow = true
    if (start !== seq && length > 0) receiver.repeated(seq, earliest(receiver.next, end))
    if (segment.hasTimestamps && length > 0 && segment.tsEcho !== 0 && this.#terms.timestamps) {
      receiver.measured(now - this.#terms.echoedAt(segment.tsEcho, now), now)
    }
    const before = receiver.ring.length
    const complete = receiver.receive(
      segment.slab.bytes,
      segment.payload + ((start - seq) | 0),
      Math.max((end - start) | 0, 0),
      start,
      fin && !cut,
      now
    )
    if (receiver.ring.length > before) this.#events |= TCB_EVENT.readable
    if (complete) this.#ended(now)
  }

  /** The peer's FIN and all before it have arrived. */
  #ended(now: number): void {
    this.#events |= TCB_EVENT.ended
    if (this.#state === 'established') this.#state = 'close-wait'
    else if (this.#state === 'fin-wait-1') this.#state = 'closing'
    else this.#startTimeWait(now)
  }

  // --- endings ------------------------------------------------------------------------------

  #startTimeWait(now: number): void {
    this.#state = 'time-wait'
    this.#lingerAt = now + this.#config.timeWait
    this.#sender.release()
    this.#keepAlive?.stop()
  }

  /** FIN-WAIT-2 with nobody to read: a peer that never closes must not hold it for ever. */
  #lingerUnread(now: number): void {
    if (this.#config.finWait2 > 0) this.#lingerAt = now + this.#config.finWait2
  }

  #challengeAck(now: number): void {
    if (this.#mayChallenge(now)) this.#receiver.ackNow = true
  }

  #mayChallenge(now: number): boolean {
    this.#challenge ??= new Challenge(this.#config.challengeAckInterval, this.#random)
    return this.#challenge.allowed(now)
  }

  /** What is known of the path's MTU; made when it is first in doubt. */
  get #path(): PathMtu {
    this.#pathMtu ??= new PathMtu(this.#terms.pathMtu, this.#terms.ipHeader)
    return this.#pathMtu
  }

  #reset(seq: number, withAck: boolean): void {
    this.#resetDue = true
    this.#resetSeq = seq
    this.#resetAcks = withAck
  }

  /** The connection is gone. What was received in order stays readable after an orderly end. */
  #end(failure: TcbFailure | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#failure = failure
    this.#events |= TCB_EVENT.closed
    this.#handshake = undefined
    this.#sender.release()
    this.#keepAlive?.stop()
    this.#lingerAt = this.#restAt = Infinity
    this.#receiver.sent()
    if (failure !== undefined) this.#receiver.release()
  }

  /** An idle connection has no rings: they grow again from nothing. */
  #rest(now: number): void {
    this.#restAt = Infinity
    if (now - this.#activeAt < REST) return this.#expectRest(now)
    if (!this.#sender.idle || !this.#receiver.idle) return
    this.#sender.rest()
    this.#receiver.release()
  }

  /** An idle connection that holds memory is looked at again after a while. */
  #expectRest(now: number): void {
    const [sender, receiver] = [this.#sender, this.#receiver]
    if (this.#restAt !== Infinity || !sender.idle || !receiver.idle) return
    if (sender.memory + receiver.memory > 0) this.#restAt = now + REST
  }

  // --- small ones ---------------------------------------------------------------------------

  get #canWrite(): boolean {
    const state = this.#state
    return (
      state === 'established' ||
      state === 'close-wait' ||
      state === 'syn-sent' ||
      state === 'syn-received'
    )
  }

  #inFlight(seq: number): boolean {
    const { una, nxt } = this.#sender
    return this.#opening ? seq === this.#iss : !before(seq, una) && before(seq, nxt)
  }

  #resize(): void {
    this.#terms.pathMtu = this.#path.current
    this.#sender.resize()
  }

  #writeAck(sink: SegmentSink, now: number, seq: number): boolean {
    return this.#writer.write(sink, now, 0, seq, undefined, 0, 0, 0, SACK_ROOM)
  }
}
