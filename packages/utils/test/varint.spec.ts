import assert from 'node:assert/strict'
import { VarintError, encodeVarint, readVarint, varintSize } from '@warren/utils'
import fc from 'fast-check'

describe('varint', () => {
  it('reads what it writes, up to the largest safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), value => {
        const bytes = new Uint8Array(varintSize(value))
        assert.equal(encodeVarint(value, bytes), bytes.length)
        if (bytes.length > 8)
          assert.throws(() => readVarint(bytes, 0, Number.MAX_SAFE_INTEGER), VarintError)
        else assert.deepEqual(readVarint(bytes, 0, value), { value, bytes: bytes.length })
      })
    )
  })

  it('waits for the rest of a varint', () => {
    assert.equal(readVarint(Uint8Array.of(0x80, 0x80), 0, 1e9), undefined)
    assert.equal(readVarint(new Uint8Array(0), 0, 1e9), undefined)
  })

  it('refuses a value over the limit as soon as it is seen', () => {
    assert.deepEqual(readVarint(Uint8Array.of(0x80, 0x01), 0, 128), { value: 128, bytes: 2 })
    assert.throws(() => readVarint(Uint8Array.of(0x80, 0x01), 0, 127), VarintError)
    assert.throws(() => readVarint(Uint8Array.of(0xff, 0xff), 0, 127), VarintError)
  })
})
