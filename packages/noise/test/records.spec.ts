import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { sentChunks } from '@warren/utils'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { MAX_EMPTY_RECORDS, MAX_NONCE, MAX_PLAINTEXT_BYTES } from '../src/constants.ts'
import { NonceCounter } from '../src/records/nonce.ts'
import { RecordOpener, type OpenerOptions } from '../src/records/opener.ts'
import { RecordSealer, type SealInput } from '../src/records/sealer.ts'
import { pattern } from './support/traffic.ts'
import { cut } from './support/wire.ts'

const key: KeyObject = createSecretKey(randomBytes(32))

/** The wire's bytes for each of `inputs`, by one sealer. */
function sealEach(...inputs: SealInput[]): Uint8Array[] {
  const sealer = new RecordSealer(key)
  return inputs.map(input => Buffer.concat(sealer.seal(input)))
}

/** What comes out when `chunks` go in, and the error that ended it. */
function open(
  chunks: Iterable<Uint8Array>,
  options: OpenerOptions = {}
): { plaintext: Uint8Array; error: unknown; opener: RecordOpener } {
  const opener = new RecordOpener(key, options)
  const out: Uint8Array[] = []
  let error: unknown
  try {
    for (const chunk of chunks) opener.push(chunk, out)
  } catch (thrown) {
    error = thrown
  }
  return { plaintext: Buffer.concat(out), error, opener }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >>> 3] = (copy[bit >>> 3] as number) ^ (1 << (bit & 7))
  return copy
}

const SIZES = [1, 2, 15, 16, 17, 1_023, 1_024, 4_096, 32_768, MAX_PLAINTEXT_BYTES - 1]
const AROUND_FULL = [0, 1, 2].map(over => MAX_PLAINTEXT_BYTES + over)

