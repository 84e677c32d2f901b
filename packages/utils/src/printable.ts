/** Control characters (C0, C1, DEL), line separators, surrogates alone and bidirectional overrides. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/**
 * A string that a peer chose, made safe for a log line, a terminal or a page: control characters
 * and bidirectional overrides are escaped, and it is cut at `max` characters.
 */
export function printable(text: unknown, max = 256): string {
  const cut = String(text).slice(0, max + 1)
  const safe = cut.slice(0, max).replace(UNSAFE, c => {
    const code = c.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })
  return cut.length > max ? `${safe}…` : safe
}

/**
 * An error and its causes in one printable line, so that a cause is never hidden:
 * `cannot dial: connection refused`.
 */
export function describeError(error: unknown, max = 512): string {
  const parts: string[] = []
  let current: unknown = error
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const text: string =
      current instanceof Error ? current.message || current.name : inspect(current)
    if (!parts.some(part => part.includes(text))) parts.push(text)
    current = current instanceof Error ? current.cause : undefined
  }
  return printable(parts.join(': '), max)
}

/** What was thrown and is no error, in a word or two. */
function inspect(thrown: unknown): string {
  return typeof thrown === 'object'
    ? JSON.stringify(thrown)
    : String(thrown as string | number | symbol)
}
