import assert from 'node:assert/strict'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { addressOf, cleanUp, echo, exchange, LOOPBACK, listening, swarm } from './support/nodes.ts'
import { until } from './support/nodes.ts'

const ECHO = '/warren-test/echo/1.0.0'

/** What keeps the process alive, by kind, in a turn of its own: mocha's timer is there by then. */
async function handles(): Promise<Record<string, number>> {
  // No timer of ours: it would count itself.
  await new Promise(resolve => setImmediate(resolve))
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** Resolves once no more is alive than in `before`. */
async function settled(before: Record<string, number>): Promise<void> {
  const limit = performance.now() + 1_500
  for (;;) {
    // Sockets end in the turns after their close.
    const now = await handles()
    if (Object.entries(now).every(([kind, count]) => count <= (before[kind] ?? 0))) return
    if (performance.now() > limit) assert.deepEqual(now, before)
  }
}

describe('closing', () => {
  afterEach(cleanUp)

  it('leaves no handle behind, with connections and streams open and a dial under way', async () => {
    const before = await handles()
    const services = { identify: identify(), ping: ping() }
    const options = { closeTimeout: 200 }
    const server = await listening({ services, options })
    const client = await swarm({ services, options })
    await server.handle(ECHO, echo)
    await client.newStream(addressOf(server), ECHO)
    assert.equal(await exchange(await client.newStream(server.peerId, ECHO), 'x'), 'x')
    server.pause()
    const other = await swarm({ options })
    const dial = other.newStream(addressOf(server), ECHO)
    await until(() => other.connections().length === 1, 'it is queued')
    await Promise.all([client.close(), other.close()])
    await assert.rejects(dial)
    await server.close()
    await server.close()
    for (const each of [client, other, server]) {
      assert.equal(each.status, 'closed')
      assert.deepEqual(each.connections(), [])
      assert.deepEqual(each.listenAddrs(), [])
    }
    await settled(before)
  })

  it('refuses everything afterwards', async () => {
    const node = await listening()
    const address = addressOf(await listening())
    await node.close()
    const closed = { code: 'ERR_SWARM_CLOSED' }
    await assert.rejects(node.dial(address), closed)
    await assert.rejects(node.newStream(address, ECHO), closed)
    await assert.rejects(node.listen(LOOPBACK), closed)
    await assert.rejects(node.handle(ECHO, echo), closed)
    await assert.rejects(node.components.connectionManager.openConnection(address), closed)
  })

  it('ends a dial that is under way', async () => {
    const server = await listening({ upgrader: { maxParallelUpgrades: 1, acceptQueueLength: 1 } })
    server.pause()
    const clients = await Promise.all([swarm(), swarm(), swarm()])
    const dials = clients.map(async client => client.dial(addressOf(server)))
    await Promise.race(dials)
    await Promise.all(clients.map(async client => client.close()))
    const results = await Promise.allSettled(dials)
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'ERR_SWARM_CLOSED')
    }
    assert.ok(results.some(({ status }) => status === 'rejected'))
  })

  it('closes by itself at the end of a block', async () => {
    let outer: Awaited<ReturnType<typeof listening>> | undefined
    {
      await using node = await listening()
      outer = node
      assert.equal(node.status, 'open')
    }
    assert.equal(outer.status, 'closed')
  })

  it('aborts what does not close in its time', async () => {
    const server = await listening({ options: { closeTimeout: 100 } })
    const client = await swarm()
    await server.handle(ECHO, () => {})
    await client.newStream(addressOf(server), ECHO)
    const began = performance.now()
    await server.close()
    assert.ok(performance.now() - began < 2_000)
    await until(() => client.connections().length === 0, 'the other end sees it')
  })

  it('leaves nothing behind when it cannot listen', async () => {
    const [taken] = (await listening()).listenAddrs()
    assert.ok(taken)
    const before = await handles()
    await assert.rejects(swarm({ addresses: { listen: [LOOPBACK, taken] } }), {
      code: 'ERR_LISTEN'
    })
    await settled(before)
  })
})
