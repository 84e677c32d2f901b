import assert from 'node:assert/strict'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { skip } from '../support/skip.ts'
import { until } from '../support/until.ts'
import { GoPeer, buildGoPeer, hasGo } from './go-peer.ts'
import { ECHO, echo, echoByHash } from './nodes.ts'

const MiB = 1024 * 1024
const ANY = { runOnLimitedConnection: true }
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A swarm of our parts that hosts a server of kad-dht, a relay, and the relay's transport. */
async function hostingNode() {
  const swarm = await createSwarm({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({ reservations: { defaultDataLimit: BigInt(4 * MiB) } }),
      dht: kadDHT({
        protocol: '/test/kad/1.0.0',
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        validators: { test: async () => {} },
        selectors: { test: () => 0 }
      })
    }
  })
  await swarm.handle(ECHO, echo, ANY)
  return swarm
}

describe('services hosted on a swarm, and go-libp2p', () => {
  let swarm: Awaited<ReturnType<typeof hostingNode>>
  let go: GoPeer
  let own: string

  before(async function () {
    this.timeout(600_000)
    if (!(await hasGo())) skip(this, 'Go (https://go.dev), to build the go-libp2p peer')
    await buildGoPeer('services')
  })

  beforeEach(async () => {
    swarm = await hostingNode()
    go = await GoPeer.startServices()
    own = `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`
  })
  afterEach(async () => {
    await go.stop()
    await swarm.close()
  })

  /** The routing table of our kad-dht. */
  async function routes(peer: PeerId): Promise<void> {
    const { routingTable } = swarm.services.dht as unknown as {
      routingTable: { find(peer: PeerId): Promise<PeerId | undefined> }
    }
    await until(async () => (await routingTable.find(peer)) !== undefined, 'go is routed to')
  }

  for (const dialler of ['we dial', 'go dials'] as const) {
    it(`kad-dht: values and providers go both ways (${dialler})`, async () => {
      const { contentRouting } = swarm.components
      const signal = AbortSignal.timeout(20_000)
      if (dialler === 'we dial') await swarm.dial(multiaddr(go.address))
      else await go.ask({ op: 'connect', addr: own })
      const [peer] = swarm.peers()
      assert.ok(peer)
      await routes(peer)
      await go.ask({ op: 'routed', addr: own })

      await contentRouting.put(bytes('/test/ours'), bytes('from us'), { signal })
      assert.equal((await go.ask({ op: 'get', key: '/test/ours' })).value, 'from us')
      await go.ask({ op: 'put', key: '/test/go', value: 'from go' })
      assert.equal(text(await contentRouting.get(bytes('/test/go'), { signal })), 'from go')

      const [a, b] = await Promise.all(
        ['a', 'b'].map(async name => CID.createV1(raw.code, await sha256.digest(bytes(name))))
      )
      assert.ok(a !== undefined && b !== undefined)
      await contentRouting.provide(a, { signal })
      const { peers } = await go.ask({ op: 'providers', key: a.toString() })
      assert.deepEqual(peers, [swarm.peerId.toString()])
      await go.ask({ op: 'provide', key: b.toString() })
      const found: string[] = []
      for await (const { id } of contentRouting.findProviders(b, { signal })) {
        found.push(id.toString())
      }
      assert.deepEqual(found, [peer.toString()])
    })
  }

  it('relay: we reserve at go and are dialled through it', async () => {
    await swarm.listen(multiaddr(`${go.address}/p2p-circuit`))
    const relayed = (): string | undefined =>
      swarm
        .listenAddrs()
        .map(String)
        .find(address => address.includes('/p2p-circuit'))
    await until(() => relayed() !== undefined, 'the reservation is there', 10_000)
    const address = `${relayed()}/p2p/${swarm.peerId.toString()}`
    const other = await GoPeer.startServices()
    try {
      const { limited } = await other.ask({ op: 'echo', addr: address, bytes: MiB })
      assert.equal(limited, true)
      const inbound = swarm.connections().find(({ limits }) => limits !== undefined)
      assert.equal(inbound?.direct, false)
      assert.ok(Number(inbound.limits?.seconds) <= 60)
    } finally {
      await other.stop()
    }
  })

  it('relay: go reserves at ours and is dialled through it, by go and by us', async () => {
    const { addr, bytes: limit } = await go.ask({ op: 'reserve', addr: own })
    assert.equal(limit, 4 * MiB)
    assert.equal(swarm.services.relay.reservations.size, 1)
    const other = await GoPeer.startServices()
    try {
      const { limited } = await other.ask({ op: 'echo', addr: String(addr), bytes: MiB })
      assert.equal(limited, true)
    } finally {
      await other.stop()
    }
    const client = await hostingNode()
    try {
      const connection = await client.dial(multiaddr(String(addr)))
      assert.notEqual(connection.limits, undefined)
      await echoByHash(await connection.newStream(ECHO, ANY), MiB)
    } finally {
      await client.close()
    }
  })

  it('relay: we dial go through go', async () => {
    const relay = await GoPeer.startServices()
    try {
      const { addr } = await go.ask({ op: 'reserve', addr: relay.address })
      const connection = await swarm.dial(multiaddr(String(addr)))
      const { bytes: left = 0n, seconds = 0 } = connection.limits ?? {}
      assert.ok(left > 0n && left <= BigInt(4 * MiB), `${left} bytes are left`)
      assert.ok(seconds > 0 && seconds <= 60, `${seconds} seconds are left`)
      await echoByHash(await connection.newStream(ECHO, ANY), MiB)
    } finally {
      await relay.stop()
    }
  })
})
