import assert from 'node:assert/strict'
import { generateToken } from '@warren/tunnel'
import { SEED, TEST_BYTES } from '../support/content.ts'
import { startPeer } from '../support/start-peer.ts'
import type { Peer } from '../support/start-peer.ts'
import { Transfer, TransferTarget } from '../support/transfer.ts'
import { UdpRelay } from '../support/udp-relay.ts'

const MIB = 2 ** 20
/** A transfer goes on until it was disturbed so often. */
const DISTURBANCES = 3
/** Milliseconds between two. */
const CUT_EVERY = 500
const MOVE_EVERY = 1_000

describe('a transfer over the userspace TCP', () => {
  let target: TransferTarget
  let relay: UdpRelay
  let sharer: Peer
  let opener: Peer
  let port: number

  beforeEach(async () => {
    target = await TransferTarget.start()
    relay = await UdpRelay.start()
    sharer = startPeer()
    opener = startPeer()
    const token = generateToken()
    const address = await sharer.call('start', { token, transport: 'netstack' })
    const [, listening, id] = /\/udp\/(\d+)\/netstack\/p2p\/(.+)$/.exec(address) ?? []
    relay.aim(Number(listening))
    await sharer.call('share', 'files', target.port)
    const nodes = [`/ip4/127.0.0.1/udp/${relay.port}/netstack/p2p/${id}`]
    await opener.call('start', { token, transport: 'netstack', nodes })
    port = await opener.call('open', 'files')
  })
  afterEach(async () => {
    await opener.stop()
    await sharer.stop()
    await relay.close()
    await target.close()
  })

  for (const direction of ['down', 'up'] as const) {
    const name = direction === 'down' ? 'a download' : 'an upload'

    /** Moves at least `TEST_BYTES`, and longer until it was disturbed often enough. */
    async function transfer(every: number, disturb: () => void): Promise<number> {
      let times = 0
      const moving = new Transfer(
        direction,
        port,
        target,
        sent => sent < TEST_BYTES || times < DISTURBANCES
      )
      await moving.progress(MIB)
      const timer = setInterval(() => {
        disturb()
        times++
      }, every)
      try {
        await moving.verify()
      } finally {
        clearInterval(timer)
      }
      assert.ok(relay.passed > TEST_BYTES / 2_000, 'it went through the relay')
      return times
    }

    it(`is not disturbed when its link is cut every 500 ms: ${name} (seed ${SEED})`, async () => {
      await transfer(CUT_EVERY, () => relay.cut())
      assert.ok(relay.cuts >= DISTURBANCES, `${relay.cuts} cuts`)
      for (const peer of [sharer, opener]) {
        const { resumes } = await peer.call('sessionStats')
        assert.ok(resumes > 0, `${resumes} resumes in ${relay.cuts} cuts`)
      }
      assert.ok(target.endings.every(error => error === undefined))
    })

    it(`does not even notice that its NAT forgets it every second: ${name}`, async () => {
      const times = await transfer(MOVE_EVERY, () => relay.move())
      assert.ok(times >= DISTURBANCES)
      for (const peer of [sharer, opener]) {
        assert.equal((await peer.call('sessionStats')).resumes, 0, 'the connection has stayed')
      }
    })
  }
})
