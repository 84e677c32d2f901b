import { flowWords } from '../tcp/isn.ts'
import type { SipHash } from '../tcp/siphash.ts'
import type { CookieHandshake } from '../tcp/tcb-types.ts'
import type { TcpSegment } from '../wire/tcp.ts'
import type { Flow } from './flow-table.ts'

/** A cookie is good in the period in which it was made and the next: 64 to 128 seconds. */
export const COOKIE_PERIOD = 64_000

/** What three bits of a cookie say of the peer's MSS: the largest that is not more than it offered. */
const MSS_TABLE = [536, 1220, 1300, 1360, 1400, 1440, 1460, 8960] as const

/** Bits of the timestamp that carry the other options: 4 of window scale, 1 of SACK. */
const OPTION_BITS = 5
const NO_SCALE = 15

/** Cookies that have opened a connection, as many as are remembered. */
const MAX_USED = 16_384

/**
 * SYN cookies (RFC 4987 §3.6): the state of a handshake travels in our initial sequence number, and
 * in the low bits of our timestamp, instead of in memory.
 *
 * The sequence number is 5 bits of time, 3 bits of MSS and 24 bits of keyed hash over the flow, the
 * peer's initial sequence number and those 8 bits.
 *
 * A cookie opens one connection: a late duplicate of the third segment would open another, which
 * nobody at the other end knows of.
 */
export class SynCookies {
  readonly #hash: SipHash
  readonly #words = new Int32Array(12)
  /** Fingerprints of flow and cookie, and until when the cookie is good; the oldest first. */
  readonly #used = new Map<number, number>()

  constructor(hash: SipHash) {
    this.#hash = hash
  }

  /** The cookie that answers a SYN. */
  make(flow: Flow, syn: TcpSegment, now: number): number {
    const mss = syn.mss === 0 ? MSS_TABLE[0] : syn.mss
    let index = MSS_TABLE.length - 1
    while (index > 0 && (MSS_TABLE[index] as number) > mss) index--
    return this.#cookie(flow, syn.seq, (period(now) << 3) | index)
  }

  /**
   * The timestamp of the SYN-ACK: `clock` with the options in its low bits, never ahead of it.
   *
   * @param clock - what our timestamp clock of this flow shows
   */
  timestamp(syn: TcpSegment, clock: number): number {
    const scale = syn.windowScale < 0 ? NO_SCALE : Math.min(syn.windowScale, 14)
    const bits = (syn.sackPermitted ? 16 : 0) | scale
    const stamp = (clock & -(1 << OPTION_BITS)) | bits
    return ((stamp - clock) | 0) > 0 ? (stamp - (1 << OPTION_BITS)) | 0 : stamp
  }

  /** What the ACK of a cookie says of the handshake; `undefined` when it is not one of ours. */
  check(flow: Flow, ack: TcpSegment, now: number): CookieHandshake | undefined {
    const cookie = (ack.ack - 1) | 0
    const tag = cookie >>> 24
    const age = (period(now) - (tag >>> 3)) & 31
    if (age > 1 || this.#cookie(flow, (ack.seq - 1) | 0, tag) !== cookie) return undefined
    if (!this.#firstUse(now)) return undefined
    const echo = ack.hasTimestamps ? ack.tsEcho : NO_SCALE
    const scale = echo & 15
    return {
      mss: MSS_TABLE[tag & 7] as number,
      windowScale: scale === NO_SCALE ? -1 : scale,
      sackPermitted: (echo & 16) !== 0
    }
  }

  /** Whether the cookie that was computed last is used for the first time. */
  #firstUse(now: number): boolean {
    this.#words[9] = 6
    const low = this.#hash.hash(this.#words) >>> 0
    const print = low * 2 ** 21 + (this.#hash.high >>> 11)
    if (this.#used.has(print)) return false
    this.#used.set(print, now + 2 * COOKIE_PERIOD)
    for (const [oldest, until] of this.#used) {
      if (until > now && this.#used.size <= MAX_USED) break
      this.#used.delete(oldest)
    }
    return true
  }

  #cookie(flow: Flow, peerIss: number, tag: number): number {
    const words = this.#words
    flowWords(flow.local, flow.localPort, flow.remote, flow.remotePort, words)
    words[9] = 3
    words[10] = peerIss
    words[11] = tag
    return (tag << 24) | (this.#hash.hash(words) & 0xff_ffff)
  }
}

function period(now: number): number {
  return Math.floor(now / COOKIE_PERIOD) & 31
}
