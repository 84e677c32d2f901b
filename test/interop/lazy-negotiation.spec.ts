import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { skip } from '../support/skip.ts'
import { GoPeer, buildGoPeer, hasGo } from './go-peer.ts'
import type { Muxer } from './nodes.ts'
import { ECHO, echoByHash, stockNode, warrenNode } from './nodes.ts'

const UNKNOWN = '/test/unknown/1.0.0'
const LAZY = { negotiateFully: false }
const MiB = 1024 * 1024
/** Milliseconds each way, so that a round trip shows. */
const LATENCY = 100

/** What a stream ends with. */
async function failure(stream: Stream): Promise<Error> {
  try {
    for await (const chunk of stream) assert.ok(chunk)
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  return assert.fail('the stream ended in peace')
}

/** What holds with every peer that speaks multistream-select. */
function lazyStreams(connection: () => Connection): void {
  it('1 MiB through an echo, and 50 streams at once, by hash', async () => {
    await echoByHash(await connection().newStream(ECHO, LAZY), MiB)
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) =>
        echoByHash(await connection().newStream(ECHO, LAZY), 1_000 + i)
      )
    )
  })

  it('the error of a protocol that the peer does not speak comes with the first read', async () => {
    const stream = await connection().newStream(UNKNOWN, LAZY)
    stream.send(Buffer.from('for nobody'))
    assert.equal((await failure(stream)).name, 'UnsupportedProtocolError')
    assert.equal(connection().status, 'open')
    await echoByHash(await connection().newStream(ECHO, LAZY), 10)
  })

  it('of several protocols the one that identify told of is taken', async () => {
    const stream = await connection().newStream([UNKNOWN, ECHO], LAZY)
    assert.equal(stream.protocol, ECHO)
    await echoByHash(stream, 1_000)
  })
}

describe('lazy negotiation', () => {
  for (const muxer of ['our yamux', 'stock yamux', 'mplex'] as Muxer[]) {
    describe(`with stock js-libp2p over ${muxer}`, () => {
      let swarm: Awaited<ReturnType<typeof warrenNode>>
      let node: Awaited<ReturnType<typeof stockNode>>
      let connection: Connection

      before(async () => {
        ;[swarm, node] = await Promise.all([
          warrenNode('our Noise', muxer),
          stockNode('stock Noise', muxer)
        ])
        const identified = once(swarm, 'peer:identify')
        connection = await swarm.dial(node.getMultiaddrs() as Multiaddr[])
        await identified
      })
      after(async () => {
        await Promise.all([swarm.close(), node.stop()])
      })

      lazyStreams(() => connection)
    })
  }

  it('the first bytes come back after one round trip, not two', async () => {
    const [client, server] = await Promise.all([
      warrenNode('our Noise', 'our yamux'),
      stockNode('stock Noise', 'stock yamux')
    ])
    const target = server.getMultiaddrs()[0]
    const port = target?.getComponents().find(({ name }) => name === 'tcp')?.value
    await using proxy = await ChaosProxy.start({ host: '127.0.0.1', port: Number(port) })
    try {
      const connection = await client.dial(
        multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${server.peerId.toString()}`)
      )
      await echoByHash(await connection.newStream(ECHO), 10)
      await proxy.latency(LATENCY)
      const time = async (negotiateFully: boolean): Promise<number> => {
        const started = performance.now()
        await echoByHash(await connection.newStream(ECHO, { negotiateFully }), 10)
        return performance.now() - started
      }
      const lazy = Math.min(await time(false), await time(false), await time(false))
      const full = Math.min(await time(true), await time(true), await time(true))
      assert.ok(
        full - lazy > LATENCY,
        `lazily ${Math.round(lazy)} ms, fully ${Math.round(full)} ms`
      )
    } finally {
      await Promise.all([client.close(), server.stop()])
    }
  })

  describe('with go-libp2p', () => {
    let swarm: Awaited<ReturnType<typeof warrenNode>>
    let peer: GoPeer
    let connection: Connection

    before(async function () {
      this.timeout(600_000)
      if (!(await hasGo())) skip(this, 'Go (https://go.dev), to build the go-libp2p peer')
      await buildGoPeer()
      swarm = await warrenNode('our Noise', 'our yamux')
      peer = await GoPeer.start('noise')
      const identified = once(swarm, 'peer:identify')
      connection = await swarm.dial(multiaddr(peer.address))
      await identified
    })
    after(async () => {
      await peer?.stop()
      await swarm?.close()
    })

    lazyStreams(() => connection)
  })
})
