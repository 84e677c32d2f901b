import assert from 'node:assert/strict'
import { FrameTooLongError, LengthPrefixedDecoder, encodeLengthPrefixed } from '@warren/utils'
import fc from 'fast-check'

const LIMIT = 70_000

describe('LengthPrefixedDecoder', () => {
  it('gives back what was encoded, whatever the chunking', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (payloads, sizes) => {
          const decoder = new LengthPrefixedDecoder(LIMIT)
          const bytes = Buffer.concat(payloads.map(encodeLengthPrefixed))
          const frames: Uint8Array[] = []
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1
            frames.push(...decoder.push(bytes.subarray(at, at + size)))
            at += size
          }
          assert.deepEqual(
            frames.map(f => Buffer.from(f)),
            payloads.map(p => Buffer.from(p))
          )
          assert.equal(decoder.heldBytes, 0)
        }
      )
    )
  })

  it('cuts at every split of a frame with a two-byte length', () => {
    const payload = new Uint8Array(200).map((_, i) => i)
    const bytes = encodeLengthPrefixed(payload)
    for (let split = 0; split <= bytes.length; split++) {
      const decoder = new LengthPrefixedDecoder(LIMIT)
      const frames = [
        ...decoder.push(bytes.subarray(0, split)),
        ...decoder.push(bytes.subarray(split))
      ]
      assert.equal(frames.length, 1)
      assert.deepEqual(frames[0], payload)
    }
  })

  it('refuses a length over the limit before it keeps a byte of the frame', () => {
    for (const head of [
      [0xf1, 0xa2, 0x04],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    ]) {
      const decoder = new LengthPrefixedDecoder(LIMIT)
      assert.throws(() => decoder.push(Uint8Array.from(head)), FrameTooLongError)
      assert.ok(decoder.heldBytes < 8)
    }
  })

  it('refuses a length that is not canonical', () => {
    assert.throws(() => new LengthPrefixedDecoder(LIMIT).push(Uint8Array.of(0x81, 0x00)), {
      code: 'ERR_FRAME_TOO_LONG'
    })
  })

  it('does not alias the chunks it was given', () => {
    const decoder = new LengthPrefixedDecoder(LIMIT)
    const chunk = encodeLengthPrefixed(Uint8Array.of(1, 2, 3))
    const [frame] = decoder.push(chunk)
    chunk.fill(9)
    assert.deepEqual(frame, Uint8Array.of(1, 2, 3))
  })
})
