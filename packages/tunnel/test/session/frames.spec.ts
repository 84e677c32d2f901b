import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SessionProtocolError } from '../../src/session/errors.ts'
import {
  FrameDecoder,
  encodeAck,
  encodeDataHeader,
  encodeDone,
  encodeEnd,
  encodeReset,
  encodeSync
} from '../../src/session/frames.ts'

type Seen =
  | { type: 'data'; offset: number; length: number; limited: boolean; bytes: number[] }
  | { type: 'ack'; taken: number; limit: number }
  | { type: 'sync' | 'end'; offset: number }
  | { type: 'reset'; code: number; reason: string }
  | { type: 'done' }

/** Everything a decoder finds, payloads joined. */
function collect(chunks: readonly Uint8Array[]): Seen[] {
  const seen: Seen[] = []
  const decoder = new FrameDecoder({
    onData: (offset, length, limited) =>
      seen.push({ type: 'data', offset, length, limited, bytes: [] }),
    onPayload: part => {
      const last = seen.at(-1)
      assert.ok(last?.type === 'data', 'payload follows its header')
      last.bytes.push(...part)
    },
    onAck: (taken, limit) => seen.push({ type: 'ack', taken, limit }),
    onSync: offset => seen.push({ type: 'sync', offset }),
    onEnd: offset => seen.push({ type: 'end', offset }),
    onReset: (code, reason) => seen.push({ type: 'reset', code, reason }),
    onDone: () => seen.push({ type: 'done' })
  })
  for (const chunk of chunks) decoder.push(chunk)
  return seen
}

function encode(frame: Seen): Uint8Array {
  switch (frame.type) {
    case 'data':
      return Buffer.concat([
        encodeDataHeader(frame.offset, frame.length, frame.limited),
        Uint8Array.from(frame.bytes)
      ])
    case 'ack':
      return encodeAck(frame.taken, frame.limit)
    case 'sync':
      return encodeSync(frame.offset)
    case 'end':
      return encodeEnd(frame.offset)
    case 'reset':
      return encodeReset(frame.code, frame.reason)
    case 'done':
      return encodeDone()
  }
}

/** Records as literals make them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const frames: fc.Arbitrary<Seen> = fc.oneof(
  record({
    offset,
    limited: fc.boolean(),
    bytes: fc.array(fc.nat(255), { minLength: 1, maxLength: 40 })
  }).map(data => ({ type: 'data' as const, length: data.bytes.length, ...data })),
  record({ type: fc.constant('ack' as const), taken: offset, limit: offset }),
  record({ type: fc.constantFrom('sync' as const, 'end' as const), offset }),
  record({
    type: fc.constant('reset' as const),
    code: fc.nat(0xffff),
    reason: fc.string({ minLength: 0, maxLength: 30 }).map(text => text.replace(/[^ -~]/gu, ''))
  }),
  fc.constant({ type: 'done' as const })
)

describe('session frames', () => {
  const all: Seen[] = [
    { type: 'data', offset: 70_000, length: 3, limited: true, bytes: [1, 2, 3] },
    { type: 'ack', taken: 2 ** 40, limit: Number.MAX_SAFE_INTEGER },
    { type: 'sync', offset: 5 },
    { type: 'reset', code: 4_711, reason: 'no more paper' },
    { type: 'reset', code: 0, reason: '' },
    { type: 'end', offset: 0 },
    { type: 'done' }
  ]
  const bytes = Buffer.concat(all.map(encode))

  it('are the same in every split', () => {
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(collect([bytes.subarray(0, at), bytes.subarray(at)]), all)
    }
    assert.deepEqual(collect([...bytes].map(byte => Uint8Array.of(byte))), all)
  })

  it('come back as they went, in any number and chunking', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 }),
        (sent, sizes) => {
          const whole = Buffer.concat(sent.map(encode))
          const chunks: Uint8Array[] = []
          for (let at = 0, i = 0; at < whole.length; i++) {
            const size = sizes[i % sizes.length] ?? 1
            chunks.push(whole.subarray(at, at + size))
            at += size
          }
          assert.deepEqual(collect(chunks), sent)
        }
      )
    )
  })

  it('of anything else are a protocol error, and nothing but that', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
        try {
          collect([noise])
        } catch (error) {
          assert.ok(error instanceof SessionProtocolError, String(error))
        }
      }),
      { numRuns: 500 }
    )
  })

  for (const [name, hex] of [
    ['an unknown type', '20'],
    ['a head', '01'],
    ['an empty data frame', '1000000000000000000000000000'],
    ['an unknown flag', '1002000000010000000000000000'],
    ['an offset of 2^53', '130020000000000000'],
    ['a reset with 1,025 bytes of text', '1400000401']
  ] as const) {
    it(`refuse ${name}`, () => {
      assert.throws(() => collect([Buffer.from(hex, 'hex')]), { code: 'ERR_SESSION_PROTOCOL' })
    })
  }

  it('make the text of a peer safe, and cut it', () => {
    const [seen] = collect([encodeReset(1, `\u001b[2J${'x'.repeat(2_000)}`)])
    assert.ok(seen?.type === 'reset')
    assert.ok(seen.reason.startsWith('\\x1b[2Jxxx'))
    assert.ok(seen.reason.length <= 260)
  })
})
