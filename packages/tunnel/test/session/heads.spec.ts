import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SessionProtocolError } from '../../src/session/errors.ts'
import {
  type Head,
  HeadDecoder,
  type SealedHead,
  type UnsupportedHead,
  encodeHead,
  encodeSealedHead
} from '../../src/session/heads.ts'

/** Records as literals make them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 })
const epoch = fc.nat(0xffff_ffff)
const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const opens = record({
  type: fc.constant('open' as const),
  id,
  epoch,
  mode: fc.constantFrom('unicast' as const, 'multicast' as const, 'broadcast' as const),
  bytes: fc.boolean(),
  limit: epoch,
  channel: fc.constantFrom('a', 'orders', 'größe/x y', 'x'.repeat(255))
})
const resumes = record({
  type: fc.constant('resume' as const),
  id,
  epoch,
  received: offset,
  sent: offset,
  proof: secret
})
const heads: fc.Arbitrary<Exclude<Head, SealedHead | UnsupportedHead>> = fc.oneof(
  opens,
  record({ type: fc.constant('accept' as const), secret, limit: epoch }),
  record({ type: fc.constant('refuse' as const), code: fc.nat(0xffff) }),
  resumes,
  record({
    type: fc.constant('resumed' as const),
    received: offset,
    sent: offset,
    proof: secret
  })
)

function decode(bytes: Uint8Array): Head | undefined {
  return new HeadDecoder().push(bytes)?.head
}

describe('session heads', () => {
  it('come back as they went, in every split, with what follows them', () => {
    fc.assert(
      fc.property(heads, fc.nat(10_000), (head, cut) => {
        const bytes = Buffer.concat([encodeHead(head), Buffer.from('rest')])
        const at = cut % (bytes.length + 1)
        const decoder = new HeadDecoder()
        const first = decoder.push(bytes.subarray(0, at))
        const decoded = first ?? decoder.push(bytes.subarray(at))
        assert.deepEqual(decoded?.head, head)
        const rest = first === undefined ? decoded?.rest : [...first.rest, ...bytes.subarray(at)]
        assert.equal(Buffer.from(rest ?? []).toString(), 'rest')
      })
    )
  })

  it('that are sealed come back as they went, in every split, with the bytes they had', () => {
    const hints = fc.uint8Array({ minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(fc.oneof(opens, resumes), hints, (head, hint) => {
        const bytes = encodeSealedHead(hint, head)
        for (let at = 0; at <= bytes.length; at++) {
          const decoder = new HeadDecoder()
          const decoded = decoder.push(bytes.subarray(0, at)) ?? decoder.push(bytes.subarray(at))
          assert.deepEqual(decoded?.head, { type: 'sealed', hint, head, bytes })
        }
      }),
      { numRuns: 20 }
    )
  })

  it('that are sealed hold an open or a resume, whole, and nothing else', () => {
    const hint = new Uint8Array(8)
    const resume: Head = {
      type: 'resume',
      id: new Uint8Array(16),
      epoch: 1,
      received: 0,
      sent: 0,
      proof: new Uint8Array(32)
    }
    const good = encodeSealedHead(hint, resume)
    const wrong: readonly ((bytes: Uint8Array) => void)[] = [
      // A sealed head in a sealed head, an accept, and other lengths.
      bytes => (bytes[12] = 6),
      bytes => (bytes[12] = 2),
      bytes => (bytes[14] = 68),
      bytes => (bytes[13] = 0xff)
    ]
    for (const spoil of wrong) {
      const bytes = Uint8Array.from(good)
      spoil(bytes)
      assert.throws(() => decode(bytes), { code: 'ERR_SESSION_PROTOCOL' })
    }
    for (const at of [3, 15]) {
      const other = Uint8Array.from(good)
      other[at] = 2
      assert.deepEqual(decode(other), { type: 'unsupported' })
    }
    assert.throws(() => decode(Uint8Array.of(6, 0, 9, 1, ...hint)), {
      code: 'ERR_SESSION_PROTOCOL'
    })
  })

  it('may come byte by byte', () => {
    const bytes = encodeHead({ type: 'refuse', code: 3 })
    const decoder = new HeadDecoder()
    const found = [...bytes].map(byte => decoder.push(Uint8Array.of(byte)))
    assert.deepEqual(
      found.map(decoded => decoded?.head),
      [...Array.from({ length: 4 }), { type: 'refuse', code: 3 }]
    )
  })

  it('of anything else are a protocol error, and nothing but that', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      // Looks like a head: right type, short length.
      fc
        .tuple(fc.integer({ min: 1, max: 6 }), fc.uint8Array({ maxLength: 120 }))
        .map(([type, body]) => Uint8Array.of(type, 0, body.length, ...body))
    )
    fc.assert(
      fc.property(noise, bytes => {
        try {
          decode(bytes)
        } catch (error) {
          assert.ok(error instanceof SessionProtocolError, String(error))
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it('hold no more than has come, whatever length is claimed', () => {
    assert.throws(() => decode(Uint8Array.of(1, 0xff, 0xff)), { code: 'ERR_SESSION_PROTOCOL' })
    assert.throws(() => decode(Uint8Array.of(9)), { code: 'ERR_SESSION_PROTOCOL' })
    assert.equal(decode(Uint8Array.of(1, 0x01, 0xff)), undefined)
  })

  it('say when the version is another one, whatever follows it', () => {
    assert.deepEqual(decode(Uint8Array.of(1, 0, 2, 2, 0)), { type: 'unsupported' })
    assert.deepEqual(decode(Uint8Array.of(4, 0, 2, 7, 0)), { type: 'unsupported' })
  })

  it('refuse channel names that are empty, have controls, or are no UTF-8', () => {
    const open = encodeHead({
      type: 'open',
      id: new Uint8Array(16),
      epoch: 0,
      mode: 'unicast',
      bytes: true,
      limit: 1,
      channel: 'abc'
    })
    for (const name of [
      [0x61, 0x0a, 0x62],
      [0xff, 0x61, 0x61],
      [0xc2, 0x85, 0x61]
    ]) {
      const bytes = new Uint8Array(open)
      bytes.set(name, 31)
      assert.throws(() => decode(bytes), { code: 'ERR_SESSION_PROTOCOL' })
    }
    const empty = new Uint8Array(open.subarray(0, 31))
    empty[2] = 28
    empty[30] = 0
    assert.throws(() => decode(empty), { code: 'ERR_SESSION_PROTOCOL' })
  })
})
