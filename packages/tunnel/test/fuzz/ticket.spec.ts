import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { base32 } from 'multiformats/bases/base32'
import fc from 'fast-check'
import {
  decodeTicket,
  encodeTicket,
  generateTicketKey,
  issueTicket
} from '../../src/auth/ticket.ts'
import { encodeClaims, readClaims } from '../../src/auth/ticket-claims.ts'
import { isChannelName } from '../../src/channels/channel-name.ts'
import { damages, PARAMETERS } from './arbitraries.ts'

const key = generateTicketKey()
const invalid = { code: 'ERR_INVALID_TICKET' }

const requests = fc.record(
  {
    channel: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter(isChannelName),
    direction: fc.constantFrom('dial' as const, 'listen' as const, 'both' as const),
    expires: fc.integer({ min: 1, max: 2 ** 40 }),
    uses: fc.integer({ min: 1, max: 1_024 }),
    addrs: fc.array(
      fc
        .tuple(fc.ipV4(), fc.nat(0xffff))
        .map(([host, port]) => multiaddr(`/ip4/${host}/tcp/${port}`)),
      { maxLength: 8 }
    )
  },
  { requiredKeys: ['channel', 'expires', 'addrs'], noNullPrototype: true }
)

describe('fuzzed tickets', () => {
  const sharers: PeerId[] = []
  before(async () => {
    for (const type of ['Ed25519', 'secp256k1'] as const) {
      sharers.push(peerIdFromPrivateKey(await generateKeyPair(type)))
    }
  })

  /** A ticket of any of the sharers. */
  const tickets = fc.tuple(requests, fc.nat(1)).map(
    ([request, who]) =>
      () =>
        issueTicket(key, { ...request, sharer: sharers[who] as PeerId })
  )

  it('come back as they went, as text and as claims', () => {
    fc.assert(
      fc.property(tickets, fc.nat(), (issue, cut) => {
        const ticket = issue()
        const again = decodeTicket(encodeTicket(ticket))
        assert.equal(encodeTicket(again), encodeTicket(ticket))
        assert.equal(again.channel, ticket.channel)
        assert.equal(again.uses, ticket.uses)
        assert.ok(again.sharer.equals(ticket.sharer))
        const claims = encodeClaims(ticket)
        const { claims: read, bytes } = readClaims(Buffer.concat([claims, Buffer.from('more')]))
        assert.equal(bytes, claims.length)
        assert.deepEqual(encodeClaims(read), claims)
        // Whole or not at all, wherever they are cut.
        assert.throws(() => readClaims(claims.subarray(0, cut % claims.length)), invalid)
      }),
      PARAMETERS
    )
  })

  it('that are damaged, below the checksum or in it, are refused or are still the same', () => {
    fc.assert(
      fc.property(tickets, damages, (issue, damage) => {
        const text = encodeTicket(issue())
        const payload = base32.baseDecode(text.slice('warren:'.length))
        const spoilt = `warren:${base32.baseEncode(Uint8Array.from(damage(Buffer.from(payload))))}`
        try {
          assert.equal(encodeTicket(decodeTicket(spoilt)), text)
        } catch (error) {
          assert.equal((error as { code?: string }).code, invalid.code)
        }
      }),
      PARAMETERS
    )
  })

  it('of any text are refused, with no word of it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.boolean(), (noise, scheme) => {
        assert.throws(
          () => decodeTicket(scheme ? `warren:${noise}` : noise),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, invalid.code)
            assert.ok(noise.length < 12 || !error.message.includes(noise))
            return true
          }
        )
      }),
      PARAMETERS
    )
  })
})
