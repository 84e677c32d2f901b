import { UsageError } from '../errors.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/**
 * Bytes of `64M`, `1GiB`, `1048576`.
 *
 * @throws ERR_USAGE
 */
export function parseSize(text: string, what: string, max: number): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim())
  const bytes = Math.round(Number(match?.[1]) * (UNITS[match?.[2]?.toLowerCase() ?? ''] ?? 1))
  if (!(bytes > 0 && bytes <= max)) {
    throw new UsageError(
      `${what} must be a size such as 64M or 1G, at most ${describeSize(max)}, ` +
        `and it is ${JSON.stringify(text)}`
    )
  }
  return bytes
}

/** Bytes in words: `1.0 GiB`. */
export function describeSize(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`
  let value = bytes
  let unit = ''
  for (unit of ['KiB', 'MiB', 'GiB', 'TiB']) {
    value /= 1_024
    if (value < 1_000) break
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
}
