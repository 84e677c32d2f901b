import { IPV4_HEADER } from '../wire/ipv4.ts'
import { IPV6_HEADER } from '../wire/ipv6.ts'
import type { Slab } from '../wire/slab.ts'
import type { NetInterface } from './net-interface.ts'

/** An IP payload that is ready but for the header before it. */
export interface Payload {
  readonly slab: Slab
  /** Where it starts in the slab, and ends. */
  readonly start: number
  readonly end: number
  readonly version: 4 | 6
  readonly source: Int32Array
  readonly destination: Int32Array
  readonly protocol: number
}

const MORE_FRAGMENTS = 0x2000
const FRAGMENT_HEADER = 8
const IPV6_FRAGMENT = 44

/** Sends a payload; one that is larger than the link is cut (RFC 791 §3.2, RFC 8200 §4.5). */
export function sendPayload(via: NetInterface, payload: Payload, identification: number): void {
  const { slab, start, end, version, source, destination, protocol } = payload
  const { output, link } = via
  const length = end - start
  const at = output.reserveDatagram(version, length)
  if (at >= 0) {
    output.slab.bytes.set(slab.bytes.subarray(start, end), at)
    output.commitDatagram(source, destination, version, length, protocol)
    return
  }
  const extra = version === 4 ? 0 : FRAGMENT_HEADER
  const most = (link.mtu - (version === 4 ? IPV4_HEADER : IPV6_HEADER) - extra) & ~7
  for (let from = 0; from < length; from += most) {
    const size = Math.min(most, length - from)
    const more = from + size < length
    const into = output.reserveDatagram(version, size + extra)
    output.slab.bytes.set(slab.bytes.subarray(start + from, start + from + size), into + extra)
    if (version === 4) {
      const word = (from >>> 3) | (more ? MORE_FRAGMENTS : 0)
      output.commitDatagram(
        source,
        destination,
        4,
        size,
        protocol,
        undefined,
        word,
        identification & 0xffff
      )
    } else {
      const view = output.slab.view
      view.setUint16(into, protocol << 8)
      view.setUint16(into + 2, from | (more ? 1 : 0))
      view.setInt32(into + 4, identification)
      output.commitDatagram(source, destination, 6, size + extra, IPV6_FRAGMENT)
    }
  }
}
