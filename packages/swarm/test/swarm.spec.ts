import assert from 'node:assert/strict'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import {
  LOOPBACK,
  addressOf,
  cleanUp,
  echo,
  exchange,
  listening,
  stockNode,
  swarm,
  until
} from './support/nodes.ts'

const ECHO = '/warren-test/echo/1.0.0'

describe('swarm', () => {
  afterEach(cleanUp)

  for (const muxer of ['yamux', 'mplex'] as const) {
    it(`carries streams between two swarms over ${muxer}`, async () => {
      const server = await listening({}, muxer)
      const client = await swarm({}, muxer)
      await server.handle(ECHO, echo)
      const stream = await client.newStream(addressOf(server), ECHO)
      assert.equal(stream.protocol, ECHO)
      assert.equal(await exchange(stream, 'hello'), 'hello')
      const [connection] = client.connections(server.peerId)
      assert.match(connection?.multiplexer ?? '', new RegExp(muxer))
      assert.equal(connection?.encryption, '/noise')
      assert.equal(client.connections().length, 1)
      assert.deepEqual(server.peers().map(String), [client.peerId.toString()])
    })
  }

  it('opens streams in both directions of one connection, and on a given connection', async () => {
    const [a, b] = [await listening(), await swarm()]
    await b.handle(ECHO, echo)
    const connection = await b.dial(addressOf(a))
    await until(() => a.connections().length === 1, 'the connection arrives')
    assert.equal(await exchange(await a.newStream(b.peerId, ECHO), 'back'), 'back')
    await a.handle(ECHO, echo)
    assert.equal(await exchange(await b.newStream(connection, [ECHO]), 'there'), 'there')
  })

  it('exchanges streams with stock libp2p, whoever dials', async () => {
    const stock = await stockNode()
    await stock.handle(ECHO, echo)
    const own = await listening()
    await own.handle(ECHO, echo)
    const stockAddress = stock.getMultiaddrs()[0]
    assert.ok(stockAddress)
    assert.equal(await exchange(await own.newStream(stockAddress, ECHO), 'to stock'), 'to stock')
    await own.closePeer(stock.peerId)
    await until(() => stock.getConnections().length === 0, 'the connection ends at the stock node')
    const stream = await stock.dialProtocol(addressOf(own), ECHO)
    assert.equal(await exchange(stream, 'from stock'), 'from stock')
  })

  it('resets the stream of a handler that rejects, and no other', async () => {
    const server = await listening()
    await server.handle(ECHO, echo)
    await server.handle('/warren-test/fails/1.0.0', async () => {
      throw new Error('no such luck')
    })
    const client = await swarm()
    const bad = await client.newStream(addressOf(server), '/warren-test/fails/1.0.0')
    await until(() => bad.status === 'reset' || bad.status === 'aborted', 'the stream is reset')
    assert.equal(await exchange(await client.newStream(server.peerId, ECHO), 'well'), 'well')
  })

  it('refuses a second handler, unless forced, and protocols that nobody handles', async () => {
    const server = await listening()
    const client = await swarm()
    await server.handle(ECHO, () => {})
    await assert.rejects(server.handle(ECHO, echo), { code: 'ERR_PROTOCOL_HANDLED' })
    await server.handle(ECHO, echo, { force: true })
    assert.equal(await exchange(await client.newStream(addressOf(server), ECHO), 'x'), 'x')
    await server.unhandle(ECHO)
    await assert.rejects(client.newStream(server.peerId, ECHO), {
      name: 'UnsupportedProtocolError'
    })
  })

  it('listens on several addresses, tells of each, and reports those that fail', async () => {
    const node = await swarm()
    const told: string[] = []
    node.addEventListener('listening', ({ detail }) => told.push(detail.toString()))
    const taken = (await listening()).listenAddrs()[0]
    assert.ok(taken)
    const unknown = multiaddr('/ip4/127.0.0.1/udp/0/quic-v1')
    await assert.rejects(node.listen([LOOPBACK, taken, unknown, LOOPBACK]), (error: Error) => {
      assert.ok('code' in error && 'failures' in error && Array.isArray(error.failures))
      assert.equal(error.code, 'ERR_LISTEN')
      assert.deepEqual(
        error.failures.map(each => each.address),
        [taken.toString(), unknown.toString()]
      )
      assert.match(error.message, /EADDRINUSE/)
      assert.match(error.message, /no configured transport/)
      return true
    })
    assert.equal(node.listenAddrs().length, 2)
    assert.deepEqual(told.sort(), node.listenAddrs().map(String).sort())
  })

  it('names the address that no transport takes', async () => {
    const node = await swarm()
    const address = multiaddr('/ip4/127.0.0.1/udp/0/quic-v1')
    await assert.rejects(node.listen(address), { code: 'ERR_NO_TRANSPORT' })
    await assert.rejects(node.dial(address), (error: Error) => {
      assert.ok('code' in error && error.code === 'ERR_DIAL')
      assert.match(String(error), /transport .*no configured transport dials/)
      return true
    })
  })

  it('does not dial itself, by id or by address', async () => {
    const node = await listening()
    await assert.rejects(node.dial(node.peerId), { code: 'ERR_DIAL_SELF' })
    await assert.rejects(node.dial(addressOf(node)), { code: 'ERR_DIAL_SELF' })
    const [address] = node.listenAddrs()
    assert.ok(address)
    await assert.rejects(node.dial(address), /address of this swarm itself/)
    assert.equal(node.connections().length, 0)
  })

  it('announces where it listens, and what the options say instead', async () => {
    const node = await listening()
    assert.deepEqual(node.components.addressManager.getAddresses().map(String), [
      addressOf(node).toString()
    ])
    const { addresses } = await node.components.peerStore.get(node.peerId)
    assert.deepEqual(
      addresses.map(({ multiaddr: address }) => address.toString()),
      node.listenAddrs().map(String)
    )
    await node.listen(LOOPBACK)
    const later = await node.components.peerStore.get(node.peerId)
    assert.equal(later.addresses.length, 2)
    const announced = '/dns4/node.example.org/tcp/443'
    const hidden = await listening({
      addresses: { listen: [LOOPBACK], announce: [announced] }
    })
    assert.deepEqual(hidden.components.addressManager.getAddresses().map(String), [
      `${announced}/p2p/${hidden.peerId.toString()}`
    ])
  })

  it('tells topologies of peers once, of those connected too, until it is stopped', async () => {
    const server = await listening()
    const client = await swarm()
    const seen: string[] = []
    const topology = {
      onConnect: (peer: PeerId, connection: Connection) => {
        seen.push(`+${peer.toString()} ${connection.direction}`)
      },
      onDisconnect: (peer: PeerId) => {
        seen.push(`-${peer.toString()}`)
      }
    }
    await client.dial(addressOf(server))
    const id = server.peerId.toString()
    const stop = client.notify(topology)
    await client.dial(addressOf(server), { force: true })
    await client.closePeer(server.peerId)
    await until(() => seen.length === 2, 'the topology is told')
    assert.deepEqual(seen, [`+${id} outbound`, `-${id}`])
    stop()
    await client.dial(addressOf(server), { force: true })
    assert.equal(seen.length, 2)
  })

  it('checks its options', async () => {
    for (const options of [
      { maxConnections: 0 },
      { dialTimeout: 1.5 },
      { closeTimeout: 2 ** 31 },
      { lowWatermark: 10, highWatermark: 5 },
      { unheardOf: 1 }
    ]) {
      await assert.rejects(swarm({ options }), { code: 'ERR_SWARM_OPTIONS' })
    }
    await assert.rejects(swarm({ addresses: { listen: ['nowhere'] } }), {
      code: 'ERR_SWARM_OPTIONS'
    })
  })

  it('closes one connection more than a peer may have', async () => {
    const server = await listening({ options: { maxConnectionsPerPeer: 2 } })
    const client = await swarm()
    const made: Connection[] = []
    for (let i = 0; i < 3; i++) made.push(await client.dial(addressOf(server), { force: true }))
    await until(() => client.connections().length === 2, 'the third one is closed')
    assert.equal(server.connections().length, 2)
    assert.notEqual(made[2]?.status, 'open')
  })

  it('refuses to dial beyond its number of connections', async () => {
    const [a, b] = [await listening(), await listening()]
    const client = await swarm({ options: { maxConnections: 1 } })
    await client.dial(addressOf(a))
    await assert.rejects(client.dial(addressOf(b)), { code: 'ERR_CONNECTION_LIMIT' })
    await client.closePeer(a.peerId)
    await client.dial(addressOf(b))
  })

  it('bounds the opening of a stream that is never negotiated', async () => {
    const server = await listening()
    const client = await swarm({ options: { newStreamTimeout: 100 } })
    await client.dial(addressOf(server))
    server.pause()
    // Upgraded, and left in the accept queue: nobody answers its streams.
    const other = await swarm({ options: { newStreamTimeout: 100, dialTimeout: 60_000 } })
    await assert.rejects(other.newStream(addressOf(server), ECHO), {
      code: 'ERR_NEW_STREAM_TIMEOUT'
    })
    const signal = AbortSignal.timeout(50)
    await assert.rejects(other.newStream(addressOf(server), ECHO, { signal }), {
      name: 'TimeoutError'
    })
    server.resume()
  })

  it('rejects with the reason of a signal that has fired', async () => {
    const node = await listening()
    const signal = AbortSignal.abort(new Error('changed my mind'))
    const target = addressOf(await listening())
    await assert.rejects(node.dial(target, { signal }), /changed my mind/)
    await assert.rejects(node.newStream(target, ECHO, { signal }), /changed my mind/)
    await assert.rejects(node.listen(LOOPBACK, { signal }), /changed my mind/)
    await assert.rejects(node.closePeer(node.peerId, { signal }), /changed my mind/)
  })

  it('runs middleware once per stream, however many streams there are', async () => {
    const server = await listening()
    const client = await swarm()
    let ran = 0
    let handled = 0
    await server.handle(ECHO, (stream: Stream) => {
      handled++
      echo(stream)
    })
    server.components.registrar.use(ECHO, [
      (stream, connection, next) => {
        ran++
        next(stream, connection)
      }
    ])
    for (let i = 0; i < 4; i++) {
      assert.equal(await exchange(await client.newStream(addressOf(server), ECHO), 'x'), 'x')
    }
    assert.deepEqual({ ran, handled }, { ran: 4, handled: 4 })
  })
})
