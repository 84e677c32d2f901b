import assert from 'node:assert/strict'
import fc from 'fast-check'
import { finish, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import {
  IcmpView,
  icmpChecksumOk,
  parseIcmp,
  writeIcmpEcho,
  writeIcmpTooBig,
  writeIcmpUnreachable
} from '../../src/wire/icmp.ts'
import { IpView, parseIp } from '../../src/wire/ip.ts'
import { IPV4_HEADER, ipv4ChecksumOk, writeIpv4 } from '../../src/wire/ipv4.ts'
import { IPV6_HEADER, writeIpv6 } from '../../src/wire/ipv6.ts'
import { Slab } from '../../src/wire/slab.ts'
import { UdpView, parseUdp, udpChecksumOk, writeUdp } from '../../src/wire/udp.ts'

const u8 = fc.nat({ max: 0xff })
const u16 = fc.nat({ max: 0xffff })
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const words = fc.tuple(i32, i32, i32, i32).map(list => Int32Array.from(list))
/** Where the packet starts in its slab: even, as the stack puts it. */
const start = fc.nat({ max: 20 }).map(n => 2 * n)

describe('IPv4 header', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(
        start,
        u16,
        u16,
        u8,
        u8,
        i32,
        i32,
        u8,
        fc.nat({ max: 100 }),
        (at, id, flags, ttl, protocol, source, destination, tos, payload) => {
          const slab = new Slab(at + IPV4_HEADER + payload + 7)
          slab.bytes.fill(0xee)
          const total = IPV4_HEADER + payload
          writeIpv4(slab, at, total, id, flags, ttl, protocol, source, destination, tos)
          const view = new IpView()
          // What the link padded behind the packet does not belong to it.
          assert.ok(parseIp(slab, at, slab.size, view))
          assert.ok(ipv4ChecksumOk(slab, at, IPV4_HEADER))
          assert.equal(view.version, 4)
          assert.deepEqual([...view.source], [0, 0, 0xffff, source])
          assert.deepEqual([...view.destination], [0, 0, 0xffff, destination])
          assert.deepEqual(
            [view.identification, view.ttl, view.protocol, view.trafficClass],
            [id, ttl, protocol, tos]
          )
          assert.equal(view.dontFragment, (flags & 0x4000) !== 0)
          assert.equal(view.moreFragments, (flags & 0x2000) !== 0)
          assert.equal(view.fragmentOffset, (flags & 0x1fff) * 8)
          assert.deepEqual([view.start, view.payload, view.end], [at, at + IPV4_HEADER, at + total])
          // One bit wrong anywhere in the header is noticed.
          const bit = id % (8 * IPV4_HEADER)
          const byte = at + (bit >> 3)
          slab.bytes[byte] = (slab.bytes[byte] as number) ^ (1 << (bit & 7))
          assert.ok(!ipv4ChecksumOk(slab, at, IPV4_HEADER))
        }
      )
    )
  })

  it('skips options, and refuses lengths that contradict each other', () => {
    const slab = new Slab(60)
    writeIpv4(slab, 0, 40, 0, 0, 64, 6, 1, 2)
    const view = new IpView()
    slab.bytes[0] = 0x46
    assert.ok(parseIp(slab, 0, 40, view))
    assert.equal(view.payload, 24)
    for (const [first, total, end] of [
      [0x44, 40, 40],
      [0x4f, 40, 40],
      [0x45, 41, 40],
      [0x45, 19, 40],
      [0x45, 40, 39],
      [0x55, 40, 40]
    ] as const) {
      slab.bytes[0] = first
      slab.view.setUint16(2, total)
      assert.ok(!parseIp(slab, 0, end, view), `${first.toString(16)} ${total} ${end}`)
    }
  })
})

describe('IPv6 header', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(
        start,
        words,
        words,
        u8,
        fc.constantFrom(6, 17, 58, 99),
        u8,
        fc.nat({ max: 0xfffff }),
        fc.nat({ max: 90 }),
        (at, source, destination, hops, next, traffic, flow, payload) => {
          const slab = new Slab(at + IPV6_HEADER + payload + 3)
          writeIpv6(slab, at, payload, next, hops, source, destination, traffic, flow)
          const view = new IpView()
          assert.ok(parseIp(slab, at, slab.size, view))
          assert.deepEqual(
            [view.version, view.protocol, view.ttl, view.trafficClass],
            [6, next, hops, traffic]
          )
          assert.deepEqual(view.source, source)
          assert.deepEqual(view.destination, destination)
          assert.deepEqual(
            [view.payload, view.end, view.fragment],
            [at + IPV6_HEADER, at + IPV6_HEADER + payload, false]
          )
        }
      )
    )
  })

  it('walks extension headers, and not for ever', () => {
    const zero = new Int32Array(4)
    const build = (chain: readonly number[]): Slab => {
      const slab = new Slab(IPV6_HEADER + 8 * chain.length + 20)
      writeIpv6(slab, 0, 8 * chain.length + 20, chain[0] ?? 6, 64, zero, zero)
      for (const [i] of chain.entries()) slab.bytes[IPV6_HEADER + 8 * i] = chain[i + 1] ?? 6
      return slab
    }
    const view = new IpView()
    const walked = build([0, 43, 60])
    assert.ok(parseIp(walked, 0, walked.size, view))
    assert.deepEqual([view.protocol, view.payload], [6, IPV6_HEADER + 24])
    const endless = build(Array.from({ length: 9 }, () => 60))
    assert.ok(!parseIp(endless, 0, endless.size, view))
    const long = build([60])
    long.bytes[IPV6_HEADER + 1] = 200
    assert.ok(!parseIp(long, 0, long.size, view))
  })

  it('finds fragments, and takes an atomic one for a whole packet', () => {
    const zero = new Int32Array(4)
    const slab = new Slab(IPV6_HEADER + 28)
    writeIpv6(slab, 0, 28, 44, 64, zero, zero)
    slab.bytes[IPV6_HEADER] = 17
    slab.view.setUint16(IPV6_HEADER + 2, (185 << 3) | 1)
    slab.view.setInt32(IPV6_HEADER + 4, -5)
    const view = new IpView()
    assert.ok(parseIp(slab, 0, slab.size, view))
    assert.deepEqual(
      [view.fragment, view.moreFragments, view.fragmentOffset, view.identification, view.protocol],
      [true, true, 1480, -5, 17]
    )
    slab.view.setUint16(IPV6_HEADER + 2, 0)
    assert.ok(parseIp(slab, 0, slab.size, view))
    assert.deepEqual([view.fragment, view.payload], [false, IPV6_HEADER + 8])
  })
})

