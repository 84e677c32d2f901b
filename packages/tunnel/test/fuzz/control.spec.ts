import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { WarrenError } from '@warren/interface'
import { describeError, encodeLengthPrefixed, LengthPrefixedDecoder } from '@warren/utils'
import fc from 'fast-check'
import { Control } from '../../proto/control.ts'
import { LinkHandshake } from '../../src/auth/link-handshake.ts'
import type { LinkCredentials } from '../../src/auth/link-handshake.ts'
import { ControlStream } from '../../src/links/control-stream.ts'
import { memoryStreams } from '../../src/local/memory-stream.ts'
import { chunked, chunkSizes, controls, damages, PARAMETERS } from './arbitraries.ts'

/** The messages behind their lengths. */
function wire(messages: readonly Control[]): Buffer {
  return Buffer.concat(messages.map(message => encodeLengthPrefixed(Control.encode(message))))
}

/** What the control stream makes of bytes that a peer sent: messages, then an end or an error. */
async function read(chunks: readonly Buffer[]): Promise<{ messages: Control[]; error?: unknown }> {
  const [peer, own] = memoryStreams('/test')
  const messages: Control[] = []
  const reading = new ControlStream(own, 1_000_000).messages()
  try {
    for (const chunk of chunks) peer.send(chunk)
    await peer.close()
    for await (const message of reading) messages.push(message)
    return { messages }
  } catch (error) {
    return { messages, error }
  } finally {
    own.abort(new Error('read'))
  }
}

describe('fuzzed control messages', () => {
  it('come back as they went, in every split', () => {
    const sampled = fc.sample(controls, { numRuns: 60, seed: 42 })
    const whole = wire(sampled)
    const names = new Set(sampled.flatMap(message => Object.keys(message)))
    assert.equal(names.size, 13, 'each kind of message is among them')
    const decode = (...chunks: Buffer[]): Control[] => {
      const decoder = new LengthPrefixedDecoder(65_536)
      return chunks.flatMap(chunk => [...decoder.push(chunk)].map(frame => Control.decode(frame)))
    }
    assert.deepEqual(decode(whole), sampled)
    // Every byte of the beginning, where frames are many; then places all over.
    for (let at = 0; at <= whole.length; at += at < 1_000 ? 1 : 37) {
      assert.deepEqual(decode(whole.subarray(0, at), whole.subarray(at)).length, sampled.length)
    }
    assert.deepEqual(decode(...chunked(whole, [1])), sampled)
  })

  it('come back as they went through a control stream, in any chunks', () =>
    fc.assert(
      fc.asyncProperty(fc.array(controls, { maxLength: 8 }), chunkSizes, async (sent, sizes) => {
        assert.deepEqual(await read(chunked(wire(sent), sizes)), { messages: sent })
      }),
      PARAMETERS
    ))

  it('that are damaged are messages, or an end with a code; never anything else', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(controls, { maxLength: 8 }),
        damages,
        chunkSizes,
        async (sent, damage, sizes) => {
          const { messages, error } = await read(chunked(damage(wire(sent)), sizes))
          if (error !== undefined) {
            assert.ok(error instanceof WarrenError, describeError(error))
            assert.match(error.code, /^ERR_(LINK_PROTOCOL|FRAME_TOO_LONG|VARINT)$/)
          }
          // One damage spoils one message, or makes one of it and its neighbour.
          assert.ok(messages.length <= sent.length + 21)
        }
      ),
      PARAMETERS
    ))

  it('of any bytes are messages, or an end with a code', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), chunkSizes, async (noise, sizes) => {
        const { error } = await read(chunked(Buffer.from(noise), sizes))
        assert.ok(error === undefined || error instanceof WarrenError, describeError(error))
      }),
      PARAMETERS
    ))
})

describe('a fuzzed link proof', () => {
  const [own, peer] = [randomBytes(36), randomBytes(36)]
  const credentials = (open: boolean): LinkCredentials => ({
    open,
    tokenKeys: [randomBytes(32), randomBytes(32)],
    held: [],
    ticketKeyOf: () => randomBytes(32),
    admit: () => undefined
  })

  for (const role of ['initiator', 'responder'] as const) {
    it(`gives no link to who holds nothing, whatever it says to the ${role}, and never throws`, () => {
      fc.assert(
        fc.property(fc.array(controls, { maxLength: 6 }), said => {
          const handshake = new LinkHandshake({
            role,
            self: own,
            peer,
            peerText: 'peer',
            nonce: new Uint8Array(randomBytes(32)),
            instance: new Uint8Array(16),
            credentials: credentials(false)
          })
          let answers = handshake.start().send.length
          let ended = false
          for (const message of said) {
            const step = handshake.receive(message)
            answers += step.send.length
            assert.equal(step.grant, undefined)
            // After its end it says nothing but that it has ended.
            if (ended) assert.equal(step.send.length, 0)
            ended ||= step.error !== undefined
          }
          assert.ok(answers <= 4, `${answers} answers`)
        }),
        { ...PARAMETERS, numRuns: 5 * PARAMETERS.numRuns }
      )
    })
  }
})
