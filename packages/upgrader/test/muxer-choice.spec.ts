import assert from 'node:assert/strict'
import { noise } from '@chainsafe/libp2p-noise'
import type { Connection, Stream } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { startStreams } from '../src/index.ts'
import { connect, echo, rawPair, readAll } from './support/pair.ts'
import { MUXERS, SECURITY, createPeer } from './support/peer.ts'
import type { Peer } from './support/peer.ts'
import { dialTcp, listenTcp, until } from './support/tcp.ts'

type Name = keyof typeof MUXERS
const LISTS: readonly (readonly Name[])[] = [
  ['yamux'],
  ['mplex'],
  ['yamux', 'mplex'],
  ['mplex', 'yamux']
]

/** A stream opened by either end works: then both ends run the same muxer. */
async function assertWorks(connection: {
  newStream(protocol: string): Promise<Stream>
}): Promise<void> {
  const stream = await connection.newStream('/echo')
  const received = readAll(stream)
  stream.send(Buffer.from('same muxer'))
  await stream.close()
  assert.equal(Buffer.from(await received).toString(), 'same muxer')
}

describe('choice of the muxer', () => {
  describe('with stock libp2p', () => {
    const nodes = new Map<readonly Name[], Libp2p>()

    before(async () => {
      for (const list of LISTS) {
        const node = await createLibp2p({
          addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
          transports: [tcp()],
          connectionEncrypters: [noise(), tls()],
          streamMuxers: list.map(name =>
            name === 'yamux' ? yamux() : mplex({ disconnectThreshold: 1_000 })
          ),
          connectionMonitor: { enabled: false },
          connectionManager: { inboundConnectionThreshold: 1_000 }
        })
        await node.handle('/echo', echo)
        nodes.set(list, node)
      }
    })

    after(async () => {
      await Promise.all([...nodes.values()].map(async node => node.stop()))
    })

    for (const security of ['chainsafe noise', 'tls'] as const) {
      for (const ours of LISTS) {
        it(`agrees over ${security} with [${ours.join()}] of ours, whatever the stock list`, async () => {
          const options = {
            encrypters: [SECURITY[security]],
            muxers: ours.map(name => MUXERS[name])
          }
          for (const [theirs, node] of nodes) {
            const common = ours.some(name => theirs.includes(name))
            const peer = await createPeer(options)
            peer.registrar.handle('/echo', echo)
            await tryDialling(peer, node, common)
            await tryListening(peer, node, common)
            await peer.upgrader.close()
          }
        })
      }
    }

    async function tryDialling(peer: Peer, node: Libp2p, common: boolean): Promise<void> {
      const [address] = node.getMultiaddrs()
      const dial = dialTcp(peer, multiaddr(address?.toString()))
      if (!common) {
        await assert.rejects(dial, { code: 'ERR_UPGRADE' })
        return
      }
      const connection = await dial
      startStreams(connection)
      await until(() => node.getConnections(peer.id).length === 1)
      const [remote] = node.getConnections(peer.id)
      assert.equal(connection.multiplexer, remote?.multiplexer)
      await assertWorks(connection)
      await assertWorks(remote as Connection)
      await connection.close()
      await until(() => node.getConnections(peer.id).length === 0)
    }

    async function tryListening(peer: Peer, node: Libp2p, common: boolean): Promise<void> {
      const listener = await listenTcp(peer)
      const accepted = common ? peer.upgrader.queue.accept() : undefined
      const dial = node.dial(listener.addr)
      if (accepted === undefined) {
        await assert.rejects(dial)
        await until(() => peer.upgrader.stats().inbound.failures === 1)
      } else {
        const [local, remote] = await Promise.all([accepted, dial])
        startStreams(local)
        assert.equal(local.multiplexer, remote.multiplexer)
        await assertWorks(local)
        await assertWorks(remote)
        await local.close()
      }
      await listener.close()
    }
  })

  it('saves the negotiation where it is safe: one muxer, or TLS', async () => {
    for (const [security, muxers, early] of [
      ['chainsafe noise', ['yamux'], true],
      ['libp2p noise', ['yamux', 'mplex'], false],
      ['tls', ['yamux', 'mplex'], true]
    ] as const) {
      const options = {
        encrypters: [SECURITY[security]],
        muxers: muxers.map(name => MUXERS[name])
      }
      const [a, b] = await Promise.all([createPeer(options), createPeer(options)])
      let negotiated = false
      const raw = rawPair()
      const onProgress = ({ type }: { type: string }): void => {
        negotiated ||= type.startsWith('upgrader:multiplex')
      }
      const [outbound] = await Promise.all([
        a.upgrader.upgradeOutbound(raw.outbound, {
          signal: new AbortController().signal,
          onProgress
        }),
        b.upgrader.upgradeInbound(raw.inbound, { signal: new AbortController().signal })
      ])
      assert.equal(negotiated, !early, security)
      outbound.abort(new Error('the test is over'))
      await b.upgrader.close()
    }
  })

  it('lets an encrypter settle the muxer that says it is safe, or where the options say so', async () => {
    const skipped: unknown[] = []
    const marked =
      (safe: boolean): typeof SECURITY.tls =>
      components => {
        const real = SECURITY['libp2p noise'](components)
        return {
          protocol: real.protocol,
          ...(safe ? { safeEarlyMuxers: true } : {}),
          secureInbound: async (conn, options) => real.secureInbound(conn, options),
          secureOutbound: async (conn, options) => {
            skipped.push(options?.skipStreamMuxerNegotiation)
            return real.secureOutbound(conn, options)
          }
        }
      }
    for (const [safe, earlyMuxers] of [
      [false, false],
      [true, false],
      [false, true]
    ] as const) {
      const muxers = [MUXERS.yamux, MUXERS.mplex]
      const options = { encrypters: [marked(safe)], muxers, earlyMuxers }
      const [a, b] = await Promise.all([createPeer(options), createPeer(options)])
      const { outbound, inbound } = await connect(a, b)
      assert.equal(outbound.multiplexer, inbound.multiplexer)
      await outbound.close()
    }
    assert.deepEqual(skipped, [true, false, false])
  })

  it('negotiates in clear view of both ends by default, so that lists in any order agree', async () => {
    for (const ours of LISTS.slice(2)) {
      for (const theirs of LISTS.slice(2)) {
        const [a, b] = await Promise.all([
          createPeer({ muxers: ours.map(name => MUXERS[name]) }),
          createPeer({ muxers: theirs.map(name => MUXERS[name]) })
        ])
        b.registrar.handle('/echo', echo)
        const { outbound, inbound } = await connect(a, b)
        assert.equal(outbound.multiplexer, inbound.multiplexer)
        assert.match(outbound.multiplexer ?? '', new RegExp(ours[0] as string))
        await assertWorks(outbound)
        await outbound.close()
      }
    }
  })
})
