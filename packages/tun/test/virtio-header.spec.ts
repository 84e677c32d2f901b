import assert from 'node:assert/strict'
import { CHECKSUM, PacketBatch, Slab, writeIpv4, writeIpv6, writeTcp } from '@warren/netstack'
import { VIRTIO_HEADER, commitWithVirtioHeader, writeVirtioHeader } from '../src/virtio-header.ts'

const TCP = 6
const UDP = 17

function packet(version: 4 | 6, protocol: number, size: number): Uint8Array {
  const slab = new Slab(size)
  if (version === 4) writeIpv4(slab, 0, size, 1, 0x4000, 64, protocol, 1, 2)
  else writeIpv6(slab, 0, size - 40, protocol, 64, new Int32Array(4), new Int32Array(4))
  const at = version === 4 ? 20 : 40
  if (protocol === TCP) writeTcp(slab, at, 1, 2, 3, 4, 32, 0x10, 1000)
  return slab.bytes
}

/** The header as the kernel reads it: flags, type, header length, segment size, start and offset. */
function written(bytes: Uint8Array, segmentSize: number, partial: boolean): number[] {
  const batch = PacketBatch.of(1, bytes.length)
  batch.push(bytes, segmentSize, partial ? CHECKSUM.partial : CHECKSUM.full)
  writeVirtioHeader(batch, 0)
  const at = (batch.offset[0] ?? 0) - VIRTIO_HEADER
  const { view } = batch.slab
  return [
    view.getUint8(at),
    view.getUint8(at + 1),
    ...[2, 4, 6, 8].map(field => view.getUint16(at + field, true))
  ]
}

describe('virtio header', () => {
  it('says what is open in a packet, for each version and protocol', () => {
    assert.deepEqual(written(packet(4, TCP, 1500), 0, false), [0, 0, 0, 0, 0, 0])
    assert.deepEqual(written(packet(4, TCP, 1500), 0, true), [1, 0, 0, 0, 20, 16])
    assert.deepEqual(written(packet(4, TCP, 20_000), 1448, true), [1, 1, 52, 1448, 20, 16])
    assert.deepEqual(written(packet(6, TCP, 20_000), 1428, true), [1, 4, 72, 1428, 40, 16])
    assert.deepEqual(written(packet(4, UDP, 100), 0, true), [1, 0, 0, 0, 20, 6])
  })

  it('is read back as what it says', () => {
    for (const [flags, type, size, checksum, segmentSize] of [
      [0, 0, 0, CHECKSUM.full, 0],
      [1, 0, 0, CHECKSUM.partial, 0],
      [2, 0, 0, CHECKSUM.verified, 0],
      [1, 1, 1448, CHECKSUM.partial, 1448],
      [1, 0x84, 1428, CHECKSUM.partial, 1428],
      [1, 3, 1000, CHECKSUM.partial, 0]
    ] as const) {
      const batch = PacketBatch.of(1, 100)
      const at = batch.reserve(100)
      const { view } = batch.slab
      view.setUint8(at - 10, flags)
      view.setUint8(at - 9, type)
      view.setUint16(at - 6, size, true)
      commitWithVirtioHeader(batch, at, 110)
      assert.equal(batch.count, 1)
      assert.equal(batch.length[0], 100)
      assert.equal(batch.checksum[0], checksum)
      assert.equal(batch.segmentSize[0], segmentSize)
    }
  })
})
