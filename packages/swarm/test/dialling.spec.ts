import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { DialError } from '../src/index.ts'
import type { Swarm } from '../src/index.ts'
import {
  LOOPBACK,
  REFUSED,
  addressOf,
  afterwards,
  cleanUp,
  echo,
  exchange,
  listening,
  stockNode,
  swarm,
  until
} from './support/nodes.ts'

/** Somebody else, whom nobody can reach. */
const STRANGER = '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf'

/** A server that accepts and never says a word, as a black hole beyond the handshake of TCP. */
async function silentServer(): Promise<{ address: Multiaddr; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.resume()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const at = server.address()
  assert.ok(typeof at === 'object' && at !== null)
  afterwards(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { address: multiaddr(`/ip4/127.0.0.1/tcp/${at.port}`), sockets }
}

/** The error of a dial that must fail. */
async function failure(dial: Promise<Connection>): Promise<DialError> {
  try {
    await dial
  } catch (error) {
    assert.ok(error instanceof DialError, String(error))
    return error
  }
  throw new Error('the dial succeeded')
}

describe('dialling', () => {
  afterEach(cleanUp)

  it('joins 50 dials into one connection', async () => {
    const server = await listening()
    const client = await swarm()
    const address = addressOf(server)
    const connections = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        client.dial(index % 2 === 0 ? address : [address, REFUSED])
      )
    )
    assert.equal(new Set(connections).size, 1)
    assert.equal(client.connections().length, 1)
    await until(() => server.connections().length > 0, 'the connection arrives')
    assert.equal(server.connections().length, 1)
    assert.equal(await client.dial(server.peerId), connections[0])
  })

  it('uses the open connection when only its address is given', async () => {
    const server = await listening()
    const client = await swarm()
    const [bare] = server.listenAddrs()
    assert.ok(bare)
    const first = await client.dial(bare)
    assert.equal(first.remotePeer.toString(), server.peerId.toString())
    assert.equal(await client.dial(bare), first)
    assert.notEqual(await client.dial(bare, { force: true }), first)
  })

  it('remembers where a peer was reached', async () => {
    const server = await listening()
    const client = await swarm()
    await client.dial(addressOf(server))
    await client.closePeer(server.peerId)
    await until(() => client.connections().length === 0, 'the connection ends')
    await client.dial(server.peerId)
  })

  it('keeps dialling for the others when one caller gives up, and stops with the last', async () => {
    const { address, sockets } = await silentServer()
    const client = await swarm()
    const target = address.encapsulate(`/p2p/${STRANGER}`)
    const [a, b] = [new AbortController(), new AbortController()]
    const first = client.dial(target, { signal: a.signal })
    const second = client.dial(target, { signal: b.signal })
    await until(() => sockets.size === 1, 'the socket is open')
    a.abort(new Error('first gave up'))
    await assert.rejects(first, /first gave up/)
    assert.equal(sockets.size, 1)
    b.abort(new Error('second gave up'))
    await assert.rejects(second, /second gave up/)
    await until(() => sockets.size === 0, 'the attempt is ended')
    // Nobody is to blame: no back-off.
    const third = new AbortController()
    const again = client.dial(target, { signal: third.signal })
    await until(() => sockets.size === 1, 'it is dialled again')
    third.abort(new Error('done'))
    await assert.rejects(again, /done/)
  })

  it('settles for the connection that the peer opens meanwhile, whichever id is smaller', async () => {
    const { address } = await silentServer()
    const nodes = await Promise.all([listening(), listening()])
    nodes.sort((a, b) => {
      return Buffer.compare(a.peerId.toMultihash().bytes, b.peerId.toMultihash().bytes)
    })
    const [small, great] = nodes
    assert.ok(small && great)
    for (const [dialler, peer] of [
      [small, great],
      [great, small]
    ] as const) {
      const dial = dialler.dial(address.encapsulate(`/p2p/${peer.peerId.toString()}`))
      await peer.dial(addressOf(dialler))
      const connection = await dial
      assert.equal(connection.direction, 'inbound')
      assert.equal(connection.status, 'open')
      await peer.closePeer(dialler.peerId)
      await until(() => dialler.connections().length === 0, 'the connection ends')
    }
  })

  it('takes the first that answers, and ends the other attempts', async () => {
    const dead = await Promise.all([silentServer(), silentServer(), silentServer()])
    const server = await listening()
    const client = await swarm()
    const began = performance.now()
    const addresses = [...dead.map(({ address }) => address), REFUSED, addressOf(server)]
    const peer = `/p2p/${server.peerId.toString()}`
    const connection = await client.dial(
      addresses.map(each => (each === addresses[4] ? each : each.encapsulate(peer)))
    )
    assert.equal(connection.remotePeer.toString(), server.peerId.toString())
    // Not the time-out of one of them.
    assert.ok(performance.now() - began < 4_000)
    await until(() => dead.every(({ sockets }) => sockets.size === 0), 'the others are ended')
    assert.equal(client.connections().length, 1)
  })

  it('finds the good address behind ten dead ones', async () => {
    const dead = await Promise.all(Array.from({ length: 10 }, silentServer))
    const server = await listening()
    const client = await swarm()
    const peer = `/p2p/${server.peerId.toString()}`
    const began = performance.now()
    await client.dial([...dead.map(({ address }) => address.encapsulate(peer)), addressOf(server)])
    assert.ok(performance.now() - began < 3_000, 'within 3 s')
  })

  it('reports every address with its step, duration and cause', async () => {
    const silent = await silentServer()
    const other = await listening()
    const client = await swarm({
      options: { addressDialTimeout: 200, connectTimeout: 150 },
      connectionGater: { denyDialMultiaddr: address => address.toString().includes('/tcp/9/') }
    })
    const peer = `/p2p/${STRANGER}`
    const targets = [
      REFUSED,
      silent.address,
      multiaddr('/ip4/127.0.0.1/tcp/9'),
      multiaddr('/ip4/127.0.0.1/udp/1/quic-v1'),
      ...other.listenAddrs()
    ].map(address => address.encapsulate(peer))
    const error = await failure(client.dial(targets))
    assert.equal(error.peer, STRANGER)
    const steps = new Map(error.attempts.map(({ address, step }) => [address, step]))
    assert.deepEqual(
      targets.map(address => steps.get(address.toString())),
      ['connect', 'security', 'gater', 'transport', 'identity']
    )
    const report = String(error)
    for (const target of targets) assert.ok(report.includes(target.toString()), report)
    assert.match(report, /connect .*ECONNREFUSED/)
    assert.match(report, /gater .*denies this address/)
    const slow = error.attempts.find(({ address }) => address === targets[1]?.toString())
    assert.ok((slow?.duration ?? 0) >= 199, `${slow?.duration} ms`)
    assert.equal(client.connections().length, 0)
  })

  it('names a peer whose addresses nobody knows', async () => {
    const client = await swarm()
    const error = await failure(client.dial(peerIdFromString(STRANGER)))
    assert.match(error.message, /no address of it is known/)
    assert.equal(error.attempts.length, 0)
  })

  it('rests after a failure, unless told otherwise, and not after a success', async () => {
    const client = await swarm()
    const server = await listening()
    const [place] = server.listenAddrs()
    assert.ok(place)
    const address = addressOf(server)
    await server.close()
    assert.equal((await failure(client.dial(address))).attempts[0]?.step, 'connect')
    const rested = await failure(client.dial(address))
    assert.equal(rested.attempts[0]?.step, 'backoff')
    assert.match(String(rested), /dialled again in \d\.\d s/)
    const ignored = await failure(client.dial(address, { ignoreBackoff: true }))
    assert.equal(ignored.attempts[0]?.step, 'connect')
    // The peer comes back at another address: what was held against the first is forgotten.
    const again = await swarm({ privateKey: server.components.privateKey })
    await again.listen(LOOPBACK)
    await client.dial(addressOf(again), { force: true })
    await client.closePeer(again.peerId)
    assert.equal((await failure(client.dial(address))).attempts[0]?.step, 'connect')
  })

  it('resolves names, each address in its own turn', async () => {
    const server = await listening()
    const port = server.listenAddrs()[0]?.getComponents()[1]?.value
    const client = await swarm({
      dns: {
        query: async () => ({
          Status: 0,
          TC: false,
          RD: false,
          RA: false,
          AD: false,
          CD: false,
          Question: [],
          Answer: [
            { name: '_dnsaddr.example.org', type: 16, TTL: 60, data: 'nothing' },
            { name: '_dnsaddr.example.org', type: 16, TTL: 60, data: 'dnsaddr=/no/such/thing' },
            {
              name: '_dnsaddr.example.org',
              type: 16,
              TTL: 60,
              data: `dnsaddr=/dns4/localhost/tcp/${port}/p2p/${server.peerId.toString()}`
            }
          ]
        })
      }
    })
    const connection = await client.dial(
      multiaddr(`/dnsaddr/example.org/p2p/${server.peerId.toString()}`)
    )
    assert.match(connection.remoteAddr.toString(), /^\/ip4\/127\.0\.0\.1\/tcp\//)
    await client.closePeer(server.peerId)
    const unknown = await failure(client.dial(multiaddr('/dns4/no-such-host.invalid/tcp/1')))
    assert.equal(unknown.attempts[0]?.step, 'resolve')
  })

  it('asks the gater whom to dial', async () => {
    const server = await listening()
    const client = await swarm({ connectionGater: { denyDialPeer: () => true } })
    const error = await failure(client.dial(addressOf(server)))
    assert.match(error.message, /gater denies this peer/)
  })

  it('ends with its own time limit, naming what was under way', async () => {
    const { address } = await silentServer()
    const client = await swarm({ options: { dialTimeout: 100 } })
    const error = await failure(client.dial(address))
    assert.match(error.message, /within 100 ms/)
    assert.equal(error.attempts[0]?.step, 'security')
  })

  it('refuses another peer at the address', async () => {
    const [server, stock] = [await listening(), await stockNode()]
    const client = await swarm()
    for (const address of [...server.listenAddrs(), ...stock.getMultiaddrs()]) {
      const place = multiaddr(address.toString().replace(/\/p2p\/.*/, ''))
      const error = await failure(client.dial(place.encapsulate(`/p2p/${STRANGER}`)))
      assert.ok(['identity', 'security'].includes(error.attempts[0]?.step ?? ''), String(error))
    }
    assert.equal(client.connections().length, 0)
  })

  it('keeps one connection, the same on both sides, when two dial each other at once', async () => {
    const ECHO = '/warren-test/echo/1.0.0'
    const pairs = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const [a, b] = [await listening(), await listening()]
        for (const node of [a, b]) await node.handle(ECHO, echo)
        return { a, b }
      })
    )
    const crossings = await Promise.all(
      pairs.map(async ({ a, b }) => {
        let seen = 0
        for (const node of [a, b]) node.addEventListener('connected', () => seen++)
        const talk = async (from: Swarm, to: Swarm): Promise<void> => {
          const stream = await from.newStream(addressOf(to), ECHO)
          assert.equal(await exchange(stream, 'not lost'), 'not lost')
        }
        await Promise.all([talk(a, b), talk(b, a)])
        await until(() => seen === 2 || seen === 4, 'both ends are told of each connection')
        // While both are there, both ends choose the one that stays.
        const [toB, toA] = [await a.dial(b.peerId), await b.dial(a.peerId)]
        assert.notEqual(toB.direction, toA.direction)
        await until(
          () => [a, b].every(node => node.connections().length === 1),
          'one connection is left'
        )
        const [left] = a.connections(b.peerId)
        const [right] = b.connections(a.peerId)
        assert.notEqual(left?.direction, right?.direction)
        await Promise.all([talk(a, b), talk(b, a)])
        if (seen === 2) return false
        const bytes = [a, b].map(node => Buffer.from(node.peerId.toMultihash().bytes))
        const smaller = Buffer.compare(bytes[0] as Buffer, bytes[1] as Buffer) < 0 ? left : right
        assert.equal(smaller?.direction, 'outbound')
        return true
      })
    )
    assert.ok(crossings.includes(true), 'none of ten pairs crossed')
  })
})
