import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import type { IdentifyResult, PeerInfo, Startable } from '@libp2p/interface'
import { peerDiscoverySymbol, serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import type { SwarmComponents } from '../src/index.ts'
import {
  addressOf,
  afterwards,
  cleanUp,
  listening,
  nextEvent,
  stockNode,
  swarm,
  until
} from './support/nodes.ts'

const services = {
  identify: identify(),
  identifyPush: identifyPush({ debounce: 50 }),
  ping: ping()
}

describe('hosted services', () => {
  afterEach(cleanUp)

  it('pings stock libp2p and answers its pings', async () => {
    const stock = await stockNode({ services })
    const own = await listening({ services })
    const [address] = stock.getMultiaddrs()
    assert.ok(address)
    assert.ok((await own.services.ping.ping(address)) >= 0)
    await own.closePeer(stock.peerId)
    await until(() => stock.getConnections().length === 0, 'the connection ends')
    assert.ok((await stock.services.ping.ping(addressOf(own))) >= 0)
  })

  for (const dialler of ['own', 'stock'] as const) {
    it(`identifies stock libp2p and is identified by it when ${dialler} dials`, async () => {
      const stock = await stockNode({ services })
      const own = await listening({ services, nodeInfo: { userAgent: 'warren-test/1' } })
      await own.handle('/warren-test/known/1.0.0', () => {})
      const identified = nextEvent(own, 'peer:identify') as Promise<CustomEvent<IdentifyResult>>
      const seen = nextEvent(stock, 'peer:identify') as Promise<CustomEvent<IdentifyResult>>
      const [address] = stock.getMultiaddrs()
      assert.ok(address)
      if (dialler === 'own') await own.dial(address)
      else await stock.dial(addressOf(own))
      const theirs = (await identified).detail
      assert.equal(theirs.peerId.toString(), stock.peerId.toString())
      assert.ok(theirs.protocols.includes('/ipfs/ping/1.0.0'))
      const ours = (await seen).detail
      assert.equal(ours.agentVersion, 'warren-test/1')
      assert.ok(ours.protocols.includes('/warren-test/known/1.0.0'))
      assert.deepEqual(ours.listenAddrs.map(String), own.listenAddrs().map(String))
      assert.ok(ours.signedPeerRecord !== undefined)
      const kept = await own.components.peerStore.get(stock.peerId)
      assert.ok(kept.protocols.includes('/ipfs/id/1.0.0'))
      assert.ok(kept.addresses.some(({ isCertified }) => isCertified))
    })
  }

  it('pushes new protocols and addresses to stock libp2p', async () => {
    const stock = await stockNode({ services })
    const own = await listening({ services })
    const first = nextEvent(stock, 'peer:identify')
    await stock.dial(addressOf(own))
    await first
    await own.handle('/warren-test/late/1.0.0', () => {})
    const knows = async (): Promise<boolean> => {
      const { protocols } = await stock.peerStore.get(own.peerId)
      return protocols.includes('/warren-test/late/1.0.0')
    }
    const limit = performance.now() + 5_000
    while (!(await knows())) {
      assert.ok(performance.now() < limit, 'the stock node learns of the protocol')
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  })

  it('tells topologies of peers that speak their protocol', async () => {
    const stock = await stockNode({ services })
    const own = await swarm({ services })
    const seen: string[] = []
    const register = async (protocol: string): Promise<string> =>
      own.components.registrar.register(protocol, {
        onConnect: () => {
          seen.push(`+${protocol}`)
        },
        onDisconnect: () => {
          seen.push(`-${protocol}`)
        }
      })
    await register('/ipfs/ping/1.0.0')
    await register('/nobody/speaks/this')
    const silenced = await register('/ipfs/id/1.0.0')
    own.components.registrar.unregister(silenced)
    const [address] = stock.getMultiaddrs()
    assert.ok(address)
    await own.dial(address)
    await until(() => seen.length === 1, 'the topology is told of the peer')
    await own.closePeer(stock.peerId)
    await until(() => seen.length === 2, 'the topology is told of its end')
    assert.deepEqual(seen, ['+/ipfs/ping/1.0.0', '-/ipfs/ping/1.0.0'])
  })

  it('keeps the protocols that were negotiated, without identify', async () => {
    const server = await listening()
    await server.handle('/warren-test/x/1.0.0', stream => {
      stream.abort(new Error('enough'))
    })
    const client = await swarm()
    await client.newStream(addressOf(server), ['/warren-test/y/1.0.0', '/warren-test/x/1.0.0'])
    const { protocols } = await client.components.peerStore.get(server.peerId)
    assert.deepEqual(protocols, ['/warren-test/x/1.0.0'])
  })

  it('keeps the public key of an RSA peer, which its id does not hold', async () => {
    const server = await listening()
    const client = await swarm({ privateKey: await generateKeyPair('RSA', 2048) })
    await client.dial(addressOf(server))
    const limit = performance.now() + 1_500
    for (;;) {
      const kept = await server.components.peerStore.get(client.peerId).catch(() => undefined)
      if (kept?.id.publicKey !== undefined) break
      assert.ok(performance.now() < limit, 'the key is kept')
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  })

  it('runs the phases of services in order, and gives them each other', async () => {
    const phases: string[] = []
    class Service implements Startable {
      readonly [serviceCapabilities] = ['@warren-test/one']
      beforeStart(): void {
        phases.push('beforeStart')
      }
      start(): void {
        phases.push('start')
      }
      afterStart(): void {
        phases.push('afterStart')
      }
      beforeStop(): void {
        phases.push('beforeStop')
      }
      stop(): void {
        phases.push('stop')
      }
      afterStop(): void {
        phases.push('afterStop')
      }
    }
    const node = await swarm({
      services: {
        one: () => new Service(),
        two: (components: SwarmComponents & { one: Service }) => ({
          [serviceDependencies]: ['@warren-test/one'],
          one: components.one
        })
      }
    })
    assert.equal(node.services.two.one, node.services.one)
    assert.equal(node.components.one, node.services.one)
    await node.close()
    assert.deepEqual(phases, [
      'beforeStart',
      'start',
      'afterStart',
      'beforeStop',
      'stop',
      'afterStop'
    ])
  })

  it('names the component, the dependency and the service that is missing or fails', async () => {
    await assert.rejects(
      swarm({
        services: { bad: (components: SwarmComponents & { dht: unknown }) => components.dht }
      }),
      { code: 'ERR_MISSING_SERVICE', message: /"dht"/ }
    )
    await assert.rejects(
      swarm({ services: { needy: () => ({ [serviceDependencies]: ['@libp2p/identify'] }) } }),
      { code: 'ERR_SERVICE_DEPENDENCIES', message: /"needy" needs @libp2p\/identify/ }
    )
    let stopped = false
    const failing = {
      good: () => ({
        start: () => {},
        stop: () => {
          stopped = true
        }
      }),
      bad: () => ({
        start: () => {
          throw new Error('out of ink')
        },
        stop: () => {}
      })
    }
    await assert.rejects(listening({ services: failing }), {
      code: 'ERR_SERVICE_START',
      message: /"bad" did not start: out of ink/
    })
    assert.equal(stopped, true)
  })

  it('keeps the addresses of discovered peers', async () => {
    const discovery = new TypedEventEmitter<{ peer: CustomEvent<PeerInfo> }>()
    const node = await swarm({ services: { found: () => ({ [peerDiscoverySymbol]: discovery }) } })
    const other = await swarm()
    const told = nextEvent(node.components.events, 'peer:discovery')
    discovery.safeDispatchEvent('peer', {
      detail: { id: other.peerId, multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/9')] }
    })
    await told
    const { addresses } = await node.components.peerStore.get(other.peerId)
    assert.equal(addresses[0]?.multiaddr.toString(), '/ip4/127.0.0.1/tcp/9')
  })

  it('offers every component by libp2p name, and says when one is optional', async () => {
    const node = await swarm()
    const names = [
      'peerId',
      'privateKey',
      'nodeInfo',
      'logger',
      'events',
      'addressManager',
      'peerStore',
      'upgrader',
      'randomWalk',
      'registrar',
      'connectionManager',
      'transportManager',
      'connectionGater',
      'contentRouting',
      'peerRouting',
      'datastore'
    ] as const
    for (const name of names) assert.notEqual(node.components[name], undefined, name)
    assert.equal(node.components.metrics, undefined)
    assert.equal(node.components.dns, undefined)
    assert.equal(node.components.connectionProtector, undefined)
    await assert.rejects(async () => node.components.peerRouting.findPeer(node.peerId), {
      code: 'ERR_PEER_NOT_FOUND'
    })
    const { connectionManager } = node.components
    const dialable = async (text: string): Promise<boolean> =>
      connectionManager.isDialable(multiaddr(text))
    assert.equal(await dialable('/ip4/127.0.0.1/tcp/9'), true)
    assert.equal(await dialable('/ip4/127.0.0.1/udp/9/quic-v1'), false)
  })

  it('tells stock nodes and itself when connections come and go', async () => {
    const stock = await stockNode({ services })
    const own = await listening({ services })
    const seen: string[] = []
    const types = [
      'peer:connect',
      'connection:open',
      'connection:close',
      'peer:disconnect'
    ] as const
    for (const type of types) own.components.events.addEventListener(type, () => seen.push(type))
    const [address] = stock.getMultiaddrs()
    assert.ok(address)
    afterwards(async () => {})
    await own.dial(address)
    await own.dial(address, { force: true })
    await own.closePeer(stock.peerId)
    await until(() => seen.includes('peer:disconnect'), 'the peer is gone')
    assert.deepEqual(seen, [
      'peer:connect',
      'connection:open',
      'connection:open',
      'connection:close',
      'connection:close',
      'peer:disconnect'
    ])
  })
})
