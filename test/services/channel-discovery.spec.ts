import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bootstrap } from '@libp2p/bootstrap'
import type { PeerDiscovery } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import type { Swarm } from '@warren/swarm'
import { createTunnel, dhtDirectory, generateToken } from '@warren/tunnel'
import type { Tunnel, TunnelOptions } from '@warren/tunnel'
import { createNode } from 'warren'
import { skip } from '../support/skip.ts'
import { until } from '../support/until.ts'
import { GROUP, loopbackAlone, multicastPort } from './support/multicast.ts'
import { BASIC, LOOPBACK, addressOf, afterwards, cleanUp, hosted, stock } from './support/nodes.ts'

const token = generateToken()

const services = {
  ...BASIC,
  dht: kadDHT({
    protocol: '/test/kad/1.0.0',
    clientMode: false,
    peerInfoMapper: passthroughMapper
  })
}

function tunnelOn(swarm: Swarm, options: Partial<TunnelOptions>): Tunnel {
  const tunnel = createTunnel(swarm, { token, ...options })
  afterwards(() => tunnel.close())
  return tunnel
}

/** Dials the channel, and has a nonce come back from whoever listens there. */
async function exchangeNonce(tunnel: Tunnel, channel: string): Promise<string> {
  const nonce = new Uint8Array(randomBytes(16))
  const session = await tunnel.dial(channel, { timeout: 20_000 })
  await session.send({ body: nonce })
  const answer = await session.receive()
  assert.deepEqual(answer?.body, nonce)
  await session.close()
  return session.peer
}

/** Listens, and sends back what comes. */
async function echo(tunnel: Tunnel, channel: string): Promise<void> {
  const listener = await tunnel.listen(channel)
  const serve = async (): Promise<void> => {
    for await (const session of listener) {
      const message = await session.receive()
      if (message !== undefined) await session.send(message)
      await session.close()
    }
  }
  void serve()
}

describe('channels in a DHT', () => {
  afterEach(cleanUp)

  it('are found among nodes that know each other only by a stock libp2p node', async () => {
    const middle = await stock(services)
    const nodes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const swarm = await hosted(services)
        const directory = dhtDirectory({ contentRouting: swarm.components.contentRouting })
        const tunnel = tunnelOn(swarm, { directories: [directory], linkConnections: false })
        await swarm.dial(addressOf(middle))
        return { swarm, tunnel }
      })
    )
    for (const [i, { tunnel }] of nodes.entries()) await echo(tunnel, `channel ${i}`)
    for (const [i, { tunnel, swarm }] of nodes.entries()) {
      const other = nodes[(i + 1) % nodes.length]
      const there = await exchangeNonce(tunnel, `channel ${(i + 1) % nodes.length}`)
      assert.equal(there, other?.swarm.peerId.toString())
      assert.ok(tunnel.links().every(({ peer }) => peer !== swarm.peerId.toString()))
    }
    // Whoever has another token finds nothing under the same name.
    const swarm = await hosted(services)
    const directory = dhtDirectory({ contentRouting: swarm.components.contentRouting })
    const stranger = createTunnel(swarm, { token: generateToken(), directories: [directory] })
    afterwards(() => stranger.close())
    await swarm.dial(addressOf(middle))
    await assert.rejects(stranger.dial('channel 0', { timeout: 1_500 }), { code: 'ERR_NO_LINK' })
  })
})

describe('peers of bootstrap', () => {
  afterEach(cleanUp)

  it('become nodes, to which a link is kept', async () => {
    const known = await hosted(BASIC)
    const far = tunnelOn(known, {})
    await echo(far, 'orders')
    const list = [addressOf(known).toString()]
    const swarm = await hosted<{ bootstrap: PeerDiscovery }>({
      ...BASIC,
      bootstrap: bootstrap({ list, timeout: 1 }) as never
    })
    const near = tunnelOn(swarm, {
      peerDiscovery: [swarm.services.bootstrap],
      linkConnections: false
    })
    await near.connect()
    assert.equal(await exchangeNonce(near, 'orders'), known.peerId.toString())
    await known.closePeer(swarm.peerId)
    assert.equal(await exchangeNonce(near, 'orders'), known.peerId.toString())
  })
})

describe('peers of mdns', () => {
  let port: number | undefined
  let restore = (): void => {}

  before(async function () {
    port = await multicastPort()
    if (port === undefined) skip(this, 'multicast over loopback')
    restore = loopbackAlone()
  })
  after(() => restore())
  afterEach(cleanUp)

  it('become nodes of each other: the channels of one are dialled by the other', async () => {
    const node = async (): Promise<Tunnel> => {
      const swarm = await hosted<{ mdns: PeerDiscovery }>({
        ...BASIC,
        mdns: mdns({ ip: GROUP, port: port ?? 0, interval: 100 }) as never
      })
      return tunnelOn(swarm, { peerDiscovery: [swarm.services.mdns] })
    }
    const [a, b, stranger] = await Promise.all([node(), node(), hosted(BASIC)])
    await Promise.all([a.connect(), b.connect()])
    await until(() => a.links().length === 1 && b.links().length === 1, 'they are linked')
    await echo(a, 'of a')
    await echo(b, 'of b')
    assert.equal(await exchangeNonce(b, 'of a'), a.status().peer)
    assert.equal(await exchangeNonce(a, 'of b'), b.status().peer)
    assert.deepEqual(stranger.peers(), [])
  })

  it('become nodes of createNode({ lan }), which open what the other shares', async () => {
    const target = createServer((_request, response) => response.end('here\n'))
    target.listen(0, '127.0.0.1')
    await once(target, 'listening')
    afterwards(async () => {
      target.close()
      target.closeAllConnections()
    })
    const make = async () => {
      const node = await createNode({ listen: [LOOPBACK], token, lan: true })
      afterwards(() => node.close())
      return node
    }
    const [here, there] = [await make(), await make()]
    await here.share({ target: (target.address() as AddressInfo).port, name: 'web' })
    const web = await there.open({ channel: 'web', timeout: 30_000 })
    assert.equal(await (await fetch(web.url)).text(), 'here\n')
  })
})
