import assert from 'node:assert/strict'
import { generateToken } from '@warren/tunnel'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { TEST_BYTES } from '../support/content.ts'
import type { PeerMuxer } from '../support/peer.ts'
import { startPeer } from '../support/start-peer.ts'
import type { Peer } from '../support/start-peer.ts'
import { until } from '../support/until.ts'
import { Transfer, TransferTarget } from '../support/transfer.ts'

const MIB = 2 ** 20

/** Quick to find a peer dead: what is tested is that it is found, not the default times. */
const LIVELY = {
  keepAliveInterval: 300,
  tunnel: {
    probeInterval: 300,
    probeTimeout: 300,
    probeMisses: 2,
    reconnect: { first: 20, factor: 2, max: 200 }
  }
} as const

describe('a link that falls silent during a transfer through a shared port', () => {
  let target: TransferTarget
  let proxy: ChaosProxy
  let sharer: Peer
  let opener: Peer

  beforeEach(async () => {
    target = await TransferTarget.start()
    proxy = await ChaosProxy.start()
    sharer = startPeer()
    opener = startPeer()
  })
  afterEach(async () => {
    await opener.stop()
    await sharer.stop()
    await proxy.stop()
    await target.close()
  })

  async function startBoth(muxer: PeerMuxer): Promise<number> {
    const token = generateToken()
    const address = await sharer.call('start', { ...LIVELY, token, muxer })
    const [, port, id] = /\/tcp\/(\d+)\/p2p\/(.+)$/.exec(address) ?? []
    await proxy.aim({ port: Number(port) })
    await sharer.call('share', 'silent', target.port)
    const nodes = [`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${id}`]
    await opener.call('start', { ...LIVELY, token, muxer, nodes })
    return opener.call('open', 'silent')
  }

  for (const muxer of ['our yamux', 'mplex'] as const) {
    // Over mplex only the tunnel's own probes find it: one case shows that they do.
    for (const direction of muxer === 'mplex' ? (['down'] as const) : (['down', 'up'] as const)) {
      for (const flow of muxer === 'mplex' ? [undefined] : ([undefined, 'up', 'down'] as const)) {
        const way = flow === undefined ? 'both ways, twice' : `${flow} only`
        const times = flow === undefined ? 2 : 1
        const name = direction === 'down' ? 'a download' : 'an upload'
        it(`${way}: ${name} over ${muxer} goes on when it speaks again`, async () => {
          let silences = 0
          const port = await startBoth(muxer)
          const transfer = new Transfer(direction, port, target, sent => {
            return sent < TEST_BYTES / 4 || silences < times
          })
          while (silences < times) {
            await transfer.progress(MIB)
            await proxy.blackhole(flow === undefined ? {} : { flow })
            // The side that hears nothing must notice by itself; the other may be told.
            await until(async () => {
              const { detached } = await opener.call('sessionStats')
              return detached === 1
            }, 'the opener finds that the link is dead')
            await proxy.heal()
            silences++
          }
          await transfer.verify()
          const { blackholed } = await proxy.counts()
          assert.ok(blackholed >= times, `${blackholed} connections fell silent`)
          for (const end of [sharer, opener]) {
            const { resumes } = await end.call('sessionStats')
            assert.ok(resumes >= times, `${resumes} resumes`)
          }
          assert.deepEqual(target.endings, [undefined])
        })
      }
    }
  }
})
