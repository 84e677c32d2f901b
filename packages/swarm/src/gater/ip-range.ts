import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { SwarmOptionsError } from '../errors.ts'

/** `::ffff:0:0/96`, where IPv4 addresses lie among those of IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)

/** A range of IP addresses: those that share the first `bits` bits with `base`. */
export class IpRange {
  readonly #base: Uint8Array
  readonly #bits: number

  /**
   * @param text an address or a CIDR (`10.0.0.0/8`, `2001:db8::/32`)
   * @throws {SwarmOptionsError} when it is neither
   */
  constructor(text: string) {
    const [ip = '', prefix, ...more] = text.split('/')
    const bytes = parseIp(ip)
    const width = ip.includes(':') ? 128 : 32
    const bits = prefix === undefined ? width : Number(prefix)
    const isPrefix = prefix === undefined || /^\d{1,3}$/.test(prefix)
    if (bytes === undefined || more.length > 0 || !isPrefix || bits > width) {
      throw new SwarmOptionsError(
        `"${text}" is no address, no CIDR (10.0.0.0/8, 2001:db8::/32) and no peer id`
      )
    }
    this.#base = bytes
    this.#bits = 128 - width + bits
  }

  /** Whether an address, as {@link ipOf} gives it, lies in the range. */
  includes(ip: Uint8Array): boolean {
    const whole = this.#bits >> 3
    for (let i = 0; i < whole; i++) if (ip[i] !== this.#base[i]) return false
    const rest = this.#bits & 7
    if (rest === 0) return true
    const mask = 0xff << (8 - rest)
    return ((ip[whole] ?? 0) & mask) === ((this.#base[whole] ?? 0) & mask)
  }
}

/** The IP address that a multiaddr begins with, as 16 bytes; `undefined` when there is none. */
export function ipOf(address: Multiaddr): Uint8Array | undefined {
  const first = address.getComponents().find(({ name }) => name !== 'ip6zone')
  if (first?.value === undefined || (first.name !== 'ip4' && first.name !== 'ip6')) return undefined
  return parseIp(first.value)
}

function parseIp(ip: string): Uint8Array | undefined {
  const six = ip.includes(':')
  try {
    const bytes = multiaddr(`/${six ? 'ip6' : 'ip4'}/${ip}`).bytes.subarray(1)
    if (six) return bytes.length === 16 ? bytes : undefined
    return bytes.length === 4 ? Uint8Array.of(...MAPPED, ...bytes) : undefined
  } catch {
    return undefined
  }
}
