import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import {
  decodeTicket,
  deriveTicketSecret,
  encodeTicket,
  generateTicketKey,
  issueTicket
} from '../../src/auth/ticket.ts'
import { encodeClaims, readClaims } from '../../src/auth/ticket-claims.ts'

const invalid = { code: 'ERR_INVALID_TICKET' }
const key = generateTicketKey()
let sharer: PeerId

before(async () => {
  sharer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
})

function ticket() {
  return issueTicket(key, {
    sharer,
    channel: 'web',
    expires: 2_000_000_000,
    uses: 3,
    direction: 'both',
    addrs: [multiaddr('/ip4/192.0.2.1/tcp/4001'), multiaddr('/ip6/2001:db8::1/tcp/4001')]
  })
}

describe('ticket', () => {
  it('round trips its text, in small and capital letters, with blanks around', () => {
    const given = ticket()
    const text = encodeTicket(given)
    assert.match(text, /^warren:[a-z2-7]+$/)
    for (const form of [text, text.toUpperCase(), `  ${text}\n`]) {
      const read = decodeTicket(form)
      assert.equal(read.id, given.id)
      assert.equal(read.sharer.toString(), sharer.toString())
      assert.equal(read.channel, 'web')
      assert.equal(read.direction, 'both')
      assert.equal(read.expires, 2_000_000_000)
      assert.equal(read.uses, 3)
      assert.deepEqual(read.addrs.map(String), given.addrs.map(String))
      assert.deepEqual(read.secret, given.secret)
    }
  })

  it('is short enough for a QR code that a phone reads (version 10, 395 capitals)', () => {
    assert.ok(encodeTicket(ticket()).length <= 260, encodeTicket(ticket()).length.toString())
  })

  it('drops the peer id at the end of an address, and keeps that of a relay', () => {
    const relay = `/ip4/192.0.2.1/tcp/1/p2p/${sharer.toString()}/p2p-circuit`
    const { addrs } = issueTicket(key, {
      sharer,
      channel: 'c',
      expires: 1,
      addrs: [
        multiaddr(`/ip4/192.0.2.1/tcp/1/p2p/${sharer.toString()}`),
        multiaddr(relay),
        multiaddr(`${relay}/p2p/${sharer.toString()}`)
      ]
    })
    assert.deepEqual(addrs.map(String), ['/ip4/192.0.2.1/tcp/1', relay, relay])
  })

  it('has a secret that only the key and the exact claims give', () => {
    const given = ticket()
    const secret = (change: object): string =>
      Buffer.from(deriveTicketSecret(key, encodeClaims({ ...given, ...change }))).toString('hex')
    const own = Buffer.from(given.secret).toString('hex')
    assert.equal(secret({}), own)
    const changes = [
      { id: '0'.repeat(32) },
      { channel: 'wfb' },
      { expires: given.expires + 1 },
      { uses: 4 },
      { uses: undefined },
      { direction: 'dial' }
    ]
    for (const change of changes) assert.notEqual(secret(change), own, JSON.stringify(change))
    const other = deriveTicketSecret(generateTicketKey(), encodeClaims(given))
    assert.notEqual(Buffer.from(other).toString('hex'), own)
  })

  it('refuses each wrong character and each cut of its text', () => {
    const text = encodeTicket(ticket())
    for (let i = 0; i < text.length; i++) {
      const other = text[i] === 'a' ? 'b' : 'a'
      assert.throws(() => decodeTicket(text.slice(0, i) + other + text.slice(i + 1)), invalid)
      assert.throws(() => decodeTicket(text.slice(0, i)), invalid)
    }
  })

  it('refuses claims out of range', () => {
    const bad = [
      { channel: '' },
      { channel: 'a\nb' },
      { channel: 'x'.repeat(256) },
      { expires: 0 },
      { expires: 1.5 },
      { expires: Number.POSITIVE_INFINITY },
      { uses: 0 },
      { uses: 1_025 }
    ]
    for (const change of bad) {
      assert.throws(
        () => issueTicket(key, { sharer, channel: 'c', expires: 1, addrs: [], ...change }),
        invalid,
        JSON.stringify(change)
      )
    }
    assert.throws(
      () => issueTicket(new Uint8Array(31), { sharer, channel: 'c', expires: 1, addrs: [] }),
      invalid
    )
  })

  it('reads any bytes as claims or refuses them, and reads nothing in two ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), noise => {
        try {
          const { claims, bytes } = readClaims(noise)
          assert.deepEqual(encodeClaims(claims), noise.slice(0, bytes))
        } catch (error) {
          assert.equal((error as { code?: string }).code, invalid.code)
        }
      }),
      { numRuns: 500 }
    )
    const whole = encodeClaims(ticket())
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = whole.slice()
        changed[at] = (changed[at] ?? 0) ^ flip
        try {
          const { claims, bytes } = readClaims(changed)
          assert.deepEqual(encodeClaims(claims), changed.slice(0, bytes))
        } catch (error) {
          assert.equal((error as { code?: string }).code, invalid.code)
        }
      }),
      { numRuns: 500 }
    )
  })
})
