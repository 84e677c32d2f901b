import assert from 'node:assert/strict'
import { type } from 'arktype'
import * as v from 'valibot'
import * as z from 'zod'
import { compareShapes } from '../../src/codec/compare-shapes.ts'
import { valueSchema } from '../../src/codec/value-schema.ts'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** The same structure in three libraries. */
const PRICE = {
  zod: z.object({
    symbol: z.string().min(1),
    price: z.number().positive(),
    volume: z.int().optional(),
    at: z.date(),
    id: z.bigint(),
    side: z.enum(['buy', 'sell']),
    venue: z.object({ name: z.string(), tags: z.array(z.string()) }),
    note: z.union([z.string(), z.number(), z.null()]),
    pair: z.tuple([z.string(), z.number()]),
    extra: z.unknown()
  }),
  valibot: v.object({
    extra: v.unknown(),
    symbol: v.pipe(v.string(), v.minLength(1)),
    price: v.pipe(v.number(), v.minValue(0)),
    volume: v.optional(v.pipe(v.number(), v.integer())),
    at: v.date(),
    id: v.bigint(),
    side: v.picklist(['sell', 'buy']),
    venue: v.object({ tags: v.array(v.string()), name: v.string() }),
    note: v.nullable(v.union([v.number(), v.string()])),
    pair: v.tuple([v.string(), v.number()])
  }),
  arktype: type({
    symbol: 'string > 0',
    price: 'number > 0',
    'volume?': 'number.integer',
    at: 'Date',
    id: 'bigint',
    side: "'buy' | 'sell'",
    venue: { name: 'string', tags: 'string[]' },
    note: 'string | number | null',
    pair: ['string', 'number'],
    extra: 'unknown'
  })
}

const SHAPE = `
: object
at: date
extra: unknown
id: bigint
note: null | number | string
pair: array
pair[0]: string
pair[1]: number
price: number
side: "buy" | "sell"
symbol: string
venue.name: string
venue.tags: array
venue.tags[]: string
venue: object
volume: number, optional`.trim()

const VALUE = {
  symbol: 'ACME',
  price: 101.5,
  at: new Date(0),
  id: 5n,
  side: 'buy',
  venue: { name: 'XLON', tags: ['a'] },
  note: null,
  pair: ['x', 1],
  extra: {}
}

function shape(schema: StandardSchemaV1): string {
  const { fingerprint } = valueSchema(schema)
  assert.ok(fingerprint !== undefined)
  return fingerprint.shape
}

