import assert from 'node:assert/strict'
import { inbox, pattern, seeded, sendAll, sha256 } from './support/traffic.ts'
import { testPeer, type Maker } from './support/peers.ts'
import { closePair, securedPair } from './support/secured.ts'
import { cut, wire } from './support/wire.ts'

const MIB = 1_048_576
const STOCK: readonly Maker[] = ['@chainsafe/libp2p-noise', '@libp2p/noise']

describe('interop with stock noise', () => {
  const pairs: [Maker, Maker][] = [['ours', 'ours']]
  for (const stock of STOCK) pairs.push(['ours', stock], [stock, 'ours'])

  for (const [dials, listens] of pairs) {
    it(`${dials} dials ${listens}: 16 MiB each way by hash, randomly cut on the wire`, async () => {
      const dialler = await testPeer({ maker: dials })
      const listener = await testPeer({ maker: listens })
      const ends = wire()
      const random = seeded(16)
      for (const end of ends) {
        end.tamper = bytes => cut(bytes, () => 1 + Math.floor(random() ** 2 * 200_000))
      }
      const pair = await securedPair(dialler, listener, {}, ends)
      assert.equal(pair.dialler.remotePeer.toString(), listener.peerId.toString())
      assert.equal(pair.listener.remotePeer.toString(), dialler.peerId.toString())

      const data = pattern(16 * MIB)
      const up = inbox(pair.listener.connection)
      const down = inbox(pair.dialler.connection)
      await Promise.all([
        sendAll(
          pair.dialler.connection,
          cut(data, () => random() * 300_000)
        ),
        sendAll(
          pair.listener.connection,
          cut(data, () => random() * 3_000 * (random() < 0.01 ? 1_000 : 1))
        ),
        up.has(data.byteLength),
        down.has(data.byteLength)
      ])
      assert.equal(sha256(up.bytes()), sha256(data))
      assert.equal(sha256(down.bytes()), sha256(data))
      await closePair(pair)
    })
  }
})
