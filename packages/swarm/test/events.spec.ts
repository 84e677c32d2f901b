import assert from 'node:assert/strict'
import type { Connection } from '@libp2p/interface'
import {
  addressOf,
  cleanUp,
  echo,
  exchange,
  listening,
  plainSwarm,
  until
} from './support/nodes.ts'
import { LOOPBACK } from './support/nodes.ts'

const ECHO = '/warren-test/echo/1.0.0'

describe('events', () => {
  afterEach(cleanUp)

  it('tells of 100 quick connections in order: connected, streams, disconnected', async function () {
    this.timeout(10_000)
    const server = await plainSwarm({ addresses: { listen: [LOOPBACK] } })
    const log = new Map<Connection, string[]>()
    const note = (connection: Connection, what: string): void => {
      log.set(connection, [...(log.get(connection) ?? []), what])
    }
    let disconnected = 0
    server.addEventListener('connected', ({ detail }) => note(detail, 'connected'))
    server.addEventListener('disconnected', ({ detail }) => {
      note(detail, 'disconnected')
      disconnected++
    })
    await server.handle(ECHO, (stream, connection) => {
      note(connection, 'stream')
      stream.addEventListener('close', () => note(connection, 'stream ended'))
      echo(stream)
    })
    const clients = await Promise.all(Array.from({ length: 4 }, async () => plainSwarm()))
    const ends = ['close', 'abort'] as const
    for (let round = 0; round < 25; round++) {
      await Promise.all(
        clients.map(async (client, index) => {
          // At the same time as the dial: the stream is there before the server has looked.
          const stream = await client.newStream(addressOf(server), ECHO)
          const [connection] = client.connections(server.peerId)
          assert.ok(connection)
          // Every other connection ends with its stream open.
          if (index % 2 === 0) assert.equal(await exchange(stream, 'x'), 'x')
          if (ends[index % 2] === 'close') await connection.close()
          else connection.abort(new Error('cut'))
          await until(() => client.connections().length === 0, 'the connection ends')
        })
      )
    }
    await until(() => disconnected === 100, 'all have ended')
    assert.equal(log.size, 100)
    for (const entries of log.values()) {
      assert.equal(entries[0], 'connected')
      assert.equal(entries.at(-1), 'disconnected')
      const opened = entries.filter(entry => entry === 'stream').length
      const ended = entries.filter(entry => entry === 'stream ended').length
      assert.equal(opened, ended)
      assert.deepEqual(new Set(entries.slice(1, -1)).size, opened === 0 ? 0 : 2)
    }
    assert.ok([...log.values()].filter(entries => entries.includes('stream')).length >= 50)
    assert.equal(server.connections().length, 0)
  })

  it('hands no stream to a handler while a listener of connected is at work', async () => {
    const server = await listening()
    const client = await plainSwarm()
    const order: string[] = []
    await server.handle(ECHO, stream => {
      order.push('stream')
      echo(stream)
    })
    for (const name of ['first', 'second']) {
      server.addEventListener('connected', () => order.push(name))
    }
    // Of another security: no connection, no event.
    await assert.rejects(client.newStream(addressOf(server), ECHO), { code: 'ERR_DIAL' })
    assert.deepEqual(order, [])
    const peer = await listening()
    assert.equal(await exchange(await peer.newStream(addressOf(server), ECHO), 'x'), 'x')
    assert.deepEqual(order, ['first', 'second', 'stream'])
  })

  it('tells when it stops to listen', async () => {
    const server = await listening()
    const [address] = server.listenAddrs()
    const gone: string[] = []
    server.addEventListener('listenClose', ({ detail }) => gone.push(detail.toString()))
    await server.close()
    assert.deepEqual(gone, [String(address)])
    assert.deepEqual(server.listenAddrs(), [])
  })
})
