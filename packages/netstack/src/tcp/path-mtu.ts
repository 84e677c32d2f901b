import { LEAST_MSS } from './terms.ts'

/** MTUs that are common, for routers that do not tell theirs (RFC 1191 §7) and for black holes. */
const PLATEAUS = [65_535, 32_000, 17_914, 8166, 4352, 2002, 1492, 1280, 1006, 508] as const

/** The first to try in a black hole: it fits through every tunnel that is in use. */
const SAFE = 1280

/** What every path takes: IPv6 promises it (RFC 8200 §5); for IPv4 Linux draws the line here. */
const LEAST = { 20: 552, 40: 1280 } as const

/** A lowered MTU is forgotten after this time, in ms: the path may have changed (RFC 1191 §6.3). */
const FORGET = 600_000

/** Timeouts in a row of full segments that make a black hole likely: R1 of RFC 9293 §3.8.3. */
const BLACK_HOLE = 3

/** What is known of the MTU of the path (RFC 1191, 8201), down from that of the link. */
export class PathMtu {
  readonly #link: number
  readonly #ipHeader: 20 | 40
  current: number
  /** When a lowered value is forgotten. */
  #until = Infinity

  constructor(link: number, ipHeader: 20 | 40) {
    this.#link = this.current = link
    this.#ipHeader = ipHeader
  }

  /**
   * A router says that a packet was too big.
   *
   * @param mtu of its next hop; 0 when it did not tell
   * @returns whether the value is new
   */
  tooBig(mtu: number, now: number): boolean {
    const told = mtu === 0 ? this.#below(this.current) : mtu
    return this.#lower(Math.max(told, this.#least), now)
  }

  /** Full segments vanish and nobody says why: the next lower plateau is tried. */
  blackHole(timeouts: number, now: number): boolean {
    if (timeouts < BLACK_HOLE) return false
    const next = this.current > SAFE ? SAFE : this.#below(this.current)
    return this.#lower(Math.max(next, this.#least), now)
  }

  /** Whether it is time to try what the link takes again; then `current` is that. */
  forget(now: number): boolean {
    if (now < this.#until) return false
    this.#until = Infinity
    this.current = this.#link
    return true
  }

  get #least(): number {
    return Math.min(LEAST[this.#ipHeader], this.#link)
  }

  #lower(mtu: number, now: number): boolean {
    if (mtu >= this.current) return false
    this.current = mtu
    this.#until = now + FORGET
    return true
  }

  #below(mtu: number): number {
    return PLATEAUS.find(plateau => plateau < mtu) ?? LEAST_MSS + this.#ipHeader + 20
  }
}
