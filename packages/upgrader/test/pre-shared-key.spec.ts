import assert from 'node:assert/strict'
import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'
import { generateKey, preSharedKey as stock } from '@libp2p/pnet'
import { preSharedKey } from '../src/index.ts'
import type { UpgradeError } from '../src/index.ts'
import { connect, echo, never, rawPair, roundTrip } from './support/pair.ts'
import { createPeer } from './support/peer.ts'
import type { Peer } from './support/peer.ts'

const key = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32))
const member = async (psk: Uint8Array, options = {}): Promise<Peer> =>
  createPeer({ protector: preSharedKey({ psk })(), ...options })

/** The step at which an inbound upgrade fails while `act` plays the peer. */
async function inboundFailure(
  peer: Peer,
  act: (conn: MultiaddrConnection) => void
): Promise<UpgradeError> {
  const raw = rawPair()
  const upgrade = peer.upgrader.upgradeInbound(raw.inbound, { signal: never() })
  act(raw.outbound)
  const error = await upgrade.then(
    () => assert.fail('it was upgraded'),
    (reason: UpgradeError) => reason
  )
  assert.notEqual(raw.inbound.status, 'open')
  return error
}

describe('pre-shared key', () => {
  it('lets members connect, and nothing of what they say is in clear', async () => {
    const psk = key()
    const [a, b] = await Promise.all([member(psk), member(psk)])
    b.registrar.handle('/echo', echo)
    const raw = rawPair()
    const seen: Uint8Array[] = []
    const send = raw.outbound.send.bind(raw.outbound)
    raw.outbound.send = data => {
      seen.push(data.subarray().slice())
      return send(data)
    }
    const { outbound } = await connect(a, b, raw)
    const bytes = Buffer.from('within the network')
    assert.deepEqual(Buffer.from(await roundTrip(outbound, '/echo', bytes)), bytes)
    assert.equal(Buffer.concat(seen).includes('/multistream'), false)
    assert.equal(seen[0]?.byteLength, 24)
    await outbound.close()
    assert.deepEqual(
      [a, b].map(({ upgrader }) => upgrader.stats().steps.psk.attempts),
      [1, 1]
    )
  })

  it('speaks with the stock protector, by the text of a key file', async () => {
    const psk = new Uint8Array(95)
    generateKey(psk)
    const stockProtector: ConnectionProtector = stock({ psk })()
    const [a, b] = await Promise.all([member(psk), createPeer({ protector: stockProtector })])
    b.registrar.handle('/echo', echo)
    const { outbound } = await connect(a, b)
    const bytes = Buffer.from('hello')
    assert.deepEqual(Buffer.from(await roundTrip(outbound, '/echo', bytes)), bytes)
    await outbound.close()
  })

  it('keeps out who has another key', async () => {
    const [a, b] = await Promise.all([
      member(key(), { upgradeTimeout: 150 }),
      member(key(), { upgradeTimeout: 150 })
    ])
    const raw = rawPair()
    const ends = await Promise.allSettled([
      a.upgrader.upgradeOutbound(raw.outbound, { signal: never() }),
      b.upgrader.upgradeInbound(raw.inbound, { signal: never() })
    ])
    for (const end of ends) {
      assert.equal(end.status, 'rejected')
      const error = end.reason as UpgradeError
      assert.equal(error.step, 'security')
      assert.match(error.message, /same pre-shared key/)
    }
    assert.notEqual(raw.inbound.status, 'open')
    assert.notEqual(raw.outbound.status, 'open')
  })

  it('refuses a peer that only sends our bytes back', async () => {
    const peer = await member(key())
    const error = await inboundFailure(peer, conn => {
      conn.addEventListener('message', ({ data }) => conn.send(data.subarray().slice()))
    })
    assert.equal(error.step, 'psk')
    assert.match(String(error.cause), /our own bytes/)
  })

  it('says so when the peer speaks in clear', async () => {
    const peer = await member(key())
    const error = await inboundFailure(peer, conn => {
      conn.send(Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n'))
    })
    assert.equal(error.step, 'psk')
    assert.match(String(error.cause), /no pre-shared key/)
  })

  it('gives a silent peer its own, shorter time', async () => {
    const protector = preSharedKey({ psk: key(), nonceTimeout: 20 })()
    const peer = await createPeer({ protector })
    for (const bytes of [0, 23]) {
      const error = await inboundFailure(peer, conn => {
        if (bytes > 0) conn.send(new Uint8Array(bytes))
      })
      assert.equal(error.step, 'psk')
      assert.equal((error.cause as { code?: string }).code, 'ERR_PRE_SHARED_KEY')
    }
  })

  it('never upgrades random bytes', async () => {
    const peer = await member(key(), { upgradeTimeout: 60 })
    const tries = Array.from({ length: 30 }, async () =>
      inboundFailure(peer, conn => {
        conn.send(crypto.getRandomValues(new Uint8Array(4_096)))
      })
    )
    for (const error of await Promise.all(tries)) assert.equal(error.step, 'security')
  })

  it('is skipped where the transport says so', async () => {
    const [a, b] = await Promise.all([member(key()), member(key())])
    const raw = rawPair()
    const options = { signal: never(), skipProtection: true }
    const [outbound] = await Promise.all([
      a.upgrader.upgradeOutbound(raw.outbound, options),
      b.upgrader.upgradeInbound(raw.inbound, options)
    ])
    assert.equal(outbound.status, 'open')
    outbound.abort(new Error('the test is over'))
    await b.upgrader.close()
  })

  it('refuses what is no key', () => {
    for (const psk of [
      new Uint8Array(0),
      new Uint8Array(31),
      Buffer.from('/key/swarm/psk/1.0.0/')
    ]) {
      assert.throws(() => preSharedKey({ psk }), { code: 'ERR_PRE_SHARED_KEY' })
    }
    assert.throws(() => preSharedKey({ psk: key(), nonceTimeout: 0 }), {
      code: 'ERR_UPGRADER_OPTIONS'
    })
  })
})
