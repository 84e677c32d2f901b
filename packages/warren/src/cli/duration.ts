import { UsageError } from '../errors.ts'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000
}

const LONGEST = 100 * 31_536_000_000

/**
 * Milliseconds of `30s`, `24h`, `7d`; a bare number is seconds.
 *
 * @throws ERR_USAGE
 */
export function parseDuration(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|y)?$/.exec(text.trim())
  const ms = Number(match?.[1]) * (UNITS[match?.[2] ?? 's'] ?? 1)
  if (!(ms > 0 && ms <= LONGEST)) {
    throw new UsageError(
      `${what} must be a time such as 30s, 90m, 24h or 7d, and it is ${JSON.stringify(text)}`
    )
  }
  return ms
}

/** A time in words, rounded to its largest unit: `24 h`, `3 days`. */
export function describeDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}
