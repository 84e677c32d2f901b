import assert from 'node:assert/strict'
import type { Swarm } from '../src/index.ts'
import { LOOPBACK, addressOf, cleanUp, plainSwarm, until } from './support/nodes.ts'

const QUEUE = 16
const UPGRADES = 64

describe('accepting', () => {
  afterEach(cleanUp)

  it('holds 200 diallers back while it is paused, and takes them all when it resumes', async function () {
    this.timeout(20_000)
    const server = await plainSwarm({
      addresses: { listen: [LOOPBACK] },
      upgrader: { acceptQueueLength: QUEUE, maxParallelUpgrades: UPGRADES }
    })
    const diallers = await Promise.all(Array.from({ length: 200 }, async () => plainSwarm()))
    server.pause()
    const dials = Promise.allSettled(diallers.map(async each => each.dial(addressOf(server))))
    const upgraded = (): number => {
      return diallers.filter((each: Swarm) => each.connections().length > 0).length
    }
    await until(() => upgraded() >= QUEUE, 'the queue fills')
    // Time enough for more to come, if more could.
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.ok(upgraded() <= QUEUE + UPGRADES, `${upgraded()} capable connections`)
    assert.equal(server.connections().length, 0)
    server.resume()
    const failed = (await dials).filter(({ status }) => status === 'rejected')
    assert.deepEqual(failed, [])
    await until(() => server.connections().length === 200, 'all have arrived')
  })

  it('takes none while paused, also when it was waiting for one', async () => {
    const server = await plainSwarm({ addresses: { listen: [LOOPBACK] } })
    const [a, b] = [await plainSwarm(), await plainSwarm()]
    await a.dial(addressOf(server))
    await until(() => server.connections().length === 1, 'the first arrives')
    server.pause()
    await b.dial(addressOf(server))
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(server.connections().length, 1)
    server.resume()
    await until(() => server.connections().length === 2, 'the second is taken')
  })

  it('takes no more than its number of connections, and the next when one ends', async () => {
    const server = await plainSwarm({
      addresses: { listen: [LOOPBACK] },
      options: { maxConnections: 2 }
    })
    const clients = await Promise.all(Array.from({ length: 4 }, async () => plainSwarm()))
    await Promise.all(clients.map(async client => client.dial(addressOf(server))))
    await until(() => server.connections().length === 2, 'two are taken')
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(server.connections().length, 2)
    const [peer] = server.peers()
    assert.ok(peer)
    await server.closePeer(peer)
    await until(() => server.connections().length === 2, 'the next is taken')
    assert.ok(!server.peers().some(each => each.equals(peer)))
    server.components.connectionManager.setMaxConnections(3)
    await until(() => server.connections().length === 3, 'the limit is raised')
  })

  it('trims the least valuable beyond the high watermark, and spares the protected', async () => {
    const server = await plainSwarm({
      addresses: { listen: [LOOPBACK] },
      options: { lowWatermark: 2, highWatermark: 3, trimGrace: 0 }
    })
    const clients = await Promise.all(Array.from({ length: 4 }, async () => plainSwarm()))
    const [a, b, c, d] = clients
    assert.ok(a && b && c && d)
    server.protect(a.peerId, 'test')
    await server.components.peerStore.merge(c.peerId, { tags: { valued: { value: 50 } } })
    let pruned = 0
    server.components.events.addEventListener('connection:prune', () => pruned++)
    for (const client of clients) {
      await client.dial(addressOf(server))
      await until(
        () => client.connections().length === 0 || server.peers().length > 0,
        'it is seen'
      )
    }
    await until(() => pruned > 0 && server.connections().length === 2, 'two are left')
    const left = server.peers().map(String).sort()
    assert.deepEqual(left, [a.peerId.toString(), c.peerId.toString()].sort())
  })
})
