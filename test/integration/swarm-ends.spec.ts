import assert from 'node:assert/strict'
import type { Connection, Stream } from '@libp2p/interface'
import { CONNECTION_CODE, STREAM_CODE } from '@warren/interface'
import type { Swarm } from '@warren/swarm'
import {
  addressOf,
  closeSwarms,
  dialling,
  echo,
  endOf,
  exchange,
  listening
} from '../support/swarms.ts'
import { until } from '../support/until.ts'

const ECHO = '/test/echo/1.0.0'

/** The code that the peer of a connection ended it with. */
function told(connection: Connection): unknown {
  return Reflect.get(connection, 'remoteGoAway')
}

describe('the ends of a swarm tell why', () => {
  afterEach(closeSwarms)

  it('shutdown, to a peer with a stream that has ended', async () => {
    const server = await listening()
    const client = await dialling()
    await server.handle(ECHO, echo)
    const connection = await client.dial(addressOf(server))
    assert.equal(await exchange(await connection.newStream(ECHO), 'x'), 'x')
    const ended = endOf(connection)
    await server.close()
    assert.equal(await ended, undefined)
    assert.equal(told(connection), CONNECTION_CODE.shutdown)
  })

  it('garbage collected, to the one that is trimmed', async () => {
    const server = await listening({ options: { lowWatermark: 1, highWatermark: 1, trimGrace: 0 } })
    const [first, second] = await Promise.all([dialling(), dialling()])
    const connections = [await first.dial(addressOf(server)), await second.dial(addressOf(server))]
    await until(() => connections.some(({ status }) => status !== 'open'), 'one is trimmed')
    const trimmed = connections.filter(({ status }) => status !== 'open')
    assert.deepEqual(trimmed.map(told), [CONNECTION_CODE.garbageCollected])
  })

  it('resource limit, to the ninth connection of one peer, on loopback too', async () => {
    const server = await listening()
    const client = await dialling({ options: { maxConnectionsPerPeer: 20 } })
    const connections: Connection[] = []
    for (let i = 0; i < 9; i++) {
      connections.push(await client.dial(addressOf(server), { force: true }))
    }
    await until(() => connections.some(({ status }) => status !== 'open'), 'one is refused')
    await until(() => server.connections().length === 8, 'eight are kept')
    const refused = connections.filter(({ status }) => status !== 'open')
    assert.deepEqual(refused.map(told), [CONNECTION_CODE.resourceLimit])
    const { refused: causes, peers } = server.resources()
    assert.deepEqual(causes, { 'peer connections': 1 })
    assert.deepEqual(peers[0]?.connections, { used: 8, limit: 8 })
  })

  it('gated, to the one that the gater denies at the end of its upgrade', async () => {
    const server = await listening({
      connectionGater: { denyInboundUpgradedConnection: async () => true }
    })
    const client = await dialling()
    const connection = await client.dial(addressOf(server))
    if (connection.status === 'open') await endOf(connection)
    assert.equal(told(connection), CONNECTION_CODE.gated)
    assert.equal(server.connections().length, 0)
  })

  it('supplanted, to the connection that another takes the place of', async () => {
    // Dials that start together need not cross: until some do.
    for (let attempt = 0; attempt < 50; attempt++) {
      const [a, b] = await Promise.all([listening(), listening()])
      const seen: Connection[] = []
      for (const swarm of [a, b]) {
        swarm.addEventListener('connected', ({ detail }) => seen.push(detail))
      }
      await Promise.all([a.dial(addressOf(b)), b.dial(addressOf(a))])
      await new Promise(resolve => setTimeout(resolve, 20))
      if (seen.length < 4) continue
      await until(() => a.connections().length === 1 && b.connections().length === 1, 'one is left')
      assert.ok(seen.some(connection => told(connection) === CONNECTION_CODE.supplanted))
      return
    }
    assert.fail('no dials have crossed')
  })

  it('a handler that fails resets its stream with a code, its own if it has one', async () => {
    const server = await listening()
    const client = await dialling()
    await server.handle('/test/fails/1.0.0', async () => {
      throw new Error('out of order')
    })
    await server.handle('/test/coded/1.0.0', async () => {
      throw Object.assign(new Error('no'), { resetCode: 0x2_0001 })
    })
    const connection = await client.dial(addressOf(server))
    for (const [protocol, code] of [
      ['/test/fails/1.0.0', STREAM_CODE.handlerFailed],
      ['/test/coded/1.0.0', 0x2_0001]
    ] as const) {
      const error = await failure(await connection.newStream(protocol))
      assert.equal(Reflect.get(error, 'resetCode'), code)
    }
    assert.equal(connection.status, 'open')
  })

  it('streams beyond a limit of their protocol are reset with a code, over all connections of a peer', async () => {
    const server = await listening()
    const client = await dialling()
    await server.handle(ECHO, echo, { maxInboundStreamsPerPeer: 3 })
    const first = await client.dial(addressOf(server))
    const second = await client.dial(addressOf(server), { force: true })
    const held = [
      await first.newStream(ECHO),
      await first.newStream(ECHO),
      await second.newStream(ECHO)
    ]
    await until(() => used(server) === 3, 'three are counted')
    const error = await failure(await second.newStream(ECHO))
    assert.equal(Reflect.get(error, 'resetCode'), STREAM_CODE.resourceLimit)
    assert.deepEqual(server.resources().refused, { 'protocol streams': 1 })
    await Promise.all(held.map(async stream => exchange(stream, 'x')))
    await until(() => used(server) === 0, 'the places are given back')
    assert.equal(await exchange(await second.newStream(ECHO), 'again'), 'again')
  })

  it('bytes that nobody reads are counted in each scope, and a stream beyond its limit is reset', async () => {
    const server = await listening()
    const client = await dialling()
    await server.handle('/test/deaf/1.0.0', () => {}, { maxBytesPerPeer: 100_000 })
    const connection = await client.dial(addressOf(server))
    const stream = await connection.newStream('/test/deaf/1.0.0')
    stream.send(new Uint8Array(60_000))
    await until(() => server.resources().system.bytes.used === 60_000, 'they are held')
    const { peers, connections } = server.resources()
    assert.equal(peers[0]?.bytes.used, 60_000)
    assert.deepEqual(peers[0]?.protocols[0]?.bytes, { used: 60_000, limit: 100_000 })
    assert.equal(connections[0]?.bytes.used, 60_000)
    const ended = endOf(stream)
    stream.send(new Uint8Array(60_000))
    assert.equal(Reflect.get((await ended) ?? {}, 'resetCode'), STREAM_CODE.resourceLimit)
    await until(() => server.resources().system.bytes.used === 0, 'they are let go')
    assert.deepEqual(server.resources().refused, { 'protocol bytes': 1 })
    assert.equal(connection.status, 'open')
  })
})

function used(server: Swarm): number {
  return (
    server.resources().peers[0]?.protocols.find(({ protocol }) => protocol === ECHO)?.streams
      .used ?? 0
  )
}

/** What a stream ends with, for whoever reads it. */
async function failure(stream: Stream): Promise<Error> {
  try {
    for await (const chunk of stream) assert.ok(chunk)
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  return assert.fail('the stream ended in peace')
}
