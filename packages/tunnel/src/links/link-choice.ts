import type { LinkState } from '../tunnel-types.ts'

/** What the choice among links looks at. */
export interface LinkCandidate {
  readonly state: LinkState
  /** Messages queued towards the peer. */
  readonly delay: number
  /** Round-trip time in milliseconds; `undefined` before the first sample. */
  readonly length: number | undefined
  /** Bits per second that it carries now; `undefined` before the first sample. */
  readonly rate: number | undefined
  /** Sessions that it carries; the second opinion on a tie. */
  readonly sessions: number
}

/** Milliseconds that an unmeasured link is taken to need: worse than any measured local one. */
const UNKNOWN_LENGTH = 100
/** Milliseconds under which links count as equally near; timers are no finer. */
const LENGTH_FLOOR = 0.1
/** Bits per second under which a link counts as idle: a keepalive's worth. */
const RATE_FLOOR = 10_000
/** Costs within this factor of the best are a tie. */
const TIE = 1.1

/**
 * Cost of a link: delay × length × rate, lower is better, as in go-micro's tunnel. Each factor has a
 * floor, so that one that is zero does not hide the other two (an idle link would always win).
 */
export function linkCost(link: LinkCandidate): number {
  const length = Math.max(link.length ?? UNKNOWN_LENGTH, LENGTH_FLOOR)
  return (1 + Math.max(0, link.delay)) * length * Math.max(link.rate ?? 0, RATE_FLOOR)
}

/** Those that do not go through a relay, where there are any that are up; else all. */
export function pastRelays<L extends LinkCandidate & { readonly relayed: boolean }>(
  candidates: readonly L[]
): readonly L[] {
  const direct = candidates.filter(link => !link.relayed && link.state === 'connected')
  return direct.length > 0 ? direct : candidates
}

/**
 * The link to use: the cheapest of those that are up, never a dead one. Among equally cheap ones two
 * are drawn and the one with fewer sessions wins (power of two choices), so that many callers with
 * the same figures do not all choose the same link.
 *
 * @param random 0 ≤ n < 1
 * @returns `undefined` when no candidate is up
 */
export function chooseLink<L extends LinkCandidate>(
  candidates: readonly L[],
  random: () => number
): L | undefined {
  const alive = candidates.filter(link => link.state === 'connected')
  const best = Math.min(...alive.map(linkCost))
  const tied = alive.filter(link => linkCost(link) <= best * TIE)
  if (tied.length <= 1) return tied[0]
  const first = Math.floor(random() * tied.length)
  const second = (first + 1 + Math.floor(random() * (tied.length - 1))) % tied.length
  const [a, b] = [tied[first], tied[second]]
  if (a === undefined || b === undefined) return a ?? b
  return b.sessions < a.sessions ? b : a
}
