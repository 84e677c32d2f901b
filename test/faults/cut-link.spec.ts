import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage } from '../cli/command.ts'
import type { ChaosCounts } from '../support/chaos-proxy.ts'
import { SEED, TEST_BYTES, generator } from '../support/content.ts'
import { SharedPort } from './shared-port.ts'
import { Transfer, TransferTarget } from '../support/transfer.ts'
import type { Direction } from '../support/transfer.ts'

/** A transfer goes on until it has been cut at least so often. */
const RESETS = 4
const MID_FRAME_CUTS = 16
const MIB = 2 ** 20

/**
 * From this size on (`WARREN_TEST_MIB=1024`) the time of a transfer says something: it may be so many
 * times that of one without cuts, and so many milliseconds longer for each cut.
 */
const LONG = 1024 * MIB
const SLOWER = 1.5
const PER_CUT = 150

describe('a link that is cut during a transfer through share and open', () => {
  let stage: Stage
  let target: TransferTarget
  let shared: SharedPort

  beforeEach(async () => {
    stage = await Stage.create()
    target = await TransferTarget.start()
    shared = await SharedPort.create(stage, target.port)
  })
  afterEach(async () => {
    await shared.close()
    await stage.close()
    await target.close()
  })

  /** What is the same however it was cut: all arrived once, and by as many connections as needed. */
  async function verify(transfer: Transfer, cuts: number): Promise<void> {
    await transfer.verify()
    const counts = await shared.proxy.heal()
    assert.ok(counts[transfer.direction] >= transfer.arrived, 'all went through the proxy')
    assert.ok(counts.cuts >= cuts, `${counts.cuts} cuts`)
    for (const end of ['a', 'b'] as const) {
      const { resumed } = (await shared.status(end)).sessions
      assert.ok(resumed > 0, `${end} resumed ${resumed} times in ${counts.cuts} cuts`)
      assert.ok(resumed < counts.accepted, `${resumed} resumes, ${counts.accepted} connections`)
    }
    // The error of a connection would be one of the link that should not have been noticed.
    assert.ok(target.endings.every(error => error === undefined))
  }

  /** Milliseconds of a transfer that nothing disturbs. */
  async function time(transfer: Transfer): Promise<number> {
    const since = performance.now()
    await transfer.verify()
    return performance.now() - since
  }

  for (const direction of ['down', 'up'] as const) {
    const name = direction === 'down' ? 'a download' : 'an upload'

    it(`by reset every 500 ms: ${name} is not disturbed (seed ${SEED})`, async function () {
      let counts = await shared.proxy.counts()
      const uncut = TEST_BYTES >= LONG ? await time(start(direction, sent => sent < TEST_BYTES)) : 0
      const transfer = start(direction, sent => sent < TEST_BYTES || counts.cuts < RESETS)
      const since = performance.now()
      await transfer.progress(MIB)
      await shared.proxy.cutEvery({ every: 500, seed: SEED })
      const done = ending(transfer)
      while (!done.ended) {
        counts = await shared.proxy.counts()
        await sleep(20)
      }
      const took = performance.now() - since
      await verify(transfer, RESETS)
      if (uncut === 0) return
      const figures = `${Math.round(took)} ms with ${counts.cuts} cuts, ${Math.round(uncut)} ms without`
      if (this.test !== undefined) this.test.title += `: ${figures}`
      assert.ok(took <= SLOWER * uncut + PER_CUT * counts.cuts, figures)
    })

    it(`in the middle of frames: ${name} is not disturbed (seed ${SEED})`, async () => {
      const random = generator(SEED)
      const back: Direction = direction === 'up' ? 'down' : 'up'
      let cuts = 0
      const transfer = start(direction, sent => sent < TEST_BYTES || cuts < MID_FRAME_CUTS)
      await transfer.progress(1)
      const done = ending(transfer)
      while (cuts < MID_FRAME_CUTS) {
        // On the way back there are only handshakes and confirmations, which are few and small.
        const flow = random() < 0.75 ? direction : back
        const bytes = 1 + Math.floor(random() * (flow === direction ? 4 * MIB : 8_192))
        await shared.proxy.cutAfterBytes(bytes, { flow, clean: random() < 0.5 })
        let counts: ChaosCounts
        do {
          assert.ok(!done.ended, `it ended after ${cuts} cuts`)
          await sleep(5)
          counts = await shared.proxy.counts()
        } while (counts.midFrame === cuts)
        cuts = counts.midFrame
      }
      await verify(transfer, MID_FRAME_CUTS)
    })
  }

  it('by silence, with the times of the command as they are: both notice, and it goes on', async () => {
    let detached = false
    const transfer = start('down', sent => sent < TEST_BYTES || !detached)
    await transfer.progress(MIB)
    await shared.proxy.blackhole({ existingOnly: true })
    const { resumed } = (await shared.status('b')).sessions
    await transfer.progress(MIB * 16)
    detached = true
    assert.ok((await shared.status('b')).sessions.resumed > resumed)
    await verify(transfer, 1)
  })

  function start(direction: Direction, more: (sent: number) => boolean): Transfer {
    return new Transfer(direction, shared.port, target, more)
  }
})

/** Says whether it has ended, well or not. */
function ending(transfer: Transfer): { readonly ended: boolean } {
  const state = { ended: false }
  const end = (): void => {
    state.ended = true
  }
  transfer.done.then(end, end)
  return state
}
