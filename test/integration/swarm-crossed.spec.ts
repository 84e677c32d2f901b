import assert from 'node:assert/strict'
import type { Swarm } from '@warren/swarm'
import { addressOf, closeSwarms, echo, exchange, listening } from '../support/swarms.ts'
import { until } from '../support/until.ts'

const ECHO = '/test/echo/1.0.0'
/** Crossings in all. */
const CROSSED = Number(process.env['WARREN_CROSSED'] ?? 1_000)
const PAIRS = 50

describe('two swarms that dial each other at the same moment', () => {
  afterEach(closeSwarms)

  it(`${CROSSED} times: one connection each time, the same on both sides, no stream lost`, async function () {
    this.timeout(30_000 + CROSSED * 200)
    let both = 0
    const cross = async (a: Swarm, b: Swarm, round: number): Promise<void> => {
      // Streams are opened in the same moment, on whichever connection is there.
      const answers = await Promise.all([
        a.newStream(addressOf(b), ECHO).then(async stream => exchange(stream, `a ${round}`)),
        b.newStream(addressOf(a), ECHO).then(async stream => exchange(stream, `b ${round}`))
      ])
      assert.deepEqual(answers, [`a ${round}`, `b ${round}`])
      if (a.connections().length > 1) both++
      await until(
        () => a.connections(b.peerId).length === 1 && b.connections(a.peerId).length === 1,
        `round ${round}: one is left on each side`
      )
      const [left, right] = [a.connections()[0], b.connections()[0]]
      assert.ok(left && right)
      // One connection on each side, seen from its two ends.
      assert.notEqual(left.direction, right.direction)
      assert.equal(await exchange(await left.newStream(ECHO), 'still there'), 'still there')
      await a.closePeer(b.peerId)
      await until(
        () => a.connections().length === 0 && b.connections().length === 0,
        `round ${round}: none is left`
      )
    }
    await Promise.all(
      Array.from({ length: PAIRS }, async () => {
        const [a, b] = await Promise.all([listening(), listening()])
        await Promise.all([a.handle(ECHO, echo), b.handle(ECHO, echo)])
        for (let i = 0; i < CROSSED / PAIRS; i++) await cross(a, b, i)
        for (const swarm of [a, b]) {
          const { peers, connections, system } = swarm.resources()
          assert.deepEqual([peers, connections], [[], []])
          assert.equal(system.streams.used, 0)
        }
      })
    )
    assert.ok(both > 0, 'no dials have crossed, so nothing was shown')
  })
})
