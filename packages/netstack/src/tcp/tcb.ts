import type { TcpSegment } from '../wire/tcp.ts'
import type { SegmentSink } from './segment-sink.ts'
import type { TcpConfig } from './tcp-config.ts'

/** The states of RFC 9293 §3.3.2. LISTEN is the stack's: a Tcb is one connection. */
export type TcpState =
  | 'closed'
  | 'listen'
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'close-wait'
  | 'closing'
  | 'last-ack'
  | 'time-wait'

/** What happened since the last `takeEvents()`, as bits. */
export const TCB_EVENT = {
  /** The handshake is complete: data may be sent (once). */
  connected: 1,
  /** More bytes can be read than before. */
  readable: 2,
  /** `write` takes bytes again after it took fewer than offered. */
  writable: 4,
  /** The peer has sent FIN, and all before it is here (once); `readable` bytes may remain. */
  ended: 8,
  /** The connection is gone; `failure` says why, or is `undefined` after an orderly end (once). */
  closed: 16,
  /** All data and our FIN are acknowledged (once). */
  flushed: 32
} as const

/** Why a connection ended other than in order. The socket layer makes an error of it. */
export type TcbFailure =
  /** The peer answered our SYN with RST. */
  | 'refused'
  /** RST on a synchronised connection. */
  | 'reset'
  /** SYN, data or probes stayed unanswered for too long. */
  | 'timeout'
  /** ICMP said during the handshake that the peer cannot be reached. */
  | 'unreachable'
  /** `abort()` was called. */
  | 'aborted'

/** What an ICMP error that quotes one of our segments says (RFC 9293 §3.9.2.2, RFC 5461). */
export type IcmpProblem =
  /** Port or protocol unreachable, or prohibited: ends an attempt to connect. */
  | 'hard'
  /** Network or host unreachable, time exceeded: never ends anything. */
  | 'soft'

/** What a connection is made of. */
export interface TcbOptions {
  /** Shared settings; must be complete and valid (`tcpConfig()` makes it). */
  readonly config: TcpConfig
  readonly localPort: number
  readonly remotePort: number
  /** Initial send sequence number, int32: `initialSequence(…)` (RFC 6528). */
  readonly iss: number
  /** MTU of the path as known now: that of the link, or a cached lower one. */
  readonly mtu: number
  /** Bytes of IP header before each segment: 20 or 40. */
  readonly ipHeader: 20 | 40
  /** Offset of our timestamp clock, int32, secret per flow (RFC 7323 §5.4): `flowHash`. */
  readonly timestampOffset: number
  /** Uniform in [0, 1); jitters challenge ACKs. */
  readonly random: () => number
}

/** The options of a SYN that a cookie brought back: what the handshake would have negotiated. */
export interface CookieHandshake {
  /** The peer's MSS as the cookie encodes it. */
  readonly mss: number
  /** The peer's window scale, or -1 when it did not offer one; needs timestamps to be remembered. */
  readonly windowScale: number
  readonly sackPermitted: boolean
}

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
 * `canBeReplaced(segment)` is true may make a new connection in its place, with an `iss` above
 * `sendNext` (`nextIss()`).
 */
export declare class Tcb {
  constructor(options: TcbOptions)

  // --- openings: exactly one, first -----------------------------------------------------------
  /** Active open: SYN-SENT. */
  connect(now: number): void
  /** Passive open: SYN-RECEIVED by the SYN that a listener or forwarder decided to accept. */
  accept(syn: TcpSegment, now: number): void
  /**
   * Passive open by the ACK that answers a SYN cookie: ESTABLISHED, and the ACK (with its data) is
   * handled as a segment of the connection. `options.iss` is the cookie.
   */
  acceptCookie(ack: TcpSegment, handshake: CookieHandshake, now: number): void

