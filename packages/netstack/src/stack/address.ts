/**
 * IP addresses inside the stack are four 32-bit words, most significant first; an IPv4 address is
 * held as `::ffff:a.b.c.d`. Text is for the edges.
 */

/** The third word of an IPv4 address in that form; the first two are 0. */
export const MAPPED = 0xffff

/** The version of an address. */
export function versionOf(address: Int32Array): 4 | 6 {
  return address[0] === 0 && address[1] === 0 && address[2] === MAPPED ? 4 : 6
}

/** Whether two addresses are the same. */
export function sameAddress(a: Int32Array, b: Int32Array): boolean {
  return a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0]
}

/** `0.0.0.0` or `::`. */
export function isUnspecified(address: Int32Array): boolean {
  return (
    address[3] === 0 &&
    (address[2] === 0 || address[2] === MAPPED) &&
    address[1] === 0 &&
    address[0] === 0
  )
}

/** An address that stands for many machines: multicast, or the limited broadcast of IPv4. */
export function isMulticast(address: Int32Array): boolean {
  if (versionOf(address) === 6) return (address[0] as number) >>> 24 === 0xff
  return (address[3] as number) >>> 28 === 0xe || address[3] === -1
}

/** A loopback address: on a wire it is always a lie. */
export function isLoopback(address: Int32Array): boolean {
  if (versionOf(address) === 4) return (address[3] as number) >>> 24 === 127
  return address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] === 1
}

/** Whether the first `bits` of the 128 agree; an IPv4 prefix of `n` bits counts as `96 + n`. */
export function samePrefix(a: Int32Array, b: Int32Array, bits: number): boolean {
  for (let i = 0, left = bits; left > 0; i++, left -= 32) {
    const mask = left >= 32 ? -1 : -1 << (32 - left)
    if ((((a[i] as number) ^ (b[i] as number)) & mask) !== 0) return false
  }
  return true
}

/** Reads an address of either version; `undefined` when the text is none. Zones are not read. */
export function parseAddress(text: string): Int32Array | undefined {
  if (!text.includes(':')) {
    const word = parseV4(text)
    return word === undefined ? undefined : Int32Array.of(0, 0, MAPPED, word)
  }
  return parseV6(text)
}

function parseV4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let word = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    word = (word << 8) | Number(part)
  }
  return word
}

function parseV6(text: string): Int32Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0] as string)
  const tail = halves.length === 2 ? groups(halves[1] as string) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...Array<number>(halves.length === 2 ? missing : 0).fill(0), ...tail]
  const words = new Int32Array(4)
  for (let i = 0; i < 4; i++) {
    words[i] = ((all[2 * i] as number) << 16) | (all[2 * i + 1] as number)
  }
  return words
}

function groups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const result: number[] = []
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const word = parseV4(part)
      if (word === undefined) return undefined
      result.push(word >>> 16, word & 0xffff)
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) result.push(Number.parseInt(part, 16))
    else return undefined
  }
  return result
}

/** Writes an address as people read it (RFC 5952 for IPv6). */
export function formatAddress(address: Int32Array): string {
  if (versionOf(address) === 4) {
    const word = address[3] as number
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
  }
  const parts: number[] = []
  for (const word of address) parts.push(word >>> 16, word & 0xffff)
  let best = 0
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && parts[end] === 0) end++
    if (end - i > bestLength) {
      best = i
      bestLength = end - i
    }
  }
  const hex = parts.map(part => part.toString(16))
  if (bestLength === 1) return hex.join(':')
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`
}

/** An address with the length of its network's prefix. */
export interface Prefix {
  readonly address: Int32Array
  /** Bits of 128; an IPv4 prefix of `n` bits counts as `96 + n`. */
  readonly bits: number
}

/** Reads `10.0.0.1/24` or `fd00::1/64`; without a length it is one address. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === undefined) return undefined
  const size = versionOf(address) === 4 ? 32 : 128
  const length = slash < 0 ? String(size) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(length) || Number(length) > size) return undefined
  return { address, bits: 128 - size + Number(length) }
}
