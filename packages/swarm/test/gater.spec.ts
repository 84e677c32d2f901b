import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createGater } from '../src/index.ts'
import { addressOf, cleanUp, listening, plainSwarm, swarm, until } from './support/nodes.ts'

async function peer(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** All that a gater looks at. */
function from(address: string): MultiaddrConnection {
  return { remoteAddr: multiaddr(address) } as MultiaddrConnection
}

describe('createGater', () => {
  afterEach(cleanUp)

  const ranges: [range: string, inside: string[], outside: string[]][] = [
    [
      '10.0.0.0/8',
      ['/ip4/10.255.0.1/tcp/1', '/ip6/::ffff:10.1.2.3/tcp/1'],
      ['/ip4/11.0.0.0/tcp/1']
    ],
    ['192.0.2.128/25', ['/ip4/192.0.2.128/tcp/1'], ['/ip4/192.0.2.127/tcp/1', '/unix/tmp%2fs']],
    ['192.0.2.7', ['/ip4/192.0.2.7/udp/1'], ['/ip4/192.0.2.6/udp/1']],
    [
      '2001:db8::/33',
      ['/ip6/2001:db8:7fff::1/tcp/1'],
      ['/ip6/2001:db8:8000::1/tcp/1', '/ip4/1.2.3.4/tcp/1']
    ],
    ['fe80::/10', ['/ip6zone/eth0/ip6/fe80::1/tcp/1'], ['/ip6/fec0::1/tcp/1']],
    ['0.0.0.0/0', ['/ip4/203.0.113.1/tcp/1'], ['/ip6/2001:db8::1/tcp/1', '/dns4/example.com/tcp/1']]
  ]
  for (const [range, inside, outside] of ranges) {
    it(`denies ${range} and nothing else`, async () => {
      const gater = createGater({ deny: [range] })
      for (const address of inside) {
        assert.equal(await gater.denyInboundConnection?.(from(address)), true, address)
        assert.equal(await gater.denyDialMultiaddr?.(multiaddr(address)), true, address)
      }
      for (const address of outside) {
        assert.equal(await gater.denyInboundConnection?.(from(address)), false, address)
        assert.equal(await gater.denyDialMultiaddr?.(multiaddr(address)), false, address)
      }
    })
  }

  it('refuses entries that are neither peers nor addresses', () => {
    for (const entry of [
      '10.0.0.0/33',
      '10.0.0',
      '::1/129',
      '1.2.3.4/-1',
      '1.2.3.4/8/8',
      'x',
      '',
      '10.0.0.0/'
    ]) {
      assert.throws(() => createGater({ deny: [entry] }), { code: 'ERR_SWARM_OPTIONS' }, entry)
    }
  })

  it('lets in only who is named, where others are denied; the address of a relay allows nobody', async () => {
    const [friend, stranger] = await Promise.all([peer(), peer()])
    const gater = createGater({ allow: [friend.toString(), '10.0.0.0/8'], others: 'deny' })
    const judge = async (who: PeerId, address: string): Promise<boolean | undefined> =>
      gater.denyInboundEncryptedConnection?.(who, from(address))
    assert.equal(await judge(friend, '/ip4/192.0.2.1/tcp/1'), false)
    assert.equal(await judge(stranger, '/ip4/10.0.0.1/tcp/1'), false)
    assert.equal(await judge(stranger, '/ip4/192.0.2.1/tcp/1'), true)
    assert.equal(
      await judge(stranger, `/ip4/10.0.0.1/tcp/1/p2p/${friend.toString()}/p2p-circuit`),
      true
    )
    const onlyPeers = createGater({ allow: [friend.toString()], others: 'deny' })
    assert.equal(await onlyPeers.denyDialPeer?.(stranger), true)
    assert.equal(await onlyPeers.denyDialPeer?.(friend), false)
    // Nobody is told apart by an address before the peer has proven who it is.
    assert.equal(await onlyPeers.denyInboundConnection?.(from('/ip4/192.0.2.1/tcp/1')), false)
    const onlyRanges = createGater({ allow: ['10.0.0.0/8'], others: 'deny' })
    assert.equal(await onlyRanges.denyInboundConnection?.(from('/ip4/192.0.2.1/tcp/1')), true)
  })

  it('denies who is on both lists, and keeps no place for them', async () => {
    const friend = await peer()
    const gater = createGater({ allow: [friend.toString()], deny: ['192.0.2.0/24'] })
    assert.equal(gater.isAllowListed(friend, multiaddr('/ip4/10.0.0.1/tcp/1')), true)
    assert.equal(gater.isAllowListed(friend, multiaddr('/ip4/192.0.2.1/tcp/1')), false)
    assert.equal(
      await gater.denyInboundEncryptedConnection?.(friend, from('/ip4/192.0.2.1/tcp/1')),
      true
    )
  })

  it('asks the hooks where the lists have no objection', async () => {
    const who = await peer()
    const asked: string[] = []
    const note = (name: string) => (): boolean => {
      asked.push(name)
      return true
    }
    const hooks = {
      denyDialPeer: note('denyDialPeer'),
      denyInboundConnection: note('denyInboundConnection'),
      denyInboundUpgradedConnection: note('denyInboundUpgradedConnection'),
      filterMultiaddrForPeer: note('filterMultiaddrForPeer')
    }
    const gater = createGater({ deny: ['10.0.0.0/8'], hooks })
    assert.equal(await gater.denyInboundConnection?.(from('/ip4/10.0.0.1/tcp/1')), true)
    assert.deepEqual(asked, [])
    assert.equal(await gater.denyInboundConnection?.(from('/ip4/11.0.0.1/tcp/1')), true)
    assert.equal(await gater.denyDialPeer?.(who), true)
    assert.equal(await gater.denyInboundUpgradedConnection?.(who, from('/ip4/1.1.1.1/tcp/1')), true)
    assert.equal(await gater.filterMultiaddrForPeer?.(who, multiaddr('/ip4/1.1.1.1/tcp/1')), true)
    assert.deepEqual(
      asked,
      Object.keys(hooks)
        .slice(1, 2)
        .concat(['denyDialPeer', 'denyInboundUpgradedConnection', 'filterMultiaddrForPeer'])
    )
  })

  it('keeps a denied peer out of a swarm, both ways, and lets others in', async () => {
    const denied = await listening()
    const other = await swarm()
    const guarded = await listening({
      connectionGater: createGater({ deny: [denied.peerId.toString()] })
    })
    await assert.rejects(guarded.dial(addressOf(denied)), { code: 'ERR_DIAL' })
    const connection = await denied.dial(addressOf(guarded)).catch(() => undefined)
    if (connection !== undefined) await until(() => connection.status !== 'open', 'it is ended')
    await other.dial(addressOf(guarded))
    await until(() => guarded.connections().length === 1, 'the other is in')
    assert.ok(guarded.peers()[0]?.equals(other.peerId))
  })
})

describe('a full house', () => {
  afterEach(cleanUp)

  it('lets an allow-listed peer in for the least valuable stranger, young as that is', async () => {
    const friend = await plainSwarm()
    const server = await plainSwarm({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      options: { maxConnections: 4, lowWatermark: 4, highWatermark: 4 },
      connectionGater: createGater({ allow: [friend.peerId.toString()] })
    })
    const strangers = await Promise.all(Array.from({ length: 4 }, async () => plainSwarm()))
    for (const stranger of strangers) {
      await server.components.peerStore.merge(stranger.peerId, {
        tags: stranger === strangers[2] ? {} : { known: { value: 10 } }
      })
      await stranger.dial(addressOf(server))
    }
    await until(() => server.connections().length === 4, 'the house is full')
    await friend.dial(addressOf(server))
    await until(() => server.connections(friend.peerId).length === 1, 'the friend is in')
    await until(() => server.connections().length === 4, 'one has gone')
    const gone = strangers.filter(each => server.connections(each.peerId).length === 0)
    assert.deepEqual(gone, [strangers[2]])
  })

  it('has strangers wait for a place, and says so to those beyond the lobby', async () => {
    const server = await plainSwarm({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      options: { maxConnections: 1 },
      upgrader: { acceptQueueLength: 2 },
      connectionGater: createGater({ allow: ['192.0.2.1'] })
    })
    const strangers = await Promise.all(Array.from({ length: 4 }, async () => plainSwarm()))
    const [first, , , last] = strangers
    assert.ok(first && last)
    for (const stranger of strangers) await stranger.dial(addressOf(server))
    await until(() => last.connections().length === 0, 'the last is turned away')
    assert.deepEqual(server.resources().refused, { 'system connections': 1 })
    assert.ok(server.peers()[0]?.equals(first.peerId))
    await server.closePeer(first.peerId)
    await until(() => server.connections().length === 1, 'the next comes in')
    assert.ok(server.peers()[0]?.equals((strangers[1] ?? first).peerId))
  })

  it('gives nobody away for whom a place is kept, protected peers included', async () => {
    const server = await plainSwarm({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      options: { maxConnections: 2 }
    })
    const [a, b, c] = await Promise.all([plainSwarm(), plainSwarm(), plainSwarm()])
    for (const each of [a, b, c]) server.protect(each.peerId, 'test')
    for (const each of [a, b]) await each.dial(addressOf(server))
    await until(() => server.connections().length === 2, 'both are in')
    await c.dial(addressOf(server))
    await new Promise(resolve => setTimeout(resolve, 100))
    assert.equal(server.connections(c.peerId).length, 0)
    server.unprotect(a.peerId, 'test')
    const d = await plainSwarm()
    server.protect(d.peerId, 'test')
    await d.dial(addressOf(server))
    await until(() => server.connections(d.peerId).length === 1, 'the protected comes in')
    await until(() => server.connections(a.peerId).length === 0, 'the unprotected goes')
    assert.equal(server.connections(b.peerId).length, 1)
  })

  it('dials a protected peer though it is full, and not a stranger', async () => {
    const [a, b, c] = await Promise.all([listening(), listening(), listening()])
    const client = await swarm({ options: { maxConnections: 1 } })
    await client.dial(addressOf(a))
    await assert.rejects(client.dial(addressOf(b)), { code: 'ERR_CONNECTION_LIMIT' })
    client.protect(c.peerId, 'test')
    await client.dial(addressOf(c))
    await until(() => client.connections(a.peerId).length === 0, 'the stranger goes')
    assert.equal(client.connections(c.peerId).length, 1)
  })
})
