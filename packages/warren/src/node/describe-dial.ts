import { describeError, printable } from '@warren/utils'

/** An attempt of the swarm's dial report. */
interface Attempt {
  readonly address: string
  readonly step?: string
  readonly error: unknown
}

const OTHER_PEER = 'another peer is there'

/** Reasons by the code of an attempt's error or of what caused it, innermost last. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route',
  ENETUNREACH: 'no network',
  EHOSTDOWN: 'host is down',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'unknown host',
  ERR_WRONG_PEER: OTHER_PEER
}

/** Characters of a reason that has no short form. */
const MAX_REASON = 160

/**
 * Why a dial failed, as people say it: `connection refused at 192.168.1.9:4001 and [::1]:4001; no
 * answer at 10.0.0.1:4001`. `undefined` when the error holds no dial.
 */
export function describeDial(error: unknown): string | undefined {
  const attempts = attemptsOf(error)
  if (attempts === undefined || attempts.length === 0) return undefined
  const places = new Map<string, string[]>()
  for (const attempt of attempts) {
    const reason = reasonOf(attempt.error, attempt.step)
    places.set(reason, [...(places.get(reason) ?? []), placeOf(attempt.address)])
  }
  return [...places].map(([reason, at]) => `${reason} at ${enumerate(at)}`).join('; ')
}

/** The attempts of the dial that an error, or what caused it, reports. */
export function attemptsOf(error: unknown): readonly Attempt[] | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    if ('attempts' in current && Array.isArray(current.attempts)) return current.attempts
    current = current.cause
  }
  return undefined
}

/** Whether an error is that of a time that ran out. */
export function isTimeout(error: unknown): boolean {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    const code = 'code' in current ? String(current.code) : ''
    if (code === 'ETIMEDOUT' || code.includes('TIMEOUT') || current.name === 'TimeoutError') {
      return true
    }
    current = current.cause
  }
  return false
}

/**
 * Why one address of a dial failed, in a few words.
 *
 * @param step the upgrader's name of the step; it compares the peer's key with the one dialled
 */
export function reasonOf(error: unknown, step?: string): string {
  if (step === 'identity') return OTHER_PEER
  for (let current = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    const code = 'code' in current ? String(current.code) : ''
    const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined
    if (reason !== undefined) return reason
    current = current.cause
  }
  return isTimeout(error) ? 'no answer' : describeError(error, MAX_REASON)
}

/** `192.168.1.9:4001` of a TCP address; any other as it is, without the peer id. */
function placeOf(address: string): string {
  const bare = printable(address.replace(/\/p2p\/[^/]+$/, ''))
  const tcp = /^\/(ip4|ip6|dns[46]?)\/([^/]+)\/tcp\/(\d+)$/.exec(bare)
  if (tcp === null) return bare
  return tcp[1] === 'ip6' ? `[${tcp[2]}]:${tcp[3]}` : `${tcp[2]}:${tcp[3]}`
}

function enumerate(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
