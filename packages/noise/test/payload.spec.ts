import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decodePayload, encodePayload, type HandshakePayload } from '../src/handshake/payload.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('handshake payload', () => {
  it('comes back as it was (structured fuzzing)', () => {
    const payloads: fc.Arbitrary<HandshakePayload> = fc.record({
      identityKey: fc.uint8Array({ maxLength: 300 }),
      identitySig: fc.uint8Array({ maxLength: 300 }),
      webtransportCerthashes: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
      streamMuxers: fc.array(fc.string({ maxLength: 40 }), { maxLength: 4 })
    })
    fc.assert(
      fc.property(payloads, payload => {
        assert.deepEqual(plain(decodePayload(encodePayload(payload))), plain(payload))
      })
    )
  })

  it('junk is a payload or an error with a code, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), junk => {
        try {
          decodePayload(junk)
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_NOISE_HANDSHAKE')
        }
      }),
      { numRuns: 2_000 }
    )
  })

  const REFUSED: Record<string, Uint8Array> = {
    'the identity key twice': bytes(0x0a, 1, 7, 0x0a, 1, 8),
    'the extensions twice': bytes(0x22, 0, 0x22, 0),
    'the identity key as a number': bytes(0x08, 1),
    'the identity key in 64 bits': bytes(0x09, 1, 2, 3, 4, 5, 6, 7, 8),
    'a field number that 32-bit readers take for another': bytes(0x8a, 0x80, 0x80, 0x80, 0x10, 0),
    'a length beyond the end': bytes(0x0a, 2, 7),
    'an end inside a number': bytes(0x8a),
    'a group': bytes(0x1b),
    'a number that is not canonical': bytes(0x0a, 0x81, 0x00, 7),
    'too many fields': new Uint8Array(2 * 257).map((_, i) => (i % 2 === 0 ? 0x1a : 0))
  }
  for (const [what, payload] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decodePayload(payload), { code: 'ERR_NOISE_HANDSHAKE' })
    })
  }

  it('passes over fields that it does not know, of every type', () => {
    const payload = decodePayload(
      bytes(0x1a, 1, 9, 0x28, 5, 0x35, 1, 2, 3, 4, 0x39, 1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 1, 7)
    )
    assert.deepEqual(plain(payload).identityKey, [7])
  })
})

function plain(payload: HandshakePayload): Record<string, unknown> {
  return {
    identityKey: [...payload.identityKey],
    identitySig: [...payload.identitySig],
    webtransportCerthashes: payload.webtransportCerthashes.map(hash => [...hash]),
    streamMuxers: [...payload.streamMuxers]
  }
}
