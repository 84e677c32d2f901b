import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Slab } from '../../src/wire/slab.ts'
import {
  TCP_HEADER,
  TcpSegment,
  parseTcp,
  tcpChecksumOk,
  writeTcp,
  writeTcpChecksum
} from '../../src/wire/tcp.ts'

const u16 = fc.nat({ max: 0xffff })
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

describe('TCP header', () => {
  it('reads what was written, and notices a wrong bit', () => {
    fc.assert(
      fc.property(
        fc.record({ source: u16, destination: u16, window: u16, urgent: u16, pseudo: u16 }),
        i32,
        i32,
        fc.nat({ max: 0xff }),
        fc.nat({ max: 10 }),
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(),
        (fixed, seq, ack, flags, optionWords, data, wrong) => {
          const header = TCP_HEADER + 4 * optionWords
          const end = 2 + header + data.length
          const slab = new Slab(end)
          slab.bytes.fill(1, 2 + TCP_HEADER, 2 + header)
          slab.bytes.set(data, 2 + header)
          const { source, destination, window, urgent, pseudo } = fixed
          writeTcp(slab, 2, source, destination, seq, ack, header, flags, window, urgent)
          writeTcpChecksum(slab, 2, end, pseudo)
          assert.ok(tcpChecksumOk(slab, 2, end, pseudo))
          const segment = new TcpSegment()
          assert.ok(parseTcp(slab, 2, end, segment))
          assert.deepEqual(
            [segment.sourcePort, segment.destinationPort, segment.seq, segment.ack],
            [source, destination, seq, ack]
          )
          assert.deepEqual(
            [segment.flags, segment.window, segment.urgent, segment.payload, segment.length],
            [flags, window, urgent, 2 + header, data.length]
          )
          const byte = 2 + (wrong % (end - 2))
          slab.bytes[byte] = (slab.bytes[byte] as number) ^ (1 << (wrong % 8))
          assert.ok(!tcpChecksumOk(slab, 2, end, pseudo))
        }
      )
    )
  })

  it('reads options in any order, at any alignment, among unknown and malformed ones', () => {
    const known = fc.constantFrom('mss', 'scale', 'permitted', 'timestamps', 'sack')
    const noise = fc.constantFrom([1], [1, 1, 1], [253, 4, 9, 9], [30, 2], [3, 2], [2, 3, 1])
    fc.assert(
      fc.property(fc.uniqueArray(known), fc.array(noise, { maxLength: 4 }), (names, noises) => {
        const all = {
          mss: [2, 4, 5, 0xb4],
          scale: [3, 3, 77],
          permitted: [4, 2],
          timestamps: [8, 10, 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0],
          sack: [5, 10, 0, 0, 0, 1, 0x80, 0, 0, 0]
        }
        const bytes: number[] = []
        for (let i = 0; i < Math.max(names.length, noises.length); i++) {
          const name = names[i]
          bytes.push(...(noises[i] ?? []), ...(name === undefined ? [] : all[name]))
        }
        if (bytes.length > 40) return
        while (bytes.length % 4 !== 0) bytes.push(0)
        const slab = new Slab(TCP_HEADER + bytes.length)
        writeTcp(slab, 0, 1, 2, 3, 4, TCP_HEADER + bytes.length, 0, 0)
        slab.bytes.set(bytes, TCP_HEADER)
        const segment = new TcpSegment()
        assert.ok(parseTcp(slab, 0, slab.size, segment))
        assert.equal(segment.mss, names.includes('mss') ? 1460 : 0)
        assert.equal(segment.windowScale, names.includes('scale') ? 14 : -1)
        assert.equal(segment.sackPermitted, names.includes('permitted'))
        assert.equal(segment.hasTimestamps, names.includes('timestamps'))
        if (segment.hasTimestamps) assert.deepEqual([segment.tsValue, segment.tsEcho], [-1, 256])
        assert.equal(segment.sackBlocks, names.includes('sack') ? 1 : 0)
        if (names.includes('sack'))
          assert.deepEqual([...segment.sacks.subarray(0, 2)], [1, -(2 ** 31)])
      })
    )
  })

  it('of any bytes is refused or lies within them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        const slab = new Slab(bytes.length)
        slab.bytes.set(bytes)
        const segment = new TcpSegment()
        if (!parseTcp(slab, 0, bytes.length, segment)) return
        assert.ok(segment.payload >= TCP_HEADER && segment.payload <= bytes.length)
        assert.ok(segment.sackBlocks >= 0 && segment.sackBlocks <= 4)
        assert.ok(segment.windowScale >= -1 && segment.windowScale <= 14)
      }),
      { numRuns: 1000 }
    )
  })

  it('forgets the options of the segment before', () => {
    const slab = new Slab(TCP_HEADER + 4)
    const segment = new TcpSegment()
    writeTcp(slab, 0, 1, 2, 3, 4, TCP_HEADER + 4, 0, 0)
    slab.bytes.set([2, 4, 5, 0xb4], TCP_HEADER)
    assert.ok(parseTcp(slab, 0, slab.size, segment))
    assert.equal(segment.mss, 1460)
    writeTcp(slab, 0, 1, 2, 3, 4, TCP_HEADER, 0, 0)
    assert.ok(parseTcp(slab, 0, TCP_HEADER, segment))
    assert.equal(segment.mss, 0)
  })
})
