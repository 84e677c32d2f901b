import { parseAddress } from '@warren/netstack'
import { readId, writeId } from './messages.ts'

/**
 * The addresses that the two ends of an association have inside it. They never leave it: the
 * network sees UDP between the real ones. Both end in the id that the dialler chose, so that each
 * association is a pair of addresses of its own, whatever happens to the real ones.
 *
 * The prefix is that of unique local addresses (RFC 4193): `fd`, and the letters "Warre".
 */
const PREFIX = [0xfd, 0x57, 0x61, 0x72, 0x72, 0x65] as const
const SUBNET = { dialler: 0, listener: 1 } as const

/** Bytes of an IPv6 address. */
const ADDRESS_LENGTH = 16
const SOURCE_AT = 8
const DESTINATION_AT = 24

/** The end of an association that an address belongs to. */
export type Role = keyof typeof SUBNET

/** The address of one end as text, for the stack. */
export function virtualAddress(role: Role, id: number): string {
  const bytes = virtualBytes(role, id)
  const groups: string[] = []
  for (let i = 0; i < ADDRESS_LENGTH; i += 2) {
    groups.push((((bytes[i] as number) << 8) | (bytes[i + 1] as number)).toString(16))
  }
  return groups.join(':')
}

/** The network that all addresses of one role lie in, with its prefix length. */
export function virtualNetwork(role: Role): string {
  return `${virtualAddress(role, 0).split(':').slice(0, 4).join(':')}::/64`
}

/** The id in an address of either end, as the stack writes it. */
export function virtualId(address: string): number {
  const parsed = parseAddress(address)
  if (parsed === undefined) return 0
  return ((parsed[2] as number) & 0xffff) * 2 ** 32 + ((parsed[3] as number) >>> 0)
}

/** The id in the destination of an IPv6 packet. */
export function destinationId(bytes: Uint8Array, packet: number): number {
  return readId(bytes, packet + DESTINATION_AT + 10)
}

/** Does an IPv6 packet go from the one end of the association to the other? */
export function isBetween(
  bytes: Uint8Array,
  packet: number,
  from: Uint8Array,
  to: Uint8Array
): boolean {
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    if (bytes[packet + SOURCE_AT + i] !== from[i]) return false
    if (bytes[packet + DESTINATION_AT + i] !== to[i]) return false
  }
  return true
}

/** The address of one end. */
export function virtualBytes(role: Role, id: number): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_LENGTH)
  bytes.set(PREFIX)
  bytes[7] = SUBNET[role]
  writeId(bytes, 10, id)
  return bytes
}
