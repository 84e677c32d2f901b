import assert from 'node:assert/strict'
import fc from 'fast-check'
import { finish, fold, pseudoHeaderSum, sum, sumBytes } from '../../src/wire/checksum.ts'
import { Slab } from '../../src/wire/slab.ts'

/** RFC 1071 word by word, with no trick. */
function reference(bytes: Uint8Array): number {
  let total = 0
  for (let i = 0; i < bytes.length; i += 2) {
    total += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0)
    if (total > 0xffff) total = (total & 0xffff) + 1
  }
  return total
}

/** 0 and 0xffff are the same number in ones' complement. */
const same = (a: number, b: number): boolean => a % 0xffff === b % 0xffff

describe('checksum', () => {
  it('sums any range at any offset as RFC 1071 does', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        fc.nat({ max: 9 }),
        fc.nat({ max: 9 }),
        (bytes, before, after) => {
          const slab = new Slab(before + bytes.length + after)
          slab.bytes.fill(0xa5)
          slab.bytes.set(bytes, before)
          const end = before + bytes.length
          assert.ok(same(sum(slab, before, end), reference(bytes)))
          assert.ok(same(sumBytes(slab.bytes, before, end), reference(bytes)))
        }
      )
    )
  })

  it('does not lose a carry in the largest packet', () => {
    const slab = new Slab(65_536)
    slab.bytes.fill(0xff)
    assert.equal(sum(slab, 0, 65_536), 0xffff)
    assert.equal(sum(slab, 0, 65_535), reference(slab.bytes.subarray(0, 65_535)))
    assert.equal(sum(slab, 1, 65_536), reference(slab.bytes.subarray(1)))
  })

  it('is the example of RFC 1071 §3', () => {
    const slab = new Slab(8)
    slab.bytes.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
    assert.equal(sum(slab, 0, 8), 0xddf2)
    assert.equal(finish(sum(slab, 0, 8)), 0x220d)
  })

  it('counts the addresses of a pseudo-header, an IPv4 one without its mapping', () => {
    const words = (...w: number[]) => Int32Array.from(w)
    const from = words(0, 0, 0xffff, 0xc0a80001)
    const to = words(0, 0, 0xffff, 0xc0a800c7)
    assert.equal(
      pseudoHeaderSum(4, from, to, 6),
      reference(Uint8Array.of(0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7, 0, 6))
    )
    assert.equal(pseudoHeaderSum(6, from, to, 6), fold(0xffff * 2 + 0xc0a8 * 2 + 1 + 0xc7 + 6))
  })
})
