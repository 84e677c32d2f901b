import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateToken } from '@warren/tunnel'
import { Transfer, TransferTarget } from '../support/transfer.ts'
import { startPeer } from '../support/start-peer.ts'
import type { Peer } from '../support/start-peer.ts'
import { until } from '../support/until.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Of a session, at the most: `maxSessionWindow`. */
const SESSION_WINDOW = 4 * MIB
/** Of a stream that nobody reads; yamux lets it grow only for those who do. */
const MUXER_WINDOW = 256 * KIB
/** What a forwarded connection holds for a program that does not read; see the README of gateway. */
const SPLICE = 192 * KIB
/** What memory may differ by for reasons of its own. */
const SLACK = 2 * MIB

/** So much is read first: the session's window grows to its limit, and all code has run. */
const READ_BEFORE = 16 * MIB

/** Milliseconds in which nothing may move any more. */
const STILL = 400

for (const muxer of ['our yamux', 'stock yamux', 'mplex'] as const) {
  describe(`a reader that does not read, over ${muxer}`, () => {
    let near: Peer
    let far: Peer

    beforeEach(async () => {
      near = startPeer()
      far = startPeer()
      const token = generateToken()
      const address = await far.call('start', { token, muxer })
      await near.call('start', { token, muxer, nodes: [address] })
    })
    afterEach(async () => {
      await near.stop()
      await far.stop()
    })

    it('stalls the sender of its session, and holds no more than the windows', async () => {
      // Once to the end, so that what remains for good does not count.
      await far.call('readOnly', 'warm', 0)
      await near.call('writeWithoutEnd', 'warm')
      const read = far.call('readOn')
      await until(async () => (await near.call('writtenSoFar')) > READ_BEFORE, 'it is warm')
      const [written] = await Promise.all([near.call('stopWriter'), read])
      assert.equal(await read, written)
      const before = { near: await near.call('memory'), far: await far.call('memory') }

      await far.call('readOnly', 'slow', READ_BEFORE)
      await near.call('writeWithoutEnd', 'slow')
      const [sent, reader] = await stalled()
      assert.equal(reader.receivedBytes - reader.unreadBytes, READ_BEFORE)
      const window = reader.receiveWindow
      assert.ok(window <= SESSION_WINDOW, `a window of ${window} bytes`)
      assert.ok(reader.unreadBytes >= window / 2, 'it is the window that stalls the sender')
      const inStreams = await far.call('unreadInStreams')
      assert.ok(reader.unreadBytes + inStreams <= window + MUXER_WINDOW, `${inStreams} in streams`)
      // What the writer holds in its own hands is one chunk.
      assert.ok((await near.call('writtenSoFar')) <= sent.sentBytes + sent.unackedBytes + 16 * KIB)
      assert.ok(sent.unackedBytes <= window + 16 * KIB, `${sent.unackedBytes} unconfirmed`)
      for (const [end, remote] of [['near', near] as const, ['far', far] as const]) {
        const growth = (await remote.call('memory')) - before[end]
        const limit = window + MUXER_WINDOW + SLACK
        assert.ok(growth <= limit, `${end} holds ${growth} bytes more, ${limit} are allowed`)
      }

      // It was held back, not lost.
      const rest = far.call('readOn')
      assert.equal(await near.call('stopWriter'), READ_BEFORE + (await rest))
    })

    /** Waits until nothing moves: what the writer and the reader have then. */
    async function stalled() {
      const look = async () => {
        const [writer] = (await near.call('sessionStats')).open
        const [reader] = (await far.call('sessionStats')).open
        return [writer ?? assert.fail('no writer'), reader ?? assert.fail('no reader')] as const
      }
      await until(async () => {
        const [, { receivedBytes, unreadBytes }] = await look()
        return receivedBytes - unreadBytes === READ_BEFORE && unreadBytes > 0
      }, 'the reader has stopped')
      let before = await look()
      await until(async () => {
        await sleep(STILL)
        const now = await look()
        const still =
          now[0].sentBytes === before[0].sentBytes && now[1].unreadBytes === before[1].unreadBytes
        before = now
        return still
      }, 'the sender stalls')
      return before
    }

    for (const direction of ['down', 'up'] as const) {
      const who = direction === 'down' ? 'A client' : 'A target'
      it(`${who.toLowerCase()} of a shared port stalls the other program, and the peers hold no more than the windows`, async () => {
        const target = await TransferTarget.start()
        try {
          await far.call('share', 'port', target.port)
          const port = await near.call('open', 'port')
          const warm = new Transfer(direction, port, target, sent => sent < READ_BEFORE)
          await warm.verify()
          await until(async () => {
            const open = await near.call('sessionStats')
            return open.open.length === 0
          }, 'the first is over')
          const before = { near: await near.call('memory'), far: await far.call('memory') }

          let more = true
          const transfer = new Transfer(direction, port, target, () => more)
          await transfer.progress(READ_BEFORE)
          transfer.pauseReading()
          let sent = -1
          await until(async () => {
            const last = sent
            sent = transfer.sent
            await sleep(STILL)
            return sent === last
          }, 'the writing program is stalled')
          const limit = SESSION_WINDOW + MUXER_WINDOW + SPLICE + SLACK
          for (const [end, remote] of [['near', near] as const, ['far', far] as const]) {
            const growth = (await remote.call('memory')) - before[end]
            assert.ok(growth <= limit, `${end} holds ${growth} bytes more, ${limit} are allowed`)
            const [stats] = (await remote.call('sessionStats')).open
            const held = (stats?.unreadBytes ?? 0) + (await remote.call('unreadInStreams'))
            assert.ok(held <= SESSION_WINDOW + MUXER_WINDOW, `${end}: ${held} unread`)
          }
          more = false
          transfer.resumeReading()
          await transfer.verify()
        } finally {
          await target.close()
        }
      })
    }
  })
}
