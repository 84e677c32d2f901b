import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import { bytesCodec } from '../../src/codec/bytes-codec.ts'
import { cborCodec } from '../../src/codec/cbor-codec.ts'
import { jsonCodec } from '../../src/codec/json-codec.ts'
import { seeded } from '../seeded.ts'
import { Ends, noEnds, throughWire } from './ends.ts'

const CODECS = [cborCodec(), jsonCodec()]

describe('codecs', () => {
  for (const codec of CODECS) {
    describe(codec.name, () => {
      it('brings back every JSON value as it was', () => {
        const random = seeded(1)
        for (let i = 0; i < 300; i++) {
          const value = jsonValue(random, 5)
          assert.deepEqual(throughWire(codec, value), value)
        }
      })

      it('never throws anything but that the value is invalid, whatever the bytes', () => {
        const random = seeded(2)
        for (let i = 0; i < 3_000; i++) {
          // Some are damaged values, the others no values at all.
          const value = codec.encode(jsonValue(random, 3), noEnds.attach).slice()
          const bytes = i % 3 === 0 ? value.map(() => random() * 256) : value
          bytes[Math.floor(random() * bytes.length)] = random() * 256
          try {
            codec.decode(bytes, (_reference, kind) => ({ kind, end: undefined as never }))
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'ERR_VALUE_INVALID')
          }
        }
      })

      it('takes nesting up to its limit and refuses more, at both ends', () => {
        const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
        assert.deepEqual(throughWire(codec, nested(16)), nested(16))
        const code = 'ERR_VALUE_INVALID'
        assert.throws(() => codec.encode(nested(17), noEnds.attach), { code })
        const deeper =
          codec.name === 'cbor' ? cborCodec({ maxDepth: 44 }) : jsonCodec({ maxDepth: 44 })
        const bytes = deeper.encode(nested(17), noEnds.attach)
        assert.throws(() => codec.decode(bytes, noEnds.resolve), { code })
        assert.deepEqual(deeper.decode(bytes, noEnds.resolve), nested(17))
      })

      it('refuses a value that contains itself', () => {
        const value: Record<string, unknown> = {}
        value['itself'] = value
        assert.throws(() => codec.encode(value, noEnds.attach), { code: 'ERR_VALUE_INVALID' })
        // It can be used afterwards.
        assert.equal(throughWire(codec, 'fine'), 'fine')
      })

      it('refuses what does not travel', () => {
        const values = [() => {}, Symbol('s')]
        for (const value of values) {
          assert.throws(() => codec.encode(value, noEnds.attach), { code: 'ERR_VALUE_INVALID' })
        }
        const whole = { reply: channel<number>() }
        assert.throws(() => codec.encode(whole, noEnds.attach), /its sender or its receiver/)
      })

      it('carries ends of channels', () => {
        const ends = new Ends()
        const [reply, source] = [channel<number>(), channel<string>()]
        const value = { question: 'x', reply: reply.sender, more: [source.receiver] }
        const back = throughWire(codec, value, ends) as typeof value
        assert.deepEqual(
          ends.ends.map(({ kind }) => kind),
          ['sender', 'receiver']
        )
        assert.equal(back.reply, reply.sender)
        assert.equal(back.more[0], source.receiver)
      })

      it('refuses a property __proto__, at both ends', () => {
        const value: unknown = JSON.parse('{"a":{"__proto__":{"polluted":true}}}')
        assert.throws(() => codec.encode(value, noEnds.attach), { code: 'ERR_VALUE_INVALID' })
      })

      it('refuses a depth that is out of range', () => {
        for (const maxDepth of [0, 65, 1.5, Number.NaN]) {
          const make = codec.name === 'cbor' ? cborCodec : jsonCodec
          assert.throws(() => make({ maxDepth }), { code: 'ERR_NETCHAN_OPTION' })
        }
      })
    })
  }

  it('json: refuses __proto__ also when it is escaped, and pollutes nothing', () => {
    for (const text of [
      '{"__proto__":{"p":1}}',
      '{"\\u005f_proto__":{"p":1}}',
      '[{"a":{"__proto_\\u005F":1}}]'
    ]) {
      assert.throws(() => jsonCodec().decode(Buffer.from(text), noEnds.resolve), {
        code: 'ERR_VALUE_INVALID'
      })
    }
    assert.equal(Reflect.get({}, 'p'), undefined)
    assert.equal(throughWire(jsonCodec(), '__proto__'), '__proto__')
  })

  it('json: brackets within text count for nothing', () => {
    const text = `\\"${'[{'.repeat(40)}"`
    assert.deepEqual(throughWire(jsonCodec(), [text]), [text])
  })

  it('cbor: carries what JSON has no form for', () => {
    const values: unknown[] = [
      undefined,
      { a: undefined },
      new Date(1_700_000_000_123),
      new Date(0),
      12345678901234567890n,
      -(2n ** 70n),
      2n ** 80n,
      new Map<unknown, unknown>([
        [1, 'one'],
        ['__proto__', new Map([['a', [1]]])]
      ]),
      new Set([1, 'two', new Set()]),
      Uint8Array.of(1, 2, 3),
      new Uint8Array(),
      Float64Array.of(1.5, -2),
      new Int16Array([1, -1]),
      BigUint64Array.of(5n),
      [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 40), 1e-9],
      ''.padEnd(70_000, 'é€😀'),
      { constructor: 1, toString: 2, hasOwnProperty: 3 }
    ]
    for (const value of values) {
      const back = throughWire(cborCodec(), value)
      assert.deepEqual(back, value)
      assert.equal(Object.getPrototypeOf(back ?? {}), Object.getPrototypeOf(value ?? {}))
    }
  })

  it('cbor: objects of classes travel as plain ones, errors and regular expressions not at all', () => {
    class Point {
      readonly x = 1
    }
    assert.deepEqual(throughWire(cborCodec(), new Point()), { x: 1 })
    for (const value of [new Error('x'), /x/, { deep: [/x/] }]) {
      assert.throws(() => cborCodec().encode(value, noEnds.attach), { code: 'ERR_VALUE_INVALID' })
    }
  })

  it('bytes: bytes as they are, and nothing else', () => {
    const codec = bytesCodec()
    assert.deepEqual(throughWire(codec, Uint8Array.of(1, 2)), Uint8Array.of(1, 2))
    assert.throws(() => codec.encode('text', noEnds.attach), { code: 'ERR_VALUE_INVALID' })
  })
})

function jsonValue(random: () => number, depth: number): unknown {
  const pick = <T>(...items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const text = (): string => pick('', 'a', 'key', 'é€😀', '\u0000\n"\\', 'x'.repeat(random() * 300))
  const kind = depth === 0 ? random() * 4 : random() * 6
  if (kind < 1) return pick(null, true, false)
  if (kind < 2) return pick(0, -1, 23, 24, 255, 65_536, 2 ** 31, -(2 ** 33), 2 ** 53, 0.1, -1.5e300)
  if (kind < 4) return text()
  const items = Array.from({ length: random() * 6 }, () => jsonValue(random, depth - 1))
  return kind < 5 ? items : Object.fromEntries(items.map(item => [text(), item]))
}
