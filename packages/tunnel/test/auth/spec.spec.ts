import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as digest from 'multiformats/hashes/digest'
import { GoodbyeReason, RefuseCode } from '../../proto/control.ts'
import { linkId, linkProof, ticketProofKey, tokenProofKey } from '../../src/auth/link-proof.ts'
import { decodeTicket, deriveTicketSecret, encodeTicket } from '../../src/auth/ticket.ts'
import { encodeClaims } from '../../src/auth/ticket-claims.ts'
import { tokenFromPassphrase } from '../../src/auth/passphrase.ts'
import { formatToken } from '../../src/auth/token.ts'
import { channelCid, directoryKeys } from '../../src/channels/channel-key.ts'

const spec = readFileSync(new URL('../../../spec.md', import.meta.url), 'utf8')
const links = spec.slice(spec.indexOf('## Links'), spec.indexOf('## Sessions'))
const block = links.slice(links.indexOf('### Vectors')).match(/```text\n([\s\S]*?)```/)?.[1] ?? ''
const vectors = Object.fromEntries(
  block
    .trim()
    .split('\n')
    .map(line => line.split(/\s+/))
)

const range = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => from + i)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const peerBytes = (from: number): Uint8Array =>
  Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...range(from, 32))

const transcript = {
  initiator: peerBytes(0x40),
  responder: peerBytes(0x60),
  initiatorNonce: new Uint8Array(32).fill(0xaa),
  responderNonce: new Uint8Array(32).fill(0xbb)
}
const token = range(0, 32)
const claims = {
  id: hex(range(0, 16)),
  sharer: peerIdFromMultihash(
    digest.decode(peerBytes(0x60)) as Parameters<typeof peerIdFromMultihash>[0]
  ),
  channel: 'orders',
  direction: 'dial',
  expires: 2_000_000_000,
  uses: 3
} as const
const secret = deriveTicketSecret(range(0x80, 32), encodeClaims(claims))
const ticket = { ...claims, addrs: [multiaddr('/ip4/192.0.2.1/tcp/4001')], secret }

describe('link spec', () => {
  const computed: Record<string, string> = {
    token: formatToken(token),
    tokenKey: hex(tokenProofKey(token)),
    initiator: hex(linkProof(tokenProofKey(token), 'initiator', transcript)),
    responder: hex(linkProof(tokenProofKey(token), 'responder', transcript)),
    linkId: linkId(transcript),
    claims: hex(encodeClaims(claims)),
    secret: hex(secret),
    ticket: encodeTicket(ticket),
    ticketMac: hex(linkProof(ticketProofKey(secret), 'initiator', transcript)),
    directoryKey: hex(directoryKeys([token], false)[0] ?? new Uint8Array(0)),
    openKey: hex(directoryKeys([], true)[0] ?? new Uint8Array(0)),
    cid: channelCid(directoryKeys([token], false)[0] ?? new Uint8Array(0), 'orders').toString()
  }

  it('has the vectors that the source gives, and no others', async () => {
    const passphrase = await tokenFromPassphrase('correct horse battery staple', 'home')
    const all: Record<string, string> = { ...computed, passphrase }
    assert.deepEqual(vectors, all)
    assert.equal(decodeTicket(vectors.ticket ?? '').sharer.toString(), claims.sharer.toString())
  })

  it('has every refuse code and goodbye reason', () => {
    const codes = [...links.matchAll(/^\| (\d) \| `([A-Z_]+)`/gm)].map(([, n, name]) => [n, name])
    assert.deepEqual(
      codes,
      Object.keys(RefuseCode)
        .filter(name => name !== 'codec')
        .map((name, i) => [`${i}`, name])
    )
    const reasons = Object.keys(GoodbyeReason).filter(name => name !== 'codec')
    assert.equal(reasons.length, 6)
    for (const number of reasons.keys()) assert.match(links, new RegExp(`[ :]${number} \\w+`))
  })
})
