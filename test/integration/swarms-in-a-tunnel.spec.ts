import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel, generateToken, tunnelAddress, tunnelTransport } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createHash } from 'node:crypto'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { Content, SEED } from '../support/content.ts'
import { until } from '../support/until.ts'

const PROTOCOL = '/test/sink/1.0.0'
const CHUNK = 256 * 1024
/** A transfer goes on until its link was cut so often. */
const CUTS = 4
const LEAST = 32 * 2 ** 20
const PARTS = { connectionEncrypters: [noise()], streamMuxers: [yamux()] }

describe('two swarms that speak Noise and yamux through a tunnel', () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end()
  })

  async function swarm(...init: Parameters<typeof createSwarm>): Promise<Swarm> {
    const made = await createSwarm(...init)
    ends.push(() => made.close())
    return made
  }

  function tunnel(...args: Parameters<typeof createTunnel>): Tunnel {
    const made = createTunnel(...args)
    ends.push(() => made.close())
    return made
  }

  for (const seal of [false, true]) {
    it(`keep their connection, ${seal ? 'sealed, ' : ''}while its link is cut (seed ${SEED})`, async () => {
      const token = generateToken()
      const parts = { ...PARTS, transports: [tcp()] }
      const far = await swarm({ ...parts, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
      const port = Number(/tcp\/(\d+)/.exec(String(far.listenAddrs()[0]))?.[1])
      const proxy = await ChaosProxy.start({ port })
      ends.push(() => proxy.stop())
      const node = multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${far.peerId.toString()}`)
      const [here, there] = [
        tunnel(await swarm(parts), { token, nodes: [node], seal }),
        tunnel(far, { token, seal })
      ]
      const dialling = await swarm({ ...PARTS, transports: [tunnelTransport(here)] })
      const listening = await swarm({ ...PARTS, transports: [tunnelTransport(there)] })
      await listening.listen(tunnelAddress('inner'))
      const hash = createHash('sha256')
      let received = 0
      await listening.handle(PROTOCOL, sink => {
        sink.addEventListener('message', ({ data }) => {
          received += data.byteLength
          hash.update(data.subarray())
        })
      })

      const connection = await dialling.dial(listening.listenAddrs()[0] ?? [])
      assert.ok(connection.remotePeer.equals(listening.peerId))
      const stream = await connection.newStream(PROTOCOL)
      await proxy.cutEvery({ every: 300, seed: SEED, ways: ['reset', 'mid-frame'] })
      const content = new Content(SEED)
      let cuts = 0
      while (content.length < LEAST || cuts < CUTS) {
        await send(stream, content.next(CHUNK))
        if (content.length % (8 * CHUNK) === 0) ({ cuts } = await proxy.counts())
      }
      await proxy.heal()
      await until(() => received === content.length, 'all has arrived', 60_000)
      assert.equal(hash.digest('hex'), content.digest())
      assert.equal(connection.status, 'open')
      assert.equal(here.debug().sessions, 1)
      stream.abort(new Error('done'))
      await connection.close()
    })
  }
})

async function send(stream: Stream, data: Uint8Array): Promise<void> {
  if (stream.send(data)) return
  await new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(new Error('the stream has closed'))
    stream.addEventListener('close', onClose, { once: true })
    stream.addEventListener(
      'drain',
      () => {
        stream.removeEventListener('close', onClose)
        resolve()
      },
      { once: true }
    )
  })
}