describe('records', () => {
  for (const size of [...SIZES, ...AROUND_FULL, 5 * MAX_PLAINTEXT_BYTES + 7]) {
    it(`carry ${size} bytes, in records of at most 65,535`, () => {
      const data = pattern(size)
      const [wire] = sealEach(data) as [Uint8Array]
      const count = Math.ceil(size / MAX_PLAINTEXT_BYTES)
      assert.equal(wire.byteLength, size + count * 18)
      const { plaintext, error, opener } = open([wire])
      assert.equal(error, undefined)
      assert.equal(opener.records, count)
      assert.ok(Buffer.from(data).equals(plaintext))
      assert.equal(opener.insideRecord, false)
    })
  }

  it('are the same for a list, however its parts are cut', () => {
    const data = pattern(3 * MAX_PLAINTEXT_BYTES)
    const [whole] = sealEach(data) as [Uint8Array]
    const cuts: (() => number)[] = [
      () => 64,
      () => 1_023,
      () => 1_024,
      () => 40_000,
      () => MAX_PLAINTEXT_BYTES
    ]
    for (const next of [...cuts, alternating(12, 65_507), alternating(1, 3_000)]) {
      const [wire] = sealEach(new Uint8ArrayList(...cut(data, next))) as [Uint8Array]
      assert.ok(Buffer.from(whole).equals(wire))
    }
  })

  it('leave the input as it was, unless it is marked to be freed', () => {
    const kept = pattern(40_000)
    sealEach(kept)
    assert.ok(Buffer.from(kept).equals(pattern(40_000)))
    const parts = [sentChunks.mark(pattern(20_000)), sentChunks.mark(pattern(30_000, 20_000))]
    const [wire] = sealEach(new Uint8ArrayList(...parts)) as [Uint8Array]
    assert.deepEqual(
      parts.map(part => part.byteLength),
      [0, 0]
    )
    assert.ok(Buffer.from(pattern(50_000)).equals(open([wire]).plaintext))
  })

  it('come out the same in every split in two, and byte by byte', () => {
    const parts = sealEach(pattern(3), new Uint8Array(0), pattern(40, 3), pattern(1, 43))
    const wire = Buffer.concat(parts)
    for (let at = 0; at <= wire.byteLength; at++) {
      const { plaintext, error } = open([wire.subarray(0, at), wire.subarray(at)])
      assert.equal(error, undefined)
      assert.ok(Buffer.from(pattern(44)).equals(plaintext), `split at ${at}`)
    }
    assert.ok(Buffer.from(pattern(44)).equals(open(cut(wire, () => 1)).plaintext))
  })

  it('come out the same however they are cut (structured fuzzing)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }),
        (sizes, lengths) => {
          const wire = Buffer.concat(sealEach(...sizes.map(size => pattern(size))))
          let i = 0
          const { plaintext, error, opener } = open(
            cut(wire, () => lengths[i++ % lengths.length] as number)
          )
          assert.equal(error, undefined)
          assert.equal(opener.heldBytes, 0)
          assert.ok(Buffer.concat(sizes.map(size => pattern(size))).equals(plaintext))
        }
      ),
      { numRuns: 40 }
    )
  })

  it('hold no more than the record, for a peer that sends it byte by byte', () => {
    const [wire] = sealEach(pattern(60_000)) as [Uint8Array]
    const opener = new RecordOpener(key)
    const out: Uint8Array[] = []
    for (let at = 0; at < wire.byteLength - 1; at++) {
      opener.push(wire.subarray(at, at + 1), out)
      assert.ok(opener.heldBytes <= at + 1)
    }
    assert.equal(out.length, 0, 'nothing before the tag')
    opener.push(wire.subarray(-1), out)
    assert.equal(Buffer.concat(out).byteLength, 60_000)
    assert.ok(out.length <= 2, 'it was not kept in 60,000 pieces')
  })

  it('tell when a chunk is spent, once each and not before', () => {
    const wire = Buffer.concat(sealEach(pattern(100), pattern(50_000), pattern(10)))
    const spent: Uint8Array[] = []
    const opener = new RecordOpener(key, { onSpent: chunk => spent.push(chunk) })
    const out: Uint8Array[] = []
    const chunks = cut(wire, () => 20_000)
    assert.equal(chunks.length, 3)
    opener.push(chunks[0] as Uint8Array, out)
    opener.push(chunks[1] as Uint8Array, out)
    assert.deepEqual(spent, [], 'the second record still needs both')
    opener.push(chunks[2] as Uint8Array, out)
    assert.deepEqual(new Set(spent), new Set(chunks))
    assert.equal(spent.length, 3)
  })
})

