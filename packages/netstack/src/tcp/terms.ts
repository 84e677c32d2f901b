import type { TcpConfig } from './tcp-config.ts'

/** The MSS of a peer that names none (RFC 9293 MUST-15). */
const DEFAULT_MSS = { 20: 536, 40: 1220 } as const

/** A peer that names less would make us send headers and little else; Linux draws the line here too. */
export const LEAST_MSS = 48

/** Bytes of the timestamps option with its padding. */
export const TIMESTAMPS_LENGTH = 12

/** What the handshake has agreed on, and what follows from it and the path for the size of segments. */
export class Terms {
  sack = false
  timestamps = false
  scaling = false
  /** Shift of the windows that the peer announces. */
  sendScale = 0
  /** Shift of the windows that we announce. */
  receiveScale = 0
  peerMss: number
  /** MTU of the path, with the IP header. */
  pathMtu: number
  readonly ipHeader: 20 | 40
  /** What is added to the clock for our timestamps. */
  readonly timestampOffset: number

  constructor(pathMtu: number, ipHeader: 20 | 40, timestampOffset: number) {
    this.pathMtu = pathMtu
    this.ipHeader = ipHeader
    this.timestampOffset = timestampOffset
    this.peerMss = DEFAULT_MSS[ipHeader]
  }

  /** The MSS that we announce: what arrives is not limited by what the path takes from us. */
  localMss(mtu: number): number {
    return Math.min(mtu - this.ipHeader - 20, 0xffff)
  }

  /** Payload of a full segment (RFC 9293 MUST-16): options of every segment are taken off. */
  get mss(): number {
    return (
      Math.min(this.peerMss, this.pathMtu - this.ipHeader - 20) -
      (this.timestamps ? TIMESTAMPS_LENGTH : 0)
    )
  }

  /** Our timestamp clock, in milliseconds. */
  timestamp(now: number): number {
    return (Math.floor(now) + this.timestampOffset) | 0
  }

  /** When, on our clock, the peer's echo was sent, to the millisecond. */
  echoedAt(echo: number, now: number): number {
    return Math.floor(now) - ((this.timestamp(now) - echo) | 0)
  }
}

/** The shift with which a window of `bytes` can be announced (RFC 7323 §2.2). */
export function scaleFor(config: TcpConfig): number {
  let scale = 0
  while (scale < 14 && config.maxReceiveBuffer >> scale > 0xffff) scale++
  return scale
}
