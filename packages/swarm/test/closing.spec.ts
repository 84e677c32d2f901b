import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { LOOPBACK, addressOf, cleanUp, echo, listening, swarm, until } from './support/nodes.ts'

const ECHO = '/warren-test/echo/1.0.0'

describe('closing', () => {
  afterEach(cleanUp)

  it('leaves nothing behind: a process that has closed its swarms ends by itself', async () => {
    const script = fileURLToPath(new URL('./support/closing-child.js', import.meta.url))
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const closed = performance.now()
    assert.equal(line.toString(), 'closed\n')
    const stuck = setTimeout(() => child.kill(), 1_800)
    const [code, signal] = (await exit) as [number | null, string | null]
    clearTimeout(stuck)
    assert.deepEqual({ code, signal }, { code: 0, signal: null })
    // Not the end of some timer of ours.
    assert.ok(performance.now() - closed < 1_000)
  }).timeout(8_000)

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
})
