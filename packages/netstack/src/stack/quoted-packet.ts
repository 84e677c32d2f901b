import { PROTOCOL } from '../wire/ip.ts'
import type { Slab } from '../wire/slab.ts'
import { MAPPED } from './address.ts'

/** The packet that an ICMP error quotes: ours, so `source` is us. It is cut short. */
export class QuotedPacket {
  readonly source = new Int32Array(4)
  readonly destination = new Int32Array(4)
  protocol = 0
  sourcePort = 0
  destinationPort = 0
  /** Sequence number of a TCP segment. */
  seq = 0
}

/**
 * Reads as much of a quoted packet as every ICMP error has: the IP header and 8 bytes. We send no
 * IPv6 extension headers but that of a fragment, so a quote with others is not ours.
 *
 * @returns `false` when it is cut short or not of TCP or UDP
 */
export function parseQuoted(
  slab: Slab,
  start: number,
  end: number,
  version: 4 | 6,
  into: QuotedPacket
): boolean {
  const view = slab.view
  const header = version === 4 ? (view.getUint8(start) & 0x0f) << 2 : 40
  if (end - start < header + 8 || header < 20 || view.getUint8(start) >>> 4 !== version)
    return false
  if (version === 4) {
    // Of a later fragment the quote has no ports.
    if ((view.getUint16(start + 6) & 0x1fff) !== 0) return false
    into.protocol = view.getUint8(start + 9)
    setMapped(into.source, view.getInt32(start + 12))
    setMapped(into.destination, view.getInt32(start + 16))
  } else {
    into.protocol = view.getUint8(start + 6)
    for (let i = 0; i < 4; i++) {
      into.source[i] = view.getInt32(start + 8 + 4 * i)
      into.destination[i] = view.getInt32(start + 24 + 4 * i)
    }
  }
  if (into.protocol !== PROTOCOL.tcp && into.protocol !== PROTOCOL.udp) return false
  const at = start + header
  into.sourcePort = view.getUint16(at)
  into.destinationPort = view.getUint16(at + 2)
  into.seq = view.getInt32(at + 4)
  return true
}

function setMapped(words: Int32Array, address: number): void {
  words[0] = words[1] = 0
  words[2] = MAPPED
  words[3] = address
}
