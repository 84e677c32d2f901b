import { isPrivate } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { STAGGER } from '../defaults.ts'

/** How far away an address is, which decides its stagger. */
export type Reach = 'private' | 'public' | 'relay'

/** An address with its place in a dial. */
export interface RankedAddress {
  readonly address: Multiaddr
  readonly reach: Reach
  /** Milliseconds after the start of the dial at which it is due, unless others fail before. */
  readonly delay: number
}

/** The reach of one address: `relay` through a circuit, `private` also for loopback and unix. */
export function reachOf(address: Multiaddr): Reach {
  const names = address.getComponents().map(component => component.name)
  if (names.includes('p2p-circuit')) return 'relay'
  if (names[0] === 'unix' || names[0] === 'memory') return 'private'
  return isPrivate(address) ? 'private' : 'public'
}

/**
 * Orders addresses for a staggered dial ("happy eyeballs", RFC 8305).
 *
 * Private addresses go first, 30 ms apart; public ones follow 250 ms apart; relayed ones wait until
 * direct ones had 500 ms. Within a reach the address families alternate and IPv6 goes first; within
 * a family the given order stays, so that callers put the best first.
 */
export function rankAddresses(addresses: readonly Multiaddr[]): RankedAddress[] {
  const groups: Record<Reach, Multiaddr[]> = { private: [], public: [], relay: [] }
  for (const address of addresses) groups[reachOf(address)].push(address)

  const publicStart = groups.private.length > 0 ? STAGGER.private : 0
  const direct = groups.private.length + groups.public.length
  const ranked = [
    ...stagger(groups.private, 'private', 0, STAGGER.private),
    ...stagger(groups.public, 'public', publicStart, STAGGER.public),
    ...stagger(groups.relay, 'relay', direct > 0 ? STAGGER.relay : 0, STAGGER.public)
  ]
  return ranked.toSorted((a, b) => a.delay - b.delay)
}

function stagger(
  addresses: readonly Multiaddr[],
  reach: Reach,
  start: number,
  step: number
): RankedAddress[] {
  return alternateFamilies(addresses).map((address, index) => ({
    address,
    reach,
    delay: start + index * step
  }))
}

/** IPv6, then the other families, in turn (RFC 8305 section 4). */
function alternateFamilies(addresses: readonly Multiaddr[]): Multiaddr[] {
  const six = addresses.filter(isIPv6)
  const others = addresses.filter(address => !isIPv6(address))
  const result: Multiaddr[] = []
  for (let i = 0; i < Math.max(six.length, others.length); i++) {
    const first = six[i]
    const second = others[i]
    if (first !== undefined) result.push(first)
    if (second !== undefined) result.push(second)
  }
  return result
}

function isIPv6(address: Multiaddr): boolean {
  const name = address.getComponents()[0]?.name
  return name === 'ip6' || name === 'ip6zone' || name === 'dns6'
}