describe('records that were tampered with', () => {
  it('any bit of the first two: what was before is delivered, nothing after', () => {
    const first = pattern(5)
    const wires = sealEach(first, pattern(9, 5))
    const wire = Buffer.concat(wires)
    const inFirst = (wires[0] as Uint8Array).byteLength * 8
    for (let bit = 0; bit < wire.byteLength * 8; bit++) {
      const { plaintext, error, opener } = open([flipped(wire, bit)])
      // A longer length only makes it wait for more, and the end is then inside a record.
      assert.ok(codeOf(error) === 'ERR_NOISE_RECORD' || opener.insideRecord, `bit ${bit}`)
      assert.deepEqual(
        Buffer.from(plaintext),
        bit < inFirst ? Buffer.alloc(0) : Buffer.from(first),
        `bit ${bit}`
      )
    }
  })

  it('a full record with a bit flipped in its last byte delivers nothing', () => {
    const [wire] = sealEach(pattern(MAX_PLAINTEXT_BYTES)) as [Uint8Array]
    const { plaintext, error } = open(cut(flipped(wire, wire.byteLength * 8 - 1), () => 20_000))
    assert.equal(codeOf(error), 'ERR_NOISE_RECORD')
    assert.equal(plaintext.byteLength, 0)
  })

  it('replayed, reordered or left out: the end', () => {
    const [a, b, c] = sealEach(pattern(10), pattern(11), pattern(12)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array
    ]
    const orders: [Uint8Array[], number][] = [
      [[a, a], 10],
      [[a, b, a], 21],
      [[b, a], 0],
      [[a, c, b], 10],
      [[c], 0]
    ]
    for (const [wires, delivered] of orders) {
      const { plaintext, error } = open(wires)
      assert.equal(codeOf(error), 'ERR_NOISE_RECORD')
      assert.equal(plaintext.byteLength, delivered)
    }
  })

  it('sealed with another key, or by our own sender: the end', () => {
    const other = new RecordSealer(createSecretKey(randomBytes(32)))
    assert.equal(codeOf(open(other.seal(pattern(20))).error), 'ERR_NOISE_RECORD')
  })

  for (let length = 0; length < 16; length++) {
    it(`a length of ${length}, less than a tag: the end`, () => {
      const { error } = open([Uint8Array.of(0, length), new Uint8Array(40)])
      assert.equal(codeOf(error), 'ERR_NOISE_RECORD')
    })
  }

  it('empty ones without end: the end', () => {
    const sealer = new RecordSealer(key)
    const empty = (count: number): Uint8Array[] =>
      Array.from({ length: count }, () => Buffer.concat(sealer.seal(new Uint8Array(0))))
    const opener = new RecordOpener(key)
    const out: Uint8Array[] = []
    for (const wire of empty(MAX_EMPTY_RECORDS)) opener.push(wire, out)
    opener.push(Buffer.concat(sealer.seal(pattern(1))), out)
    assert.equal(Buffer.concat(out).byteLength, 1)
    for (const wire of empty(MAX_EMPTY_RECORDS)) opener.push(wire, out)
    assert.throws(() => opener.push(empty(1)[0] as Uint8Array, out), { code: 'ERR_NOISE_RECORD' })
  })

  it('random bytes never come out as plaintext', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 300 }), bytes => {
        assert.equal(open([bytes]).plaintext.byteLength, 0)
      }),
      { numRuns: 300 }
    )
  })
})

describe('a last record', () => {
  it('is an empty one, after which nothing may come', () => {
    const [data, end, more] = sealEach(pattern(9), new Uint8Array(0), pattern(3)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array
    ]
    const sealed = { endRecord: true }
    assert.equal(open([data], sealed).opener.ended, false)
    assert.equal(open([data, end], sealed).opener.ended, true)
    for (const chunks of [[data, end, more], [Buffer.concat([data, end, more])]]) {
      const { plaintext, error } = open(chunks, sealed)
      assert.equal(codeOf(error), 'ERR_NOISE_RECORD')
      assert.equal(plaintext.byteLength, 9)
    }
    assert.equal(open([data, end, more]).plaintext.byteLength, 12, 'plain /noise has none')
  })
})

describe('nonces', () => {
  it('count up in little-endian order from the fifth byte', () => {
    const nonces = new NonceCounter(0x01_02_03_fe)
    assert.equal(Buffer.from(nonces.next()).toString('hex'), '00000000fe03020100000000')
    assert.equal(Buffer.from(nonces.next()).toString('hex'), '00000000ff03020100000000')
    assert.equal(Buffer.from(nonces.next()).toString('hex'), '000000000004020100000000')
  })

  it('end for good: the last one is used, none after it', () => {
    const sealer = new RecordSealer(key, new NonceCounter(MAX_NONCE))
    const opener = new RecordOpener(key, { nonces: new NonceCounter(MAX_NONCE) })
    const out: Uint8Array[] = []
    const last = Buffer.concat(sealer.seal(pattern(5)))
    opener.push(last, out)
    assert.equal(Buffer.concat(out).byteLength, 5)
    for (let i = 0; i < 2; i++) {
      assert.throws(() => sealer.seal(pattern(5)), { code: 'ERR_NOISE_NONCE_EXHAUSTED' })
      assert.throws(() => opener.push(last, out), { code: 'ERR_NOISE_NONCE_EXHAUSTED' })
    }
  })
})

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code
}

function alternating(a: number, b: number): () => number {
  let odd = false
  return () => {
    odd = !odd
    return odd ? a : b
  }
}
