import { parseIpv4 } from './ipv4.ts'
import { parseIpv6 } from './ipv6.ts'
import type { Slab } from './slab.ts'

/** Protocol numbers that the stack knows. */
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/**
 * What an IP header says; one object is filled again for each packet.
 *
 * Addresses are four 32-bit words, most significant first. An IPv4 address is held as
 * `::ffff:a.b.c.d`, so that tables have one kind of key.
 */
export class IpView {
  version: 4 | 6 = 4
  readonly source = new Int32Array(4)
  readonly destination = new Int32Array(4)
  /** The protocol of the payload; for IPv6 that behind the extension headers. */
  protocol = 0
  /** Hops left. */
  ttl = 0
  /** DSCP and ECN. */
  trafficClass = 0
  /** Where the packet starts and ends in its slab; bytes behind `end` are link padding. */
  start = 0
  end = 0
  /** Where the payload starts; it ends at `end`. */
  payload = 0
  /** IPv4's DF bit; always true for IPv6, whose routers do not fragment. */
  dontFragment = false
  /** A fragment of a larger packet: more follow, or its offset is not 0. */
  fragment = false
  moreFragments = false
  /** Offset of this fragment's payload in bytes. */
  fragmentOffset = 0
  identification = 0
}

/**
 * Reads an IP packet in place.
 *
 * @returns `false` when it is malformed: cut short, lengths that contradict each other, an unknown
 * version, or extension headers without end. The IPv4 header checksum is checked by
 * `ipv4ChecksumOk`, for links whose hardware did not.
 */
export function parseIp(slab: Slab, start: number, end: number, into: IpView): boolean {
  if (end - start < 20) return false
  const version = (slab.bytes[start] as number) >>> 4
  if (version === 4) return parseIpv4(slab, start, end, into)
  return version === 6 && parseIpv6(slab, start, end, into)
}
