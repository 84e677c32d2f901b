import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import { WarrenError } from '@warren/interface'
import { encodeLengthPrefixed, LengthPrefixedDecoder } from '@warren/utils'
import fc from 'fast-check'
import { Control } from '../../proto/control.ts'
import { linkProof } from '../../src/auth/link-proof.ts'
import type { LinkTranscript } from '../../src/auth/link-proof.ts'
import { LinkScope } from '../../src/auth/link-scope.ts'
import { ControlStream } from '../../src/links/control-stream.ts'
import { readStream } from '../../src/links/read-stream.ts'
import { TunnelLink } from '../../src/links/tunnel-link.ts'
import type { LinkOwner } from '../../src/links/tunnel-link.ts'
import { memoryStreams } from '../../src/local/memory-stream.ts'
import { controls, PARAMETERS } from './arbitraries.ts'

const CHANNELS = 20
const [key, other] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))]
const transcript: LinkTranscript = {
  initiator: randomBytes(36),
  responder: randomBytes(36),
  initiatorNonce: randomBytes(32),
  responderNonce: randomBytes(32)
}

/** A link whose peer is the test: what it says, and what it hears. */
function newLink(full: boolean): {
  readonly link: TunnelLink
  readonly say: (message: Control) => void
  readonly heard: () => Promise<Control[]>
  readonly ends: (Error | undefined)[]
} {
  const [peer, own] = memoryStreams('/test')
  const control = new ControlStream(own, 1_000_000)
  const ends: (Error | undefined)[] = []
  const owner: LinkOwner = {
    listening: async (_link, names) =>
      (names ?? ['orders']).map(name => ({ name, mode: 'UNICAST' as never, bytes: false })),
    channelOpened() {},
    channelClosed() {},
    answered() {},
    scopeChanged() {},
    crowd: () => 1,
    sessionsOn: () => 0,
    carriedOn: () => 0,
    waitingOn: () => 0,
    ended: (_link, error) => void ends.push(error)
  }
  const connection = {
    remoteAddr: '/memory/peer',
    direction: 'inbound',
    status: 'open',
    direct: true,
    abort() {}
  } as unknown as Connection
  const link = new TunnelLink({
    grant: {
      id: '0123456789abcdef',
      provenBy: full ? 'token' : 'tickets',
      tokens: { active: [key, other], proven: [key], offered: [] },
      scope: new LinkScope(full),
      transcript,
      instance: undefined,
      refused: []
    },
    role: 'responder',
    peer: 'peer',
    connection,
    control,
    messages: control.messages(),
    roundTrip: 1,
    times: {
      discoverInterval: 60_000,
      mappingLifetime: 60_000,
      probeInterval: 60_000,
      probeTimeout: 60_000,
      probeMisses: 2,
      channels: CHANNELS
    },
    owner,
    now: () => 0
  })
  return {
    link,
    say: message => {
      if (peer.writeStatus === 'writable') {
        peer.send(encodeLengthPrefixed(Control.encode(message)))
      }
    },
    heard: async () => {
      if (peer.writeStatus === 'writable') void peer.close()
      const decoder = new LengthPrefixedDecoder(65_536)
      const messages: Control[] = []
      try {
        for await (const chunk of readStream(peer)) {
          for (const frame of decoder.push(chunk)) messages.push(Control.decode(frame))
        }
      } catch {
        // The link was broken off; what came before is here.
      }
      return messages
    },
    ends
  }
}

describe('a fuzzed link', () => {
  for (const full of [true, false]) {
    const scope = full ? 'full' : 'without any ticket'
    it(`(${scope}) ends with a code or goes on, whatever it is told, and holds little`, () =>
      fc.assert(
        fc.asyncProperty(fc.array(controls, { maxLength: 12 }), async said => {
          const { link, say, heard, ends } = newLink(full)
          const running = link.run()
          for (const message of said) say(message)
          const answers = await heard()
          await running
          assert.equal(link.state, 'closed')
          assert.equal(ends.length, 1, 'its end is told once')
          const [error] = ends
          assert.ok(error === undefined || error instanceof WarrenError, String(error))
          assert.equal(link.channels.length, 0, 'nothing is held of what has ended')
          // Nothing that was said is a proof of anything.
          assert.deepEqual(link.tokens.proven, [key])
          assert.equal(link.scope.size, 0)
          // An answer or two for each message: a peer cannot make it say more than it said itself.
          assert.ok(answers.length <= 2 * said.length + 5, `${answers.length} answers`)
        }),
        PARAMETERS
      ))
  }

  it('remembers no more channels than its limit, and those that its scope covers', () =>
    fc.assert(
      fc.asyncProperty(fc.array(controls, { maxLength: 12 }), fc.boolean(), async (said, full) => {
        const { link, say, heard } = newLink(full)
        const running = link.run()
        const most = new Set<number>()
        for (const message of said) {
          say(message)
          await new Promise(resolve => setImmediate(resolve))
          most.add(link.channels.length)
        }
        await heard()
        await running
        for (const held of most) assert.ok(held <= (full ? CHANNELS : 0), `${held} channels`)
      }),
      { ...PARAMETERS, numRuns: Math.ceil(PARAMETERS.numRuns / 4) }
    ))

  it('takes a proof of a token over its own nonces for one, and no other', async () => {
    const { link, say, heard } = newLink(true)
    const running = link.run()
    const wrong: LinkTranscript = { ...transcript, initiatorNonce: randomBytes(32) }
    say({
      reproof: {
        // Over another link, and the one of this side.
        tokens: [
          linkProof(other, 'initiator', wrong),
          linkProof(other, 'responder', transcript)
        ].map(mac => Uint8Array.from(mac))
      }
    })
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.deepEqual(link.tokens.proven, [key])
    say({ reproof: { tokens: [Uint8Array.from(linkProof(other, 'initiator', transcript))] } })
    await heard()
    await running
    assert.deepEqual(link.tokens.proven, [key, other])
  })
})
