import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Swarm } from '@warren/swarm'
import { addressOf, closeSwarms, dialling, echo, exchange, listening } from '../support/swarms.ts'
import { until } from '../support/until.ts'

const ECHO = '/test/echo/1.0.0'
/** Connections opened and closed; `WARREN_CHURN=10000` for the whole bar. */
const CHURN = Number(process.env['WARREN_CHURN'] ?? 5_000)
const CLIENTS = 24
const MiB = 1024 * 1024

describe('24 connections', () => {
  afterEach(closeSwarms)

  it(`opened and closed, ${CHURN} in all: tables empty, heap and descriptors flat`, async function () {
    this.timeout(30_000 + CHURN * 50)
    const server = await listening()
    await server.handle(ECHO, echo)
    const clients = await Promise.all(Array.from({ length: CLIENTS }, async () => dialling()))
    const churn = async (client: Swarm, rounds: number): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const connection = await client.dial(addressOf(server))
        assert.equal(await exchange(await connection.newStream(ECHO), `${i}`), `${i}`)
        await connection.close()
      }
    }
    const all = async (connections: number): Promise<void> => {
      const rounds = Math.ceil(connections / CLIENTS)
      await Promise.all(clients.map(async client => churn(client, rounds)))
      await until(() => server.connections().length === 0, 'all are closed')
    }
    await all(CHURN / 4)
    const before = await measure()
    await all(CHURN)
    const after = await measure()
    for (const swarm of [server, ...clients]) {
      const { peers, connections, system } = swarm.resources()
      assert.deepEqual([peers, connections, swarm.connections()], [[], [], []])
      assert.deepEqual([system.connections.used, system.streams.used, system.bytes.used], [0, 0, 0])
    }
    assert.ok(after.descriptors <= before.descriptors, JSON.stringify({ before, after }))
    // What leaks with every connection would be several KiB for each of them.
    const grown = after.heap - before.heap
    assert.ok(grown < 1.5 * MiB, `the heap grew by ${grown} bytes`)
  })
})

// mocha starts a process of its own for its flags, which does not get ours.
setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** After a full collection, when what is closing has closed. */
async function measure(): Promise<{ heap: number; descriptors: number }> {
  for (let i = 0; i < 5; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    collect()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { heap: heapUsed + arrayBuffers, descriptors: readdirSync('/proc/self/fd').length }
}
