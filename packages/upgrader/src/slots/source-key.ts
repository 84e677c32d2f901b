import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What limits per source count by: the IPv4 address, or the /56 of the IPv6 address, of where a
 * connection comes from. `undefined` for loopback, unix sockets and addresses without an IP, which
 * are exempt. A relayed connection counts for its relay.
 */
export function sourceKey(address: Multiaddr): string | undefined {
  const first = address.getComponents().find(({ name }) => name !== 'ip6zone')
  if (first?.value === undefined) return undefined
  if (first.name === 'ip4') return ip4Key(first.value)
  if (first.name === 'ip6') return ip6Key(first.value)
  return undefined
}

function ip4Key(ip: string): string | undefined {
  return ip.startsWith('127.') ? undefined : ip
}

function ip6Key(ip: string): string | undefined {
  const groups = ip6Groups(ip)
  const zeros = groups.slice(0, 5).every(group => group === 0)
  const [a = 0, b = 0, c = 0, d = 0, , mapped = 0, high = 0, low = 0] = groups
  // ::ffff:a.b.c.d is the IPv4 address that a dual-stack socket shows (RFC 4291 section 2.5.5.2).
  if (zeros && mapped === 0xffff) {
    return ip4Key(`${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`)
  }
  if (zeros && mapped === 0 && high === 0 && low === 1) return undefined
  return `${a.toString(16)}:${b.toString(16)}:${c.toString(16)}:${(d & 0xff00).toString(16)}::/56`
}

/** The eight 16-bit groups of an IPv6 address in text form. */
function ip6Groups(ip: string): number[] {
  const [head = '', tail] = ip.split('%', 1).join('').split('::', 2)
  const front = parseGroups(head)
  if (tail === undefined) return front
  const back = parseGroups(tail)
  return [...front, ...Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back]
}

function parseGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
