import assert from 'node:assert/strict'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Muxer, Security } from './nodes.ts'
import { ECHO, echoByHash, stockNode, warrenNode } from './nodes.ts'

const MiB = 1024 * 1024

interface Parts {
  readonly security: Security
  readonly muxer: Muxer
}

/** Each security and each muxer of ours against the stock one of the same protocol. */
const PAIRS: [ours: Parts, theirs: Parts][] = [
  ...(['our Noise', 'stock Noise', 'TLS'] as const).flatMap(security =>
    (['our yamux', 'stock yamux', 'mplex'] as const).map((muxer): [Parts, Parts] => [
      { security, muxer },
      {
        security: security === 'TLS' ? 'TLS' : 'stock Noise',
        muxer: muxer === 'mplex' ? 'mplex' : 'stock yamux'
      }
    ])
  ),
  [
    { security: 'our Noise', muxer: 'our yamux' },
    { security: 'stock Noise (@libp2p)', muxer: 'stock yamux' }
  ],
  // Our parts in stock js-libp2p.
  [
    { security: 'stock Noise', muxer: 'our yamux' },
    { security: 'our Noise', muxer: 'our yamux' }
  ]
]

for (const [ours, theirs] of PAIRS) {
  describe(`a swarm (${ours.security}, ${ours.muxer}) and stock libp2p (${theirs.security}, ${theirs.muxer})`, () => {
    let swarm: Awaited<ReturnType<typeof warrenNode>>
    let node: Awaited<ReturnType<typeof stockNode>>

    before(async () => {
      swarm = await warrenNode(ours.security, ours.muxer)
      node = await stockNode(theirs.security, theirs.muxer)
    })
    after(async () => {
      await swarm.close()
      await node.stop()
    })
    afterEach(async () => {
      await swarm.closePeer(node.peerId)
      await node.hangUp(swarm.peerId)
    })

    const swarmAddress = () =>
      multiaddr(`${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`)
    const nodeAddress = () => {
      const [address] = node.getMultiaddrs()
      assert.ok(address)
      return address
    }

    const directions: [
      name: string,
      dial: () => Promise<Connection>,
      ping: () => Promise<number>
    ][] = [
      [
        'we dial',
        async () => swarm.dial(nodeAddress()),
        async () => swarm.services.ping.ping(node.peerId)
      ],
      [
        'we are dialled',
        async () => node.dial(swarmAddress()),
        async () => node.services.ping.ping(swarm.peerId)
      ]
    ]
    for (const [name, dial, ping] of directions) {
      it(`${name}: ping`, async () => {
        await dial()
        assert.ok((await ping()) >= 0)
      })

      it(`${name}: both identify each other`, async () => {
        const wanted = [
          new Promise<void>(resolve => {
            swarm.addEventListener(
              'peer:identify',
              event => {
                assert.ok(event.detail.peerId.equals(node.peerId))
                assert.ok(event.detail.protocols.includes(ECHO))
                resolve()
              },
              { once: true }
            )
          }),
          new Promise<void>(resolve => {
            node.addEventListener(
              'peer:identify',
              event => {
                assert.ok(event.detail.peerId.equals(swarm.peerId))
                assert.ok(event.detail.protocols.includes(ECHO))
                resolve()
              },
              { once: true }
            )
          })
        ]
        await dial()
        await Promise.all(wanted)
      })

      it(`${name}: echo of 64 MiB by hash`, async () => {
        const connection = await dial()
        await echoByHash(await connection.newStream(ECHO), 64 * MiB)
      })

      it(`${name}: 100 streams at once`, async () => {
        const connection = await dial()
        // Stock muxers abort the connection when more than 10 streams come before it is set up.
        await ping()
        const streams = await Promise.all(
          Array.from({ length: 100 }, async () =>
            connection.newStream(ECHO, { maxOutboundStreams: 100 })
          )
        )
        await Promise.all(streams.map(async (stream: Stream) => echoByHash(stream, 100_000)))
      })
    }

    it('a peer id that is not the one dialled is refused', async () => {
      const other = await stockNode(theirs.security, theirs.muxer)
      try {
        const wrong = nodeAddress()
          .toString()
          .replace(node.peerId.toString(), other.peerId.toString())
        await assert.rejects(swarm.dial(multiaddr(wrong)), { code: 'ERR_DIAL' })
      } finally {
        await other.stop()
      }
    })
  })
}
