import assert from 'node:assert/strict'
import { checkCbor } from '../../src/codec/cbor-check.ts'
import { cborCodec } from '../../src/codec/cbor-codec.ts'
import { seeded } from '../seeded.ts'
import { noEnds } from './ends.ts'

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const allowed = (hex: string): void => checkCbor(bytes(hex), 16)
const refused = (hex: string, why: RegExp): void => {
  assert.throws(
    () => checkCbor(bytes(hex), 16),
    (error: Error & { code?: string }) =>
      error.code === 'ERR_VALUE_INVALID' && why.test(error.message),
    hex
  )
}

describe('check of CBOR', () => {
  it('takes what RFC 8949 gives as examples', () => {
    for (const hex of [
      '00',
      '1903e8',
      '1bffffffffffffffff',
      '3863',
      'f93c00',
      'fa47c35000',
      'fb7e37e43c8800759c',
      'f4',
      'f7',
      'c11a514b67b0',
      'c1fb41d452d9e2000000',
      '4401020304',
      '6449455446',
      '80',
      '98190102030405060708090a0b0c0d0e0f101112131415161718181819',
      'a26161016162820203',
      '9fff',
      '9f018202039f0405ffff',
      'bf61610161629f0203ffff',
      'c249010000000000000000',
      'a0',
      '8301820203820405',
      'd90103a1820102f6',
      'd9010283010203'
    ])
      allowed(hex)
  })

  it('refuses what ends early, at every place', () => {
    const whole = bytes(
      'a3 6161 9f 01 1903e8 fb7e37e43c8800759c ff 6162 d90103 a1 01 02 6163 43 010203'
    )
    checkCbor(whole, 16)
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => checkCbor(whole.subarray(0, length), 16), { code: 'ERR_VALUE_INVALID' })
    }
    assert.throws(() => checkCbor(Buffer.concat([whole, bytes('00')]), 16), /behind it/)
  })

  it('refuses lengths beyond the end, before anything is allocated', () => {
    for (const hex of [
      '9a ffffffff',
      '9b 00000000ffffffff',
      'ba 7fffffff',
      '5b ffffffffffffffff',
      '7a 00100000 61',
      '9b ffffffffffffffff 00'
    ])
      refused(hex, /ends early/)
  })

  it('refuses nesting beyond the limit, however it is written', () => {
    for (const [open, item] of [
      ['81', '00'],
      ['9f', '00'],
      ['a1 00', '00'],
      ['d90102 81', '00']
    ] as const) {
      refused(open.repeat(17) + item, /deeper than 16/)
      refused(open.repeat(200_000) + item, /deeper than 16/)
    }
    refused('c1'.repeat(100_000) + '00', /tag/)
  })

  it('refuses tags that expand, make behaviour, or stand where they do not belong', () => {
    for (const hex of [
      'd81c 80', // shared value
      'd81d 00', // reference to one
      'd833 84 8161 61 80 80 e0', // packed table
      'c6 00', // packed reference
      'd9dfff 83 19e000 8161 61 01', // record
      'd9dff9 82 00 00', // bundled strings
      'd81b 82 66526567457870 6178', // generic object
      'c0 6461626364', // date as text
      'c4 82 01 02', // decimal fraction
      'd9d9f7 00', // self-described
      'da53687264 00', // shared data
      'c1 6161',
      'c2 00',
      'd90102 a0',
      'd90103 80',
      'd840 00',
      'd9c5e0 20',
      'd9c5e0 6161',
      'd841 80'
    ])
      refused(hex, /tag/)
    refused(`c2 59 0401 ${'00'.repeat(1025)}`, /tag 2/)
  })

  it('refuses heads that mean nothing, text in pieces, stray breaks and unknown simple values', () => {
    for (const hex of ['1c', '1f', '5d', 'dc 00', 'df 00', 'fc', 'fe'])
      refused(hex, /means nothing/)
    for (const hex of ['5f 41 00 ff', '7f 6161 ff']) refused(hex, /in pieces/)
    for (const hex of ['ff', '81 ff', 'bf 00 ff', 'a1 ff 00', '9f c1 ff']) refused(hex, /break/)
    for (const hex of ['e0', 'f0', 'f8 20']) refused(hex, /simple/)
  })

  it('refuses a property that is __proto__ or no text, but not a key of a Map', () => {
    const proto = `69${Buffer.from('__proto__').toString('hex')}`
    for (const hex of [`a1 ${proto} 00`, `bf 00 00 ${proto} 00 ff`, `81 a2 00 00 ${proto} a0`])
      refused(hex, /__proto__/)
    refused(`a1 7809${proto.slice(2)} 00`, /__proto__/)
    allowed(`d90103 a1 ${proto} ${proto}`)
    allowed(`a1 00 ${proto}`)
    refused('a1 80 00', /no text/)
    refused('a1 c100 00', /no text/)
    refused('a1 41ff 00', /no text/)
    refused('a1 f6 00', /no text/)
  })

  it('lets through only what cbor-x decodes, and nothing that it makes much of', () => {
    const codec = cborCodec()
    const random = seeded(42)
    let decoded = 0
    for (let i = 0; i < 20_000; i++) {
      const value = Uint8Array.from({ length: 1 + Math.floor(random() * 24) }, () => random() * 256)
      try {
        checkCbor(value, 16)
      } catch {
        continue
      }
      decoded++
      try {
        codec.decode(value, (_reference, kind) => ({ kind, end: undefined as never }))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_VALUE_INVALID')
      }
    }
    assert.ok(decoded > 200, `${decoded}`)
    assert.equal(Object.keys(Object.prototype).length, 0)
    assert.throws(() => codec.decode(bytes('d840 ff'), noEnds.resolve), {
      code: 'ERR_VALUE_INVALID'
    })
  })
})
