import assert from 'node:assert/strict'
import { plaintext } from '@libp2p/plaintext'
import type { Swarm } from '@warren/swarm'
import { createGater } from '@warren/swarm'
import { addressOf, closeSwarms, dialling, listening } from '../support/swarms.ts'
import { until } from '../support/until.ts'

const STRANGERS = 300
const LATE = 40

describe('a full house of 300 strangers', () => {
  afterEach(closeSwarms)

  it('lets an allow-listed peer in within 2 s, while 40 more strangers press in', async function () {
    this.timeout(60_000)
    // Without cryptography: it is the places that count here.
    const plain = { connectionEncrypters: [plaintext()] }
    const friend = await dialling(plain)
    const server = await listening({
      ...plain,
      connectionGater: createGater({ allow: [friend.peerId.toString()] })
    })
    const strangers: Swarm[] = []
    const come = async (count: number): Promise<void> => {
      const more = await Promise.all(Array.from({ length: count }, async () => dialling(plain)))
      strangers.push(...more)
      // Each as it can; beyond the house and its lobby they are told to go.
      await Promise.allSettled(more.map(async each => each.dial(addressOf(server))))
    }
    for (let i = 0; i < STRANGERS; i += 50) await come(50)
    await until(() => server.connections().length === STRANGERS, 'the house is full', 30_000)
    await come(LATE)
    const started = performance.now()
    const connection = await friend.dial(addressOf(server))
    await until(() => server.connections(friend.peerId).length === 1, 'the friend is in')
    const took = performance.now() - started
    assert.ok(took < 2_000, `it took ${Math.round(took)} ms`)
    await until(() => server.connections().length <= STRANGERS, 'a stranger has gone for it')
    assert.equal(connection.status, 'open')
    assert.equal(server.connections().length, STRANGERS)
    const { system, refused } = server.resources()
    assert.deepEqual(system.connections, { used: STRANGERS, limit: STRANGERS })
    assert.ok((refused['system connections'] ?? 0) > 0, 'those beyond the lobby are counted')
  })
})
