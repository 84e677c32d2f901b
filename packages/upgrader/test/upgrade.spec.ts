import assert from 'node:assert/strict'
import { MUXERS, SECURITY, createPeer } from './support/peer.ts'
import { connect, echo, roundTrip } from './support/pair.ts'

describe('upgrade', () => {
  for (const [security, encrypter] of Object.entries(SECURITY)) {
    for (const [name, muxer] of Object.entries(MUXERS)) {
      it(`makes a connection over ${security} and ${name} that carries streams both ways`, async () => {
        const options = { encrypters: [encrypter], muxers: [muxer] }
        const [a, b] = await Promise.all([createPeer(options), createPeer(options)])
        a.registrar.handle('/echo', echo)
        b.registrar.handle('/echo', echo)
        const { outbound, inbound } = await connect(a, b)
        assert.ok(outbound.remotePeer.equals(b.id))
        assert.ok(inbound.remotePeer.equals(a.id))
        assert.match(outbound.multiplexer ?? '', name === 'yamux' ? /yamux/ : /mplex/)
        const there = await roundTrip(outbound, '/echo', Buffer.from('there'))
        const back = await roundTrip(inbound, '/echo', Buffer.from('back'))
        assert.equal(Buffer.from(there).toString(), 'there')
        assert.equal(Buffer.from(back).toString(), 'back')
        await outbound.close()
        assert.equal(outbound.status, 'closed')
      })
    }
  }
})
