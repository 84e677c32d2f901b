import type { Multiaddr } from '@multiformats/multiaddr'

/** Addresses in a ticket: its text should stay short enough to be sent, and for a QR code. */
export const MAX_TICKET_ADDRESSES = 8

/**
 * Orders addresses as another machine should try them: IPv4 before IPv6, those of this machine's
 * networks first, loopback last. Link-local ones are left out, since they mean nothing without the
 * interface they belong to.
 */
export function bestFirst(addresses: readonly Multiaddr[]): Multiaddr[] {
  return addresses
    .map(address => ({ address, rank: rankOf(address.toString()) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .map(({ address }) => address)
}

function rankOf(text: string): number | undefined {
  if (/^\/ip6\/fe[89ab]/i.test(text)) return undefined
  if (text.startsWith('/ip4/169.254.')) return undefined
  if (text.startsWith('/ip4/127.')) return 8
  if (text.startsWith('/ip6/::1/')) return 9
  // Bridges of containers: on most machines nobody else is there.
  if (text.startsWith('/ip4/172.17.')) return 4
  if (text.startsWith('/ip4/')) return 1
  if (/^\/ip6\/f[cd]/i.test(text)) return 3
  return 2
}

/** Code of `/p2p` in multiaddrs. */
const P2P = 421

/** Code of `/p2p-circuit` in multiaddrs. */
const CIRCUIT = 290

/** The address with the peer id at its end. */
export function withPeer(address: Multiaddr, peer: string): string {
  // Behind a relay the last id that is there is the relay's, and stays.
  const place = peerOf(address) === undefined ? address : address.decapsulateCode(P2P)
  return `${place.toString()}/p2p/${peer}`
}

/** The peer id at the end of an address, if it has one. */
export function peerOf(address: Multiaddr): string | undefined {
  const last = address.getComponents().at(-1)
  return last?.code === P2P ? last.value : undefined
}

/** Whether the address leads through a relay. */
export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ code }) => code === CIRCUIT)
}
