import { finish, sum } from './checksum.ts'
import type { IpView } from './ip.ts'
import type { Slab } from './slab.ts'

/** Length of an IPv4 header without options, as we write it. */
export const IPV4_HEADER = 20

/** The word before an IPv4 address in its `::ffff:a.b.c.d` form. */
const MAPPED = 0xffff

/** Reads an IPv4 header (RFC 791); see `parseIp`. Options are skipped. */
export function parseIpv4(slab: Slab, start: number, end: number, into: IpView): boolean {
  const view = slab.view
  if (end - start < IPV4_HEADER) return false
  const first = view.getUint8(start)
  const header = (first & 0x0f) << 2
  const total = view.getUint16(start + 2)
  if (first >>> 4 !== 4 || header < IPV4_HEADER || total < header || total > end - start) {
    return false
  }
  const fragmentation = view.getUint16(start + 6)
  into.version = 4
  into.trafficClass = view.getUint8(start + 1)
  into.identification = view.getUint16(start + 4)
  into.dontFragment = (fragmentation & 0x4000) !== 0
  into.moreFragments = (fragmentation & 0x2000) !== 0
  into.fragmentOffset = (fragmentation & 0x1fff) << 3
  into.fragment = (fragmentation & 0x3fff) !== 0
  into.ttl = view.getUint8(start + 8)
  into.protocol = view.getUint8(start + 9)
  setMapped(into.source, view.getInt32(start + 12))
  setMapped(into.destination, view.getInt32(start + 16))
  into.start = start
  into.payload = start + header
  into.end = start + total
  return true
}

/** Is the header checksum right? `headerLength` is `view.payload - view.start`. */
export function ipv4ChecksumOk(slab: Slab, start: number, headerLength: number): boolean {
  return sum(slab, start, start + headerLength) === 0xffff
}

/**
 * Writes an IPv4 header of 20 bytes, checksum and all.
 *
 * @param totalLength header and payload in bytes
 * @param fragmentation flags and offset word: `0x4000` is "don't fragment"
 */
export function writeIpv4(
  slab: Slab,
  at: number,
  totalLength: number,
  identification: number,
  fragmentation: number,
  ttl: number,
  protocol: number,
  source: number,
  destination: number,
  trafficClass = 0
): void {
  const view = slab.view
  view.setUint16(at, 0x4500 | trafficClass)
  view.setUint16(at + 2, totalLength)
  view.setUint16(at + 4, identification)
  view.setUint16(at + 6, fragmentation)
  view.setUint16(at + 8, (ttl << 8) | protocol)
  view.setInt32(at + 12, source)
  view.setInt32(at + 16, destination)
  // Summed from the fields: cheaper than reading them back.
  view.setUint16(
    at + 10,
    finish(
      (0x4500 | trafficClass) +
        totalLength +
        identification +
        fragmentation +
        ((ttl << 8) | protocol) +
        (source >>> 16) +
        (source & 0xffff) +
        (destination >>> 16) +
        (destination & 0xffff)
    )
  )
}

function setMapped(words: Int32Array, address: number): void {
  words[0] = 0
  words[1] = 0
  words[2] = MAPPED
  words[3] = address
}
