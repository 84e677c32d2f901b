import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateToken } from '@warren/tunnel'
import { Stage } from '../cli/command.ts'
import type { Running } from '../cli/command.ts'
import { curl, needs } from '../cli/programs.ts'
import { TEST_BYTES } from '../support/content.ts'
import { startPeer } from '../support/start-peer.ts'
import type { Peer } from '../support/start-peer.ts'
import { until } from '../support/until.ts'
import { SharedPort } from './shared-port.ts'
import { Transfer, TransferTarget } from '../support/transfer.ts'
import { HELD_BYTES, Web } from './web.ts'

const MIB = 2 ** 20
/** Milliseconds for which a process is stopped: a moment, and so long that it counts as dead. */
const MOMENT = 2_000
const LONG = Number(process.env['WARREN_TEST_STOP_MS'] ?? 20_000)
/** Within this, in milliseconds, a process ends that was asked to. */
const END_WITHIN = 10_000
/** What connections get to finish after the first signal, in milliseconds. */
const FAREWELL = 5_000
/** curl gives up after so many seconds, with this exit code: then nothing told it to. */
const CURL_PATIENCE = 45
const CURL_TIMED_OUT = 28

describe('processes that are stopped during a transfer through share and open', () => {
  let stage: Stage
  let target: TransferTarget
  let shared: SharedPort
  before(async () => {
    stage = await Stage.create()
    target = await TransferTarget.start()
    shared = await SharedPort.create(stage, target.port)
  })
  after(async () => {
    await shared.close()
    await stage.close()
    await target.close()
  })

  for (const [who, direction, stopped] of [
    ['sharing', 'down', MOMENT],
    ['sharing', 'up', MOMENT],
    ['opening', 'down', MOMENT],
    ['opening', 'up', MOMENT],
    ['sharing', 'down', LONG],
    ['opening', 'up', LONG]
  ] as const) {
    const name = direction === 'down' ? 'a download' : 'an upload'
    it(`the one ${who}, for ${stopped / 1_000} s: ${name} goes on afterwards`, async () => {
      let continued = false
      const more = (sent: number): boolean => sent < TEST_BYTES || !continued
      const transfer = new Transfer(direction, shared.port, target, more)
      await transfer.progress(MIB)
      shared[who].kill('SIGSTOP')
      await sleep(stopped / 2)
      const arrived = transfer.arrived
      await sleep(stopped / 2)
      assert.equal(transfer.arrived, arrived, 'nothing passes while it is stopped')
      shared[who].kill('SIGCONT')
      await transfer.progress(MIB)
      continued = true
      await transfer.verify()
    })
  }
})

