import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { StreamResetError } from '@libp2p/interface'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { skip } from '../support/skip.ts'
import { GoPeer, buildGoPeer, hasGo } from './go-peer.ts'
import type { Muxer, Security } from './nodes.ts'
import { ECHO, HASH, RESET, echoByHash, warrenNode } from './nodes.ts'

const MiB = 1024 * 1024

/** go-libp2p speaks Noise and TLS, and yamux alone. */
const OURS: { security: Security; muxer: Muxer }[] = [
  { security: 'our Noise', muxer: 'our yamux' },
  { security: 'our Noise', muxer: 'stock yamux' },
  { security: 'stock Noise', muxer: 'our yamux' },
  { security: 'stock Noise', muxer: 'stock yamux' },
  { security: 'TLS', muxer: 'our yamux' },
  { security: 'TLS', muxer: 'stock yamux' }
]

describe('a swarm and go-libp2p', () => {
  before(async function () {
    this.timeout(600_000)
    if (!(await hasGo())) skip(this, 'Go (https://go.dev), to build the go-libp2p peer')
    await buildGoPeer()
  })

  for (const { security, muxer } of OURS) {
    describe(`${security}, ${muxer}`, () => {
      let swarm: Awaited<ReturnType<typeof warrenNode>>
      let peer: GoPeer
      let addr: string
      let connection: Connection

      before(async () => {
        swarm = await warrenNode(security, muxer)
        peer = await GoPeer.start(security === 'TLS' ? 'tls' : 'noise')
        addr = `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`
      })
      after(async () => {
        await peer.stop()
        await swarm.close()
      })

      describe('we dial', () => {
        before(async () => {
          const identified = new Promise(resolve => {
            swarm.addEventListener('peer:identify', resolve, { once: true })
          })
          connection = await swarm.dial(multiaddr(peer.address))
          await identified
        })
        after(async () => connection.close())

        it('ping and identify', async () => {
          assert.ok((await swarm.services.ping.ping(connection.remotePeer)) >= 0)
          const { protocols } = await swarm.components.peerStore.get(connection.remotePeer)
          assert.ok(protocols.includes(ECHO), `identify told ${protocols.join(', ')}`)
        })

        it('echo of 64 MiB by hash', async () => {
          await echoByHash(await connection.newStream(ECHO), 64 * MiB)
        })

        it('100 streams at once', async () => {
          const streams = await Promise.all(
            Array.from({ length: 100 }, async () =>
              connection.newStream(ECHO, { maxOutboundStreams: 100 })
            )
          )
          await Promise.all(streams.map(async stream => echoByHash(stream, 100_000)))
        })

        it('a half-closed stream is answered', async () => {
          const stream = await connection.newStream(HASH)
          const data = Buffer.alloc(200_000, 'half-close')
          const answer = readAll(stream)
          if (!stream.send(data)) await stream.onDrain()
          await stream.close()
          assert.equal(
            (await answer).toString('hex'),
            createHash('sha256').update(data).digest('hex')
          )
        })

        it('a reset is seen as one', async () => {
          const stream = await connection.newStream(RESET)
          stream.send(Uint8Array.of(1))
          await assert.rejects(readAll(stream), { name: new StreamResetError().name })
        })
      })

      describe('we are dialled', () => {
        after(async () => peer.ask({ op: 'close', addr }))

        it('ping and identify', async () => {
          const { micros } = await peer.ask({ op: 'ping', addr })
          assert.ok(Number(micros) > 0)
          const { protocols, muxer } = await peer.ask({ op: 'identify', addr })
          assert.ok(protocols?.includes(ECHO), `identify told ${protocols?.join(', ')}`)
          assert.equal(muxer, '/yamux/1.0.0')
        })

        it('echo of 64 MiB by hash', async () => {
          await peer.ask({ op: 'echo', addr, bytes: 64 * MiB })
        })

        it('100 streams at once', async () => {
          await peer.ask({ op: 'streams', addr, count: 100, bytes: 100_000 })
        })

        it('a half-closed stream is answered', async () => {
          await peer.ask({ op: 'hash', addr, bytes: 200_000 })
        })

        it('a reset is seen as one', async () => {
          await peer.ask({ op: 'reset', addr })
        })
      })
    })
  }
})

/** Everything until the other side ends; rejects when the stream is reset. */
async function readAll(stream: Stream): Promise<Buffer> {
  const parts: Uint8Array[] = []
  return new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => parts.push(data.subarray()))
    stream.addEventListener('end', () => {
      if (stream.status !== 'reset' && stream.status !== 'aborted') resolve(Buffer.concat(parts))
    })
    stream.addEventListener('close', ({ error }) => {
      if (error === undefined) resolve(Buffer.concat(parts))
      else reject(error)
    })
  })
}
