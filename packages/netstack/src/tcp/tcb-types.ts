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
  flushed: 32,
  /** The peer has announced urgent data, or more of it: `urgentAhead` tells how far it goes. */
  urgent: 64
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

/** A snapshot of what a connection measures; sizes in bytes, times in ms. */
export interface TcbInfo {
  readonly state: TcpState
  readonly mss: number
  readonly pathMtu: number
  readonly cwnd: number
  readonly ssthresh: number
  readonly inFlight: number
  /** What loss recovery is at: `open` is none. */
  readonly phase: 'open' | 'recovery' | 'loss'
  readonly srtt: number
  readonly rttvar: number
  readonly minRtt: number
  readonly rto: number
  readonly sendWindow: number
  readonly receiveWindow: number
  /** Bytes that may be held unread, as auto-tuning has it. */
  readonly receiveBuffer: number
  readonly sack: boolean
  readonly timestamps: boolean
  /** Shifts of the windows, or -1 where there is none. */
  readonly sendScale: number
  readonly receiveScale: number
  readonly segmentsSent: number
  readonly segmentsReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly retransmits: number
  readonly timeouts: number
  /** Reductions of the window that were taken back. */
  readonly spurious: number
  readonly duplicateSegments: number
  readonly outOfOrderSegments: number
  /** Bytes of memory in rings and tables. */
  readonly memory: number
}
