import { finish, fold, sum } from './checksum.ts'
import type { Slab } from './slab.ts'

/** Length of a UDP header. */
export const UDP_HEADER = 8

/** What a UDP header says (RFC 768); one object is filled again for each datagram. */
export class UdpView {
  sourcePort = 0
  destinationPort = 0
  /** Where the payload starts and ends in its slab. */
  payload = 0
  end = 0
}

/**
 * Reads a UDP datagram in place.
 *
 * @returns `false` when it is cut short or its length is wrong
 */
export function parseUdp(slab: Slab, start: number, end: number, into: UdpView): boolean {
  if (end - start < UDP_HEADER) return false
  const length = slab.view.getUint16(start + 4)
  if (length < UDP_HEADER || length > end - start) return false
  into.sourcePort = slab.view.getUint16(start)
  into.destinationPort = slab.view.getUint16(start + 2)
  into.payload = start + UDP_HEADER
  into.end = start + length
  return true
}

/**
 * Is the checksum right? A zero one means "none" over IPv4, and is an error over IPv6 (RFC 8200 §8.1).
 *
 * @param pseudo the pseudo-header sum: `pseudoHeaderSum(…) + (end - start)`
 */
export function udpChecksumOk(
  slab: Slab,
  start: number,
  end: number,
  pseudo: number,
  version: 4 | 6
): boolean {
  if (slab.view.getUint16(start + 6) === 0) return version === 4
  return fold(sum(slab, start, end) + pseudo) === 0xffff
}

/**
 * Writes header and checksum of a datagram whose payload is already at `at + 8`.
 *
 * @param end end of the payload
 * @param pseudo the pseudo-header sum: `pseudoHeaderSum(…) + (end - at)`
 */
export function writeUdp(
  slab: Slab,
  at: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
  pseudo: number
): void {
  const view = slab.view
  view.setUint16(at, sourcePort)
  view.setUint16(at + 2, destinationPort)
  view.setUint16(at + 4, end - at)
  view.setUint16(at + 6, 0)
  // A sum that comes out as 0 is sent as its other form: 0 means that there is none.
  view.setUint16(at + 6, finish(sum(slab, at, end) + pseudo) || 0xffff)
}