describe('UDP', () => {
  it('reads what was written, and notices a wrong bit', () => {
    fc.assert(
      fc.property(
        start,
        u16,
        u16,
        words,
        words,
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        (at, source, destination, from, to, data, wrong) => {
          const end = at + 8 + data.length
          const slab = new Slab(end + 3)
          slab.bytes.set(data, at + 8)
          const pseudo = pseudoHeaderSum(6, from, to, 17) + (end - at)
          writeUdp(slab, at, end, source, destination, pseudo)
          const view = new UdpView()
          assert.ok(parseUdp(slab, at, slab.size, view))
          assert.deepEqual(
            [view.sourcePort, view.destinationPort, view.payload, view.end],
            [source, destination, at + 8, end]
          )
          assert.ok(udpChecksumOk(slab, at, view.end, pseudo, 6))
          const byte = at + 8 + (wrong % data.length)
          slab.bytes[byte] = (slab.bytes[byte] as number) ^ (1 << (wrong % 8))
          assert.ok(!udpChecksumOk(slab, at, view.end, pseudo, 6))
        }
      )
    )
  })

  it('without a checksum is right over IPv4 alone', () => {
    const slab = new Slab(8)
    writeUdp(slab, 0, 8, 1, 2, 0)
    slab.view.setUint16(6, 0)
    assert.ok(udpChecksumOk(slab, 0, 8, 8, 4))
    assert.ok(!udpChecksumOk(slab, 0, 8, 8, 6))
  })

  it('never sends a sum of 0 as 0', () => {
    const slab = new Slab(10)
    // Whatever the payload has to be for the sum to come out as all ones.
    const pseudo = 17 + 10
    slab.view.setUint16(8, finish(1 + 2 + 10 + pseudo))
    writeUdp(slab, 0, 10, 1, 2, pseudo)
    assert.equal(slab.view.getUint16(6), 0xffff)
    assert.ok(udpChecksumOk(slab, 0, 10, pseudo, 6))
  })
})

describe('ICMP', () => {
  for (const version of [4, 6] as const) {
    const pseudo = version === 4 ? 0 : 0x1234
    it(`reads echoes, "unreachable" and "too big" of version ${version}`, () => {
      fc.assert(
        fc.property(u16, u16, fc.uint8Array({ maxLength: 60 }), (id, sequence, data) => {
          const end = 8 + data.length
          const slab = new Slab(end)
          slab.bytes.set(data, 8)
          const view = new IcmpView()
          const read = (): IcmpView => {
            assert.ok(icmpChecksumOk(slab, 0, end, pseudo))
            assert.ok(parseIcmp(slab, 0, end, version, view))
            assert.deepEqual([view.payload, view.end], [8, end])
            return view
          }
          for (const kind of ['echo-request', 'echo-reply'] as const) {
            writeIcmpEcho(slab, 0, end, version, kind, id, sequence, pseudo)
            const { kind: told, identifier, sequence: number } = read()
            assert.deepEqual([told, identifier, number], [kind, id, sequence])
          }
          for (const reason of ['network', 'host', 'port', 'prohibited'] as const) {
            writeIcmpUnreachable(slab, 0, end, version, reason, pseudo)
            assert.deepEqual([read().kind, view.reason], ['unreachable', reason])
          }
          writeIcmpTooBig(slab, 0, end, version, id, pseudo)
          assert.deepEqual([read().kind, view.mtu], ['too-big', id])
        })
      )
    })
  }
})

describe('any bytes', () => {
  it('are refused or lie within the packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
        const slab = new Slab(bytes.length)
        slab.bytes.set(bytes)
        const ip = new IpView()
        const udp = new UdpView()
        const icmp = new IcmpView()
        if (!parseIp(slab, 0, bytes.length, ip)) return
        assert.ok(ip.payload >= 20 && ip.payload <= ip.end && ip.end <= bytes.length)
        if (parseUdp(slab, ip.payload, ip.end, udp)) assert.ok(udp.end <= ip.end)
        if (parseIcmp(slab, ip.payload, ip.end, ip.version, icmp)) assert.ok(icmp.end <= ip.end)
        sum(slab, ip.payload, ip.end)
      }),
      { numRuns: 500, examples: [[Uint8Array.of(0x45, 0, 0, 20)]] }
    )
  })
})