describe('schemas', () => {
  for (const [library, schema] of Object.entries(PRICE)) {
    it(`${library}: checks values, and says what is wrong where`, () => {
      const checked = valueSchema(schema)
      assert.deepEqual(checked.validate(VALUE), { ok: true, value: VALUE })
      const result = checked.validate({ ...VALUE, venue: { name: 5, tags: ['a'] } })
      assert.ok(!result.ok)
      assert.equal(result.issues.length, 1)
      assert.equal(result.issues[0]?.path, 'venue.name')
      assert.match(result.issues[0]?.message ?? '', /string/i)
    })

    it(`${library}: its shape is that of the structure, whatever the library`, () => {
      assert.equal(shape(schema), SHAPE)
    })
  }

  it('equal structures have equal hashes, others have not', () => {
    const hashes = Object.values(PRICE).map(schema => valueSchema(schema).fingerprint?.hash)
    assert.equal(hashes[0]?.length, 16)
    assert.deepEqual(hashes[0], hashes[1])
    assert.deepEqual(hashes[0], hashes[2])
    assert.notDeepEqual(valueSchema(PRICE.zod.omit({ at: true })).fingerprint?.hash, hashes[0])
  })

  it('a difference names the field, and what each side has there', () => {
    const ours = z.object({
      id: z.number(),
      price: z.object({ amount: z.number() }),
      old: z.string()
    })
    const theirs = v.object({
      id: v.number(),
      price: v.object({ amount: v.string(), currency: v.string() }),
      old: v.optional(v.string())
    })
    assert.deepEqual(compareShapes(shape(ours), shape(theirs)), [
      { path: 'old', ours: 'string', theirs: 'string, optional' },
      { path: 'price.amount', ours: 'number', theirs: 'string' },
      { path: 'price.currency', ours: undefined, theirs: 'string' }
    ])
    assert.deepEqual(compareShapes(shape(z.number()), shape(z.string())), [
      { path: '', ours: 'number', theirs: 'string' }
    ])
  })

  it('what the peer sent as its shape cannot throw, grow or reach a terminal', () => {
    const long = Array.from({ length: 5_000 }, (_, i) => `f${i}: \u001b[31mred`).join('\n')
    for (const theirs of ['', '\n\n', ': : :', 'x'.repeat(1e6), long, '__proto__: object']) {
      const differences = compareShapes(SHAPE, theirs)
      assert.ok(differences.length <= 32)
      assert.ok(JSON.stringify(differences).length < 32 * 600)
      assert.ok(!JSON.stringify(differences).includes('\\u001b'))
    }
  })

  it('names with marks of their own are quoted', () => {
    const odd = z.object({
      'a.b': z.string(),
      'c: d\n': z.string(),
      e: z.object({ '[]': z.number() })
    })
    assert.deepEqual(shape(odd).split('\n'), [
      '"a.b": string',
      '"c\\u003a d\\n": string',
      ': object',
      'e."[]": number',
      'e: object'
    ])
    assert.deepEqual(compareShapes(shape(odd), shape(odd)), [])
  })

  it('unions of objects, records, maps, literals and intersections have their place', () => {
    const event = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('up'), at: z.number() }),
      z.object({ kind: z.literal('down') })
    ])
    assert.equal(shape(event), ': object(.at: number; .kind: "up") | object(.kind: "down")')
    const same = v.variant('kind', [
      v.object({ kind: v.literal('down') }),
      v.object({ kind: v.literal('up'), at: v.number() })
    ])
    assert.equal(shape(same), shape(event))
    assert.equal(shape(z.record(z.string(), z.number())), ': object\n{}: number')
    assert.equal(shape(v.record(v.string(), v.number())), ': object\n{}: number')
    assert.equal(shape(z.map(z.string(), z.number())), ': map')
    assert.equal(shape(v.map(v.string(), v.number())), ': map')
    const both = v.intersect([v.object({ a: v.number() }), v.object({ b: v.string() })])
    assert.equal(shape(both), ': object\na: number\nb: string')
    assert.equal(
      shape(z.intersection(z.object({ a: z.number() }), z.object({ b: z.string() }))),
      shape(both)
    )
  })

  it('a schema that contains itself has a shape too', () => {
    interface Tree {
      name: string
      children: Tree[]
    }
    const zodTree: z.ZodType<Tree> = z.lazy(() =>
      z.object({ name: z.string(), children: z.array(zodTree) })
    )
    const valibotTree: v.GenericSchema<Tree> = v.object({
      name: v.string(),
      children: v.array(v.lazy(() => valibotTree))
    })
    const expected = ': object\nchildren: array\nchildren[]: …\nname: string'
    assert.equal(shape(valibotTree), expected)
    assert.match(shape(zodTree), /children\[\]/)
  })

  it('a large shape is cut in whole lines, and its hash is of all of it', () => {
    const fields = (last: string): z.ZodType =>
      z.object(
        Object.fromEntries(
          [...Array.from({ length: 1_000 }, (_, i) => `field${i}`), last].map(name => [
            name,
            z.string()
          ])
        )
      )
    const [a, b] = [valueSchema(fields('z1')), valueSchema(fields('z2'))]
    assert.ok(Buffer.byteLength(a.fingerprint?.shape ?? '') <= 4_096)
    assert.ok(a.fingerprint?.shape.endsWith(': string'))
    assert.equal(a.fingerprint?.shape, b.fingerprint?.shape)
    assert.notDeepEqual(a.fingerprint?.hash, b.fingerprint?.hash)
  })

  it('what a schema makes of a value is what validate gives', () => {
    const checked = valueSchema(z.object({ size: z.number().default(5), at: z.coerce.number() }))
    assert.deepEqual(checked.validate({ at: '7' }), { ok: true, value: { size: 5, at: 7 } })
  })

  it('without a schema everything is valid, and there is nothing to compare', () => {
    const anything = valueSchema(undefined)
    assert.equal(anything.fingerprint, undefined)
    assert.deepEqual(anything.validate(5), { ok: true, value: 5 })
  })

  it('a schema of an unknown library is used, and not compared', () => {
    const even: StandardSchemaV1<number> = {
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: value =>
          typeof value === 'number' && value % 2 === 0
            ? { value }
            : { issues: [{ message: 'odd', path: [{ key: 'a' }, 0] }] }
      }
    }
    const schema = valueSchema(even)
    assert.equal(schema.fingerprint, undefined)
    assert.deepEqual(schema.validate(2), { ok: true, value: 2 })
    assert.deepEqual(schema.validate(3), { ok: false, issues: [{ path: 'a.0', message: 'odd' }] })
  })

  it('refuses a schema that answers with a promise, and what is no schema', () => {
    const slow = valueSchema(z.string().refine(() => Promise.reject(new Error('never heard'))))
    assert.throws(() => slow.validate('x'), { code: 'ERR_SCHEMA_ASYNC' })
    for (const none of [{}, 5, { '~standard': { version: 2 } }, null]) {
      assert.throws(() => valueSchema(none as unknown as StandardSchemaV1), {
        code: 'ERR_NETCHAN_OPTION'
      })
    }
  })

  it('a schema that throws refuses the value', () => {
    const broken: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: () => {
          throw new TypeError('cannot read')
        }
      }
    }
    const result = valueSchema(broken).validate(1)
    assert.deepEqual(result, { ok: false, issues: [{ path: '', message: 'cannot read' }] })
  })
})
