import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Reassembly } from '../../src/stack/reassembly.ts'
import { IpView, parseIp } from '../../src/wire/ip.ts'
import { writeIpv4 } from '../../src/wire/ipv4.ts'
import { Slab } from '../../src/wire/slab.ts'

const LIMITS = { maxBytes: 1_000_000, maxPackets: 16 }

/** A fragment as it arrives. */
function fragment(
  bytes: Uint8Array,
  offset: number,
  more: boolean,
  id = 1,
  protocol = 17
): { slab: Slab; ip: IpView } {
  const slab = new Slab(20 + bytes.length)
  writeIpv4(slab, 0, 20 + bytes.length, id, (offset >> 3) | (more ? 0x2000 : 0), 64, protocol, 1, 2)
  slab.bytes.set(bytes, 20)
  const ip = new IpView()
  assert.ok(parseIp(slab, 0, 20 + bytes.length, ip))
  return { slab, ip }
}

function add(reassembly: Reassembly, parts: ReturnType<typeof fragment>, now = 0) {
  return reassembly.add(parts.slab, parts.ip, now)
}

describe('reassembly', () => {
  it('puts pieces together in any order, and twice the same piece does no harm', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 9, maxLength: 3000 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.integer(),
        (bytes, sizes, seed) => {
          const pieces: { start: number; end: number }[] = []
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = Math.min(at + 8 * (sizes[i % sizes.length] ?? 1), bytes.length)
            pieces.push({ start: at, end })
            at = end
          }
          fc.pre(pieces.length > 1 && pieces.length < 100)
          const mixed = pieces
            .map((piece, i) => ({ piece, key: Math.imul(i + 1, seed | 1) >>> 3 }))
            .toSorted((a, b) => a.key - b.key)
            .map(({ piece }) => piece)
          const reassembly = new Reassembly(LIMITS)
          let whole
          for (const [i, { start, end }] of mixed.entries()) {
            const piece = fragment(bytes.subarray(start, end), start, end < bytes.length)
            whole = add(reassembly, piece)
            if (i < mixed.length - 1) {
              assert.equal(whole, undefined)
              assert.equal(add(reassembly, piece), undefined)
            }
          }
          assert.ok(whole)
          assert.deepEqual(whole.slab.bytes.subarray(0, whole.length), bytes)
          assert.deepEqual(reassembly.waiting, { packets: 0, bytes: 0 })
        }
      ),
      { numRuns: 200 }
    )
  })

  it('drops a packet whose pieces overlap', () => {
    const reassembly = new Reassembly(LIMITS)
    add(reassembly, fragment(new Uint8Array(16), 0, true))
    assert.equal(add(reassembly, fragment(new Uint8Array(16), 8, true)), undefined)
    assert.deepEqual(reassembly.waiting, { packets: 0, bytes: 0 })
    assert.equal(add(reassembly, fragment(new Uint8Array(8), 16, false)), undefined)
  })

  it('drops what contradicts the known end', () => {
    const reassembly = new Reassembly(LIMITS)
    add(reassembly, fragment(new Uint8Array(8), 16, false))
    assert.equal(add(reassembly, fragment(new Uint8Array(8), 24, true)), undefined)
    assert.equal(reassembly.waiting.packets, 0)
    add(reassembly, fragment(new Uint8Array(16), 16, true))
    assert.equal(add(reassembly, fragment(new Uint8Array(8), 8, false)), undefined)
    assert.equal(reassembly.waiting.packets, 0)
  })

  it('refuses the second piece of a cut TCP header, odd lengths, and more than 64 KiB', () => {
    const reassembly = new Reassembly(LIMITS)
    assert.equal(add(reassembly, fragment(new Uint8Array(24), 8, false, 1, 6)), undefined)
    assert.equal(add(reassembly, fragment(new Uint8Array(9), 0, true)), undefined)
    assert.equal(add(reassembly, fragment(new Uint8Array(100), 65_528, false)), undefined)
    assert.deepEqual(reassembly.waiting, { packets: 0, bytes: 0 })
    assert.equal(reassembly.dropped, 3)
  })

  it('gives packets up by age, number, memory and pieces', () => {
    const reassembly = new Reassembly({ maxBytes: 20_000, maxPackets: 3 })
    add(reassembly, fragment(new Uint8Array(8), 0, true, 1), 0)
    add(reassembly, fragment(new Uint8Array(8), 0, true, 2), 20_000)
    assert.equal(reassembly.waiting.packets, 2)
    reassembly.expire(30_000)
    assert.equal(reassembly.waiting.packets, 1)
    for (let id = 3; id < 10; id++)
      add(reassembly, fragment(new Uint8Array(8), 0, true, id), 30_000)
    assert.equal(reassembly.waiting.packets, 3)
    add(reassembly, fragment(new Uint8Array(8), 40_000, true, 20), 30_000)
    assert.ok(reassembly.waiting.bytes <= 20_000)
    const many = new Reassembly(LIMITS)
    for (let i = 0; i < 200; i++) add(many, fragment(new Uint8Array(8), 16 * i, true, 1))
    assert.ok(many.dropped > 0)
  })
})
