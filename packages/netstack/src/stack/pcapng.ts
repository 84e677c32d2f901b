import { CHECKSUM, type PacketBatch } from '../link/packet-batch.ts'
import { finish, sumBytes } from '../wire/checksum.ts'

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d

/** Packets start with their IP header. */
const LINKTYPE_RAW = 101

const OPTION_END = 0
const OPTION_IF_NAME = 2
const OPTION_IF_TSRESOL = 9
const OPTION_EPB_FLAGS = 2

/** The first bytes of a capture: section header and one interface, times in microseconds. */
export function pcapngHeader(interfaceName: string): Uint8Array {
  const name = new TextEncoder().encode(interfaceName)
  const padded = (name.length + 3) & ~3
  const length = 20 + 4 + padded + 8 + 4
  const bytes = new Uint8Array(28 + length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, SECTION_HEADER, true)
  view.setUint32(4, 28, true)
  view.setUint32(8, BYTE_ORDER_MAGIC, true)
  view.setUint16(12, 1, true)
  // The section's length is not known: -1.
  view.setBigInt64(16, -1n, true)
  view.setUint32(24, 28, true)
  view.setUint32(28, INTERFACE_DESCRIPTION, true)
  view.setUint32(32, length, true)
  view.setUint16(36, LINKTYPE_RAW, true)
  view.setUint16(44, OPTION_IF_NAME, true)
  view.setUint16(46, name.length, true)
  bytes.set(name, 48)
  const after = 48 + padded
  view.setUint16(after, OPTION_IF_TSRESOL, true)
  view.setUint16(after + 2, 1, true)
  view.setUint8(after + 4, 6)
  view.setUint16(after + 8, OPTION_END, true)
  view.setUint32(after + 12, length, true)
  return bytes
}

/**
 * One packet of a batch as a block of a capture. A checksum that was left to the link is completed
 * in the copy, as it will be on the wire.
 *
 * @param time - ms since 1970
 */
export function pcapngPacket(
  batch: PacketBatch,
  i: number,
  direction: 'in' | 'out',
  time: number
): Uint8Array {
  const packet = batch.packet(i)
  const padded = (packet.length + 3) & ~3
  const length = 28 + padded + 12 + 4
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  const micros = BigInt(Math.floor(time * 1000))
  view.setUint32(0, ENHANCED_PACKET, true)
  view.setUint32(4, length, true)
  view.setUint32(12, Number(micros >> 32n), true)
  view.setUint32(16, Number(micros & 0xffffffffn), true)
  view.setUint32(20, packet.length, true)
  view.setUint32(24, packet.length, true)
  bytes.set(packet, 28)
  if (batch.checksum[i] === CHECKSUM.partial) completeChecksum(bytes, view, 28, packet.length)
  const after = 28 + padded
  view.setUint16(after, OPTION_EPB_FLAGS, true)
  view.setUint16(after + 2, 4, true)
  view.setUint32(after + 4, direction === 'in' ? 1 : 2, true)
  view.setUint16(after + 8, OPTION_END, true)
  view.setUint32(length - 4, length, true)
  return bytes
}

/** The field holds the pseudo-header's sum: the sum over the segment with it is that of all. */
function completeChecksum(bytes: Uint8Array, view: DataView, at: number, length: number): void {
  const v4 = view.getUint8(at) >>> 4 === 4
  const start = at + (v4 ? (view.getUint8(at) & 0x0f) << 2 : 40)
  const protocol = view.getUint8(at + (v4 ? 9 : 6))
  const field = start + (protocol === 6 ? 16 : 6)
  view.setUint16(field, finish(sumBytes(bytes, start, at + length)))
}
