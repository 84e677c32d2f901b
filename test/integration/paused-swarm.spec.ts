import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateToken } from '@warren/tunnel'
import { startDiallers, startPeer } from '../support/start-peer.ts'
import type { Diallers, Peer } from '../support/start-peer.ts'
import { until } from '../support/until.ts'

const PROCESSES = 2
const DIALLERS = 1_000
const QUEUE = 16
const UPGRADES = 64
/** Milliseconds for which the swarm stays paused. */
const PAUSED = 2_000

describe('a paused swarm that many dial', () => {
  let server: Peer
  let diallers: Diallers[]

  beforeEach(() => {
    server = startPeer()
    diallers = Array.from({ length: PROCESSES }, () => startDiallers())
  })
  afterEach(async () => {
    await Promise.all([server, ...diallers].map(each => each.stop()))
  })

  it(`upgrades no more than its limits allow of ${DIALLERS}; when it resumes, all succeed`, async () => {
    const upgrader = { acceptQueueLength: QUEUE, maxParallelUpgrades: UPGRADES }
    const address = await server.call('start', {
      token: generateToken(),
      upgrader,
      maxConnections: DIALLERS
    })
    await Promise.all(diallers.map(each => each.call('create', DIALLERS / PROCESSES)))
    await server.call('pause')
    await Promise.all(diallers.map(each => each.call('dial', address)))

    const capable = async (): Promise<number> => {
      const counts = await Promise.all(diallers.map(each => each.call('capable')))
      return counts.reduce((sum, count) => sum + count, 0)
    }
    await until(async () => (await server.call('upgrades')).queued >= QUEUE, 'the queue is full')
    const since = performance.now()
    let most = 0
    while (performance.now() - since < PAUSED) {
      const { queued, slots, inbound } = await server.call('upgrades')
      most = Math.max(most, await capable(), queued + slots, inbound.attempts - inbound.failures)
      await sleep(50)
    }
    assert.ok(most >= QUEUE, `${most} capable connections`)
    assert.ok(most <= QUEUE + UPGRADES, `${most} capable connections`)
    assert.equal(await server.call('connections'), 0, 'nothing was taken out of the queue')

    await server.call('resume')
    const failed = await Promise.all(diallers.map(each => each.call('failures')))
    assert.deepEqual(failed.flat(), [])
    await until(async () => (await server.call('connections')) === DIALLERS, 'all have arrived')
    assert.equal(await capable(), DIALLERS)
    const { inbound, refused, dropped } = await server.call('upgrades')
    assert.deepEqual(
      { inbound, refused, dropped },
      {
        inbound: { attempts: DIALLERS, failures: 0 },
        refused: { rate: 0, penalty: 0, waiting: 0 },
        dropped: 0
      }
    )
  })
})