  // --- inputs ---------------------------------------------------------------------------------
  /** A segment of this connection, checksum verified. Nothing of it is kept but copied bytes. */
  onSegment(segment: TcpSegment, now: number): void
  /** `nextDeadline()` has passed; calling earlier does no harm. */
  onTimer(now: number): void
  /**
   * "Packet too big" (RFC 1191, 8201) that quotes a segment of this connection.
   *
   * @param mtu of the next hop, or 0 when the router did not tell
   * @param seq quoted sequence number (int32); outside what is in flight the message is a forgery
   * @returns whether it was believed, and the path MTU may go in a cache
   */
  onPathMtu(mtu: number, seq: number, now: number): boolean
  /** An ICMP error that quotes a segment of this connection; `seq` as in `onPathMtu`. */
  onIcmpError(problem: IcmpProblem, seq: number, now: number): void

  // --- output ---------------------------------------------------------------------------------
  /**
   * Writes the segments that are due.
   *
   * @param limit segments at most (a super-segment counts as one)
   * @returns `true` when more is due, because of `limit` or because the sink is full: poll again
   */
  poll(sink: SegmentSink, now: number, limit?: number): boolean
  /** When `onTimer` is due; `Infinity` when never. */
  nextDeadline(): number
  /** The `TCB_EVENT` bits since the last call. */
  takeEvents(): number

  // --- application: sending -------------------------------------------------------------------
  /**
   * Copies bytes into the send ring.
   *
   * @returns how many were taken: fewer than offered when the ring is full, 0 after `close` or
   * before it can ever be sent (closed). Allowed before the handshake is complete.
   */
  write(bytes: Uint8Array): number
  /** Bytes that `write` would take now. */
  readonly writable: number
  /** Bytes written and not yet acknowledged. */
  readonly unsent: number
  /** Half-close: FIN behind all that was written. Idempotent. */
  close(now: number): void
  /** RST if the peer knows of us, then closed. Idempotent. The next `poll` writes the RST. */
  abort(now: number): void

  // --- application: receiving -----------------------------------------------------------------
  /** Bytes in order that wait to be read. */
  readonly readable: number
  /** The longest contiguous range of them, in the ring itself: valid until the next call. */
  peek(): Uint8Array
  /** Frees the first `count` of them: this is what opens the window again. */
  consume(count: number): void
  /** Copies bytes out and consumes them. */
  read(into: Uint8Array): number
  /**
   * Nobody will read any more: what is buffered is discarded, and data that arrives from now on is
   * answered by RST (RFC 9293 MUST-… §3.6.1), as after `close` on a BSD socket.
   */
  discardInput(now: number): void

  // --- settings and state ---------------------------------------------------------------------
  setNoDelay(on: boolean): void
  /** @param idle ms of silence before the first probe; 0 is off */
  setKeepAlive(idle: number, now: number): void
  /** @param timeout ms; 0 restores that of the config */
  setUserTimeout(timeout: number): void
  readonly state: TcpState
  readonly failure: TcbFailure | undefined
  readonly localPort: number
  readonly remotePort: number
  /** An `iss` for the connection that takes the place of this one in TIME-WAIT (RFC 9293 §3.10.7.4). */
  nextIss(): number
  /** May this SYN replace the connection, which is in TIME-WAIT (RFC 6191)? */
  canBeReplaced(syn: TcpSegment): boolean
  /** A snapshot of measurements, for `stats` and tests. */
  info(): TcbInfo
}

/** A snapshot of what a connection measures; sizes in bytes, times in ms. */
export interface TcbInfo {
  readonly state: TcpState
  readonly mss: number
  readonly pathMtu: number
  readonly cwnd: number
  readonly ssthresh: number
  readonly inFlight: number
  readonly srtt: number
  readonly rttvar: number
  readonly minRtt: number
  readonly rto: number
  readonly sendWindow: number
  readonly receiveWindow: number
  readonly sack: boolean
  readonly timestamps: boolean
  /** Shift of the peer's window, or -1. */
  readonly sendScale: number
  readonly receiveScale: number
  readonly segmentsSent: number
  readonly segmentsReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly retransmits: number
  readonly timeouts: number
  readonly spuriousTimeouts: number
  readonly duplicateSegments: number
  readonly outOfOrderSegments: number
  /** Bytes of memory in rings and tables. */
  readonly memory: number
}
