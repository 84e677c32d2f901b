import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SessionProtocolError } from '../../src/session/errors.ts'
import { MessageReader, encodeMessage } from '../../src/session/message-codec.ts'
import type { Message } from '../../src/session/session-types.ts'

const limits = { maxMessageBytes: 10_000, headerBytes: 2_000 }

/**
 * Reads everything there is, with bytes that come in pieces of these sizes; the reader may look
 * `ahead` at most so far.
 */
function readAll(bytes: Uint8Array, sizes: readonly number[], ahead = 0): Message[] {
  const reader = new MessageReader(limits)
  const messages: Message[] = []
  let there = 0
  let at = 0
  const read = (max: number): Uint8Array | undefined => {
    const part = bytes.subarray(at, Math.min(there, at + max))
    at += part.length
    return part.length === 0 ? undefined : part
  }
  for (let i = 0; there < bytes.length; i++) {
    there = Math.min(bytes.length, there + (sizes[i % sizes.length] ?? 1))
    for (;;) {
      const seen = ahead === 0 ? undefined : bytes.subarray(at, Math.min(there, at + ahead))
      const message = reader.next(read, seen)
      if (message === undefined) break
      messages.push(message)
    }
  }
  return messages
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const messages: fc.Arbitrary<Message> = fc.record(
  {
    headers: fc.dictionary(text, text, { minKeys: 1, maxKeys: 5 }),
    body: fc.uint8Array({ maxLength: 300 })
  },
  { requiredKeys: ['body'] }
)

describe('messages of a session', () => {
  it('come back as they went, in any chunking', () => {
    fc.assert(
      fc.property(
        fc.array(messages, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 500 }),
        (sent, sizes, ahead) => {
          const bytes = Buffer.concat(sent.map(message => encodeMessage(message, limits)))
          const got = readAll(new Uint8Array(bytes), sizes, ahead)
          assert.equal(got.length, sent.length)
          for (const [i, message] of got.entries()) {
            assert.deepEqual({ ...message.headers }, { ...sent[i]?.headers })
            assert.deepEqual([...message.body], [...(sent[i]?.body ?? [])])
          }
        }
      )
    )
  })

  it('of anything else are a protocol error, and nothing but that', () => {
    const noise = fc.oneof(
      fc.uint8Array({ minLength: 6, maxLength: 100 }),
      fc
        .uint8Array({ maxLength: 60 })
        .map(headers => Uint8Array.of(0, 0, 0, headers.length, 0, headers.length, ...headers))
    )
    fc.assert(
      fc.property(noise, fc.nat(200), (bytes, ahead) => {
        try {
          readAll(bytes, [1_000], ahead)
        } catch (error) {
          assert.ok(error instanceof SessionProtocolError, String(error))
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it('keep strange header names as they are, and reach no prototype', () => {
    const headers = Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'y']
    ])
    const bytes = encodeMessage({ headers, body: new Uint8Array(0) }, limits)
    const [message] = readAll(bytes, [1_000])
    assert.deepEqual(Object.entries(message?.headers ?? {}), Object.entries(headers))
    assert.equal(Object.getPrototypeOf(message?.headers), Object.prototype)
  })

  it('pass no limit, either way', () => {
    const body = new Uint8Array(10_001)
    assert.throws(() => encodeMessage({ body }, limits), { code: 'ERR_MESSAGE_TOO_LONG' })
    const headers = { a: 'x'.repeat(2_000) }
    const none = new Uint8Array(0)
    assert.throws(() => encodeMessage({ headers, body: none }, limits), {
      code: 'ERR_MESSAGE_TOO_LONG'
    })
    assert.throws(() => encodeMessage({ headers: { a: '\ud800' }, body: none }, limits), {
      code: 'ERR_INVALID_MESSAGE'
    })
    const large = encodeMessage({ body }, { maxMessageBytes: 20_000, headerBytes: 0 })
    assert.throws(() => readAll(large, [100]), { code: 'ERR_SESSION_PROTOCOL' })
    const long = encodeMessage({ headers, body: none }, { ...limits, headerBytes: 5_000 })
    assert.throws(() => readAll(long, [100]), { code: 'ERR_SESSION_PROTOCOL' })
  })

  it('read no byte beyond the one that is asked for', () => {
    const reader = new MessageReader(limits)
    const bytes = encodeMessage({ body: new Uint8Array(9) }, limits)
    let asked = 0
    let at = 0
    reader.next(max => {
      asked += max
      const part = bytes.subarray(at, at + max)
      at += part.length
      return part
    })
    assert.equal(asked, bytes.length)
  })
})
