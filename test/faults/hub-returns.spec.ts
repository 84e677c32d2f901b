import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { generateToken } from '@warren/tunnel'
import type * as clients from '../support/clients.ts'
import type * as hub from '../support/hub.ts'
import { Remote } from '../support/remote.ts'
import { until } from '../support/until.ts'

const CLIENTS = 500
const PROCESSES = 2
/** Clients whose link carries a session when the hub dies: they dial at once. */
const BUSY = 20
/** Milliseconds for which the hub is dead. */
const DEAD = 2_000
/** Milliseconds within which all shall be back. */
const BACK_WITHIN = 60_000
const MOST_PER_SECOND = 100

const startHub = () => Remote.start<typeof hub>(new URL('../support/hub.js', import.meta.url))
const startClients = () =>
  Remote.start<typeof clients>(new URL('../support/clients.js', import.meta.url))

/** The most of `times` (milliseconds) that lie in any one second. */
function mostInOneSecond(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  let most = 0
  let first = 0
  for (const [last, time] of sorted.entries()) {
    while (time - (sorted[first] ?? 0) >= 1_000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

describe(`a hub of ${CLIENTS} clients that dies and returns`, () => {
  const processes: Remote<object>[] = []
  afterEach(async () => {
    await Promise.all(processes.splice(0).map(each => each.stop()))
  })

  it(`is dialled at most ${MOST_PER_SECOND} times in any second, and has all back in ${BACK_WITHIN / 1_000} s`, async () => {
    const key = (await generateKeyPair('Ed25519')).raw
    const token = generateToken()
    const before = startHub()
    const groups = Array.from({ length: PROCESSES }, startClients)
    processes.push(before, ...groups)
    const address = await before.call('start', { key, token, port: 0 })
    await Promise.all(groups.map(each => each.call('start', CLIENTS / PROCESSES, address, token)))
    const count = (counts: readonly number[]): number => counts.reduce((sum, n) => sum + n, 0)
    const linked = async (): Promise<number> =>
      count(await Promise.all(groups.map(each => each.call('linked'))))
    await until(async () => (await linked()) === CLIENTS, 'all are linked', 60_000)
    await Promise.all(groups.map(each => each.call('openSessions', BUSY / PROCESSES)))
    // Within a second, at the next tick of its links, the hub tells how many they are.
    await sleep(1_500)
    await Promise.all(groups.map(each => each.call('dialled')))

    await before.stop()
    await until(async () => (await linked()) === 0, 'all know', 10_000)
    await sleep(DEAD)
    const after = startHub()
    processes.push(after)
    const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
    assert.equal(await after.call('start', { key, token, port }), address)
    const returned = performance.now()
    await until(async () => (await after.call('links')) === CLIENTS, 'all are back', BACK_WITHIN)
    const took = performance.now() - returned

    const arrived = await after.call('arrived')
    const dials = (await Promise.all(groups.map(each => each.call('dialled')))).flat()
    process.stdout.write(
      `      all back after ${(took / 1_000).toFixed(1)} s; at most ${mostInOneSecond(arrived)} connections ` +
        `in a second at the hub, and ${mostInOneSecond(dials)} dials in a second of all, refused ones too; ` +
        `${(dials.length / CLIENTS).toFixed(2)} dials for each client\n`
    )
    assert.ok(arrived.length >= CLIENTS, `${arrived.length} connections arrived at the hub`)
    assert.ok(
      mostInOneSecond(arrived) <= MOST_PER_SECOND,
      `${mostInOneSecond(arrived)} in a second`
    )
    assert.ok(mostInOneSecond(dials) <= MOST_PER_SECOND, `${mostInOneSecond(dials)} in a second`)
    assert.ok(dials.length <= 4 * CLIENTS, `${dials.length} dials`)
  })
})