describe('processes that end during a transfer through share and open', () => {
  let stage: Stage
  let web: Web
  let shared: SharedPort
  before(function () {
    needs(this, 'curl')
  })
  beforeEach(async () => {
    stage = await Stage.create()
    web = await Web.start()
    shared = await SharedPort.create(stage, web.port)
  })
  afterEach(async () => {
    await shared.close()
    await stage.close()
    await web.close()
  })

  /** `curl` processes that have begun to get their answers. */
  async function fetching(...paths: readonly string[]): Promise<Running[]> {
    const options = ['--silent', '--show-error', '--max-time', String(CURL_PATIENCE)]
    const all = paths.map(path => {
      const output = path === '/held' ? [] : ['--output', '/dev/null']
      return stage.run('curl', [...options, ...output, `${shared.url}${path}`])
    })
    await web.underWay(paths.length)
    return all
  }

  /** It knows that it did not get everything, and did not have to find out by its patience. */
  async function assertFails(running: Running): Promise<void> {
    const { code } = await running.ended
    assert.notEqual(code, 0, 'curl takes what it got for the whole')
    assert.notEqual(code, CURL_TIMED_OUT, 'curl was left waiting')
  }

  async function assertWorks(): Promise<void> {
    assert.equal(await curl(stage, `${shared.url}/small`), 'all is well')
  }

  describe('killed', () => {
    it('the one sharing, and started again: answers fail and are never short; new ones work', async () => {
      const ticket = shared.ticket
      const all = await fetching('/sized', '/chunked', '/closed')
      assert.equal((await shared.sharing.stop('SIGKILL')).signal, 'SIGKILL')
      assert.equal(await shared.share(), ticket)
      await Promise.all(all.map(assertFails))
      await assertWorks()
    })

    it('the one opening, and started again: answers fail; new ones work', async () => {
      // An answer that the end of the connection ends is ended by whatever ends the process.
      const all = await fetching('/sized', '/chunked')
      await shared.opening.stop('SIGKILL')
      await Promise.all(all.map(assertFails))
      await shared.open()
      await assertWorks()
    })

    it('the one sharing, three times: the opener comes back to it each time', async () => {
      for (let round = 0; round < 3; round++) {
        await assertWorks()
        await shared.sharing.stop('SIGKILL')
        await shared.share()
      }
      await assertWorks()
    })
  })

  for (const who of ['sharing', 'opening'] as const) {
    describe(`the one ${who}, asked to end by SIGTERM`, () => {
      it('ends within its time, and what it carries fails', async () => {
        const all = await fetching('/sized', '/chunked', '/closed')
        shared[who].kill('SIGTERM')
        await shared[who].says(/3 open connections may finish/)
        const late = sleep(END_WITHIN, 'it was late', { ref: false })
        const ended = await Promise.race([shared[who].ended, late])
        assert.deepEqual(ended, { code: 143, signal: null })
        await Promise.all(all.map(assertFails))
      })

      it('lets finish what ends in time', async () => {
        const [held] = await fetching('/held')
        shared[who].kill('SIGTERM')
        await shared[who].says(/1 open connection may finish/)
        web.release()
        assert.deepEqual(await held?.ended, { code: 0, signal: null })
        assert.equal(held?.out, `${'.'.repeat(HELD_BYTES)}the rest`)
        assert.equal((await shared[who].ended).code, 143)
      })

      it('ends at once at the second signal', async () => {
        await fetching('/chunked')
        shared[who].kill('SIGTERM')
        await shared[who].says(/1 open connection may finish/)
        const since = performance.now()
        // One key press may come twice; only a later one is a second.
        const again = setInterval(() => shared[who].kill('SIGTERM'), 50)
        const { code } = await shared[who].ended
        clearInterval(again)
        assert.equal(code, 143)
        const ms = performance.now() - since
        assert.ok(ms < FAREWELL / 2, `it took ${Math.round(ms)} ms`)
      })
    })
  }
})

describe('a sender that is killed in the middle of an upload', () => {
  let target: TransferTarget
  let sharer: Peer
  let opener: Peer
  beforeEach(async () => {
    target = await TransferTarget.start()
    sharer = startPeer()
    opener = startPeer()
  })
  afterEach(async () => {
    await opener.stop()
    await sharer.stop()
    await target.close()
  })

  it('resets the connection at the target when the session is lost: never an end that looks whole', async () => {
    const token = generateToken()
    const tunnel = { resumeTimeout: 500 }
    const address = await sharer.call('start', { token, tunnel })
    await sharer.call('share', 'up', target.port)
    await opener.call('start', { token, tunnel, nodes: [address] })
    const transfer = new Transfer('up', await opener.call('open', 'up'), target, () => true)
    await transfer.progress(MIB)
    opener.kill('SIGKILL')
    await until(() => target.endings.length > 0, 'the target is told')
    const [error] = target.endings
    assert.equal((error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET')
    assert.equal(target.tally.digest, undefined)
    await assert.rejects(transfer.done)
    const { share } = await sharer.call('forwarded')
    assert.equal(share?.open, 0)
    assert.deepEqual(share.failed, { ERR_SESSION_LOST: 1 })
  })
})
