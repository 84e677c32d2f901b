import type { PacketBatch } from '../link/packet-batch.ts'
import { fold } from '../wire/checksum.ts'
import type { IpView } from '../wire/ip.ts'
import { isMulticast } from './address.ts'
import type { IcmpEndpoint } from './icmp-endpoint.ts'
import type { NetInterface } from './net-interface.ts'
import type { StackContext } from './stack-context.ts'

/**
 * Passes packets between the interfaces of a stack, as a router does (RFC 1812, RFC 8200): one hop
 * fewer, and an ICMP error for what the next link cannot carry. It does not fragment: an IPv4 packet
 * that allows it is answered like one that does not, and its sender makes smaller ones.
 *
 * @returns `false` when there is no route: the packet is dropped by the caller
 */
export function forwardPacket(
  context: StackContext,
  icmp: IcmpEndpoint,
  from: NetInterface,
  batch: PacketBatch,
  i: number,
  ip: IpView,
  now: number
): boolean {
  if (isMulticast(ip.destination)) return false
  const to = context.route(ip.destination)
  if (to === undefined || to === from) return false
  if (ip.ttl <= 1) {
    icmp.sendTimeExceeded(from, batch.packet(i), ip, now)
    return true
  }
  const segmentSize = batch.segmentSize[i] as number
  const length = ip.end - ip.start
  const carried = segmentSize > 0 ? to.link.capabilities.segmentation : to.link.mtu
  if (length > carried) {
    icmp.sendTooBig(from, batch.packet(i), ip, to.link.mtu, now)
    return true
  }
  decrementHops(batch, ip)
  to.output.forward(
    batch.bytes.subarray(ip.start, ip.end),
    segmentSize,
    batch.checksum[i] as 0 | 1 | 2
  )
  context.counts.forwardedPackets++
  return true
}

function decrementHops(batch: PacketBatch, ip: IpView): void {
  const view = batch.slab.view
  if (ip.version === 6) {
    view.setUint8(ip.start + 7, ip.ttl - 1)
    return
  }
  view.setUint8(ip.start + 8, ip.ttl - 1)
  // RFC 1624: the checksum changes by what the word changed.
  const old = ~view.getUint16(ip.start + 10) & 0xffff
  view.setUint16(ip.start + 10, ~fold(old + 0xfeff) & 0xffff)
}
