import type { PacketBatch } from '@warren/netstack'
import { CHECKSUM } from '@warren/netstack'

/** Length of the header before each packet of an interface with IFF_VNET_HDR. */
export const VIRTIO_HEADER = 10

/** `flags`: the checksum from `csum_start` on is still to be made; or the kernel has verified it. */
const NEEDS_CSUM = 1
const DATA_VALID = 2

/** `gso_type`: what the packet stands for. The top bit (ECN) is left aside. */
const GSO_TCPV4 = 1
const GSO_TCPV6 = 4

const TCP = 6

/**
 * Writes `struct virtio_net_hdr` (host order; every machine that koffi runs on is little-endian)
 * before packet `i`, in the headroom of the batch.
 */
export function writeVirtioHeader(batch: PacketBatch, i: number): void {
  const view = batch.slab.view
  const packet = batch.offset[i] ?? 0
  const at = packet - VIRTIO_HEADER
  const segmentSize = batch.segmentSize[i] ?? 0
  const partial = batch.checksum[i] === CHECKSUM.partial
  const v4 = view.getUint8(packet) >>> 4 === 4
  // Packets with an open checksum are our own: no options, no extension headers.
  const ipHeader = v4 ? (view.getUint8(packet) & 0x0f) << 2 : 40
  const protocol = view.getUint8(packet + (v4 ? 9 : 6))
  const tcpHeader = segmentSize > 0 ? (view.getUint8(packet + ipHeader + 12) >>> 4) << 2 : 0
  view.setUint8(at, partial ? NEEDS_CSUM : 0)
  view.setUint8(at + 1, segmentSize === 0 ? 0 : v4 ? GSO_TCPV4 : GSO_TCPV6)
  view.setUint16(at + 2, segmentSize === 0 ? 0 : ipHeader + tcpHeader, true)
  view.setUint16(at + 4, segmentSize, true)
  view.setUint16(at + 6, partial ? ipHeader : 0, true)
  view.setUint16(at + 8, partial ? (protocol === TCP ? 16 : 6) : 0, true)
}

/** Makes what was read at `at - 10` (`length` bytes, header and all) the next packet of the batch. */
export function commitWithVirtioHeader(batch: PacketBatch, at: number, length: number): void {
  const view = batch.slab.view
  const header = at - VIRTIO_HEADER
  const flags = view.getUint8(header)
  const type = view.getUint8(header + 1) & 0x7f
  const segmentSize =
    type === GSO_TCPV4 || type === GSO_TCPV6 ? view.getUint16(header + 4, true) : 0
  batch.commit(
    length - VIRTIO_HEADER,
    segmentSize,
    (flags & NEEDS_CSUM) !== 0
      ? CHECKSUM.partial
      : (flags & DATA_VALID) !== 0
        ? CHECKSUM.verified
        : CHECKSUM.full
  )
}
