import type { IpView } from './ip.ts'
import type { Slab } from './slab.ts'

/** Length of an IPv6 header without extension headers, as we write it. */
export const IPV6_HEADER = 40

/** Extension headers that are walked through to reach the payload (RFC 8200 §4). */
const EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const

/** More extension headers than any honest packet has: a packet with more is malformed. */
const MAX_EXTENSIONS = 8

/** Reads an IPv6 header and walks its extension headers (RFC 8200); see `parseIp`. */
export function parseIpv6(slab: Slab, start: number, end: number, into: IpView): boolean {
  const view = slab.view
  if (end - start < IPV6_HEADER) return false
  const first = view.getUint32(start)
  const length = view.getUint16(start + 4)
  if (first >>> 28 !== 6 || length > end - start - IPV6_HEADER) return false
  into.version = 6
  into.trafficClass = (first >>> 20) & 0xff
  into.ttl = view.getUint8(start + 7)
  for (let i = 0; i < 4; i++) {
    into.source[i] = view.getInt32(start + 8 + 4 * i)
    into.destination[i] = view.getInt32(start + 24 + 4 * i)
  }
  into.dontFragment = true
  into.moreFragments = false
  into.fragment = false
  into.fragmentOffset = 0
  into.identification = 0
  into.start = start
  into.end = start + IPV6_HEADER + length
  return walkExtensions(slab, view.getUint8(start + 6), into)
}

function walkExtensions(slab: Slab, next: number, into: IpView): boolean {
  const view = slab.view
  let at = into.start + IPV6_HEADER
  let protocol = next
  for (let walked = 0; ; walked++) {
    if (
      protocol !== EXTENSION.hopByHop &&
      protocol !== EXTENSION.routing &&
      protocol !== EXTENSION.fragment &&
      protocol !== EXTENSION.destination
    ) {
      into.protocol = protocol
      into.payload = at
      return true
    }
    if (walked === MAX_EXTENSIONS || at + 8 > into.end) return false
    const following = view.getUint8(at)
    if (protocol === EXTENSION.fragment) {
      const word = view.getUint16(at + 2)
      into.fragmentOffset = word & 0xfff8
      into.moreFragments = (word & 1) !== 0
      // An atomic fragment (RFC 6946) is a whole packet.
      into.fragment = into.moreFragments || into.fragmentOffset !== 0
      into.identification = view.getInt32(at + 4)
      into.protocol = following
      into.payload = at + 8
      // What follows is the inside of a piece: only the whole has headers to walk.
      if (into.fragment) return true
      at += 8
    } else {
      at += (view.getUint8(at + 1) + 1) << 3
      if (at > into.end) return false
    }
    protocol = following
  }
}

/**
 * Writes an IPv6 header of 40 bytes.
 *
 * @param payloadLength bytes behind the header
 */
export function writeIpv6(
  slab: Slab,
  at: number,
  payloadLength: number,
  nextHeader: number,
  hopLimit: number,
  source: Int32Array,
  destination: Int32Array,
  trafficClass = 0,
  flowLabel = 0
): void {
  const view = slab.view
  view.setInt32(at, 0x60000000 | (trafficClass << 20) | flowLabel)
  view.setUint16(at + 4, payloadLength)
  view.setUint16(at + 6, (nextHeader << 8) | hopLimit)
  for (let i = 0; i < 4; i++) {
    view.setInt32(at + 8 + 4 * i, source[i] as number)
    view.setInt32(at + 24 + 4 * i, destination[i] as number)
  }
}
