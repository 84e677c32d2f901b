import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Stage } from './command.ts'

const START = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url))

interface Report {
  readonly verified: boolean
  readonly bytes: number
  readonly sha256: string
  readonly expected: string
  readonly cuts: number
  readonly resumed: number
  readonly security: string
  readonly muxer: string
  readonly path: string
}

describe('warren demo', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await Stage.create()
  })
  afterEach(() => stage.close())

  it('downloads a file through two processes while their connection is cut', async () => {
    const tmp = stage.home('tmp')
    const { mkdir } = await import('node:fs/promises')
    await mkdir(tmp)
    const running = stage.warren('a', ['demo', '--size', '24M', '--json'], { TMPDIR: tmp })
    assert.equal((await running.ended).code, 0, running.err)
    const report = JSON.parse(running.out) as Report
    assert.deepEqual(
      { ...report, sha256: '', expected: '', path: '' },
      {
        ...report,
        verified: true,
        bytes: 24 * 2 ** 20,
        cuts: 2,
        security: '/noise',
        sha256: '',
        expected: '',
        path: ''
      }
    )
    assert.equal(report.sha256, report.expected)
    assert.ok(report.resumed >= 1)
    assert.match(report.path, /^direct, \/ip4\/127\.0\.0\.1\//)
    assert.deepEqual(await readdir(tmp), [], 'nothing is left behind')
  })

  it('is what npm start runs; other arguments are the command itself', async () => {
    const start = (...args: string[]): ReturnType<Stage['run']> =>
      stage.run(process.execPath, [START, ...args], { WARREN_HOME: stage.home('a') })
    const version = start('--version')
    assert.equal((await version.ended).code, 0)
    assert.match(version.out, /^\d+\.\d+\.\d+\n$/)
    assert.equal((await start('nonsense').ended).code, 2)
    assert.equal((await start('open', 'nobody').ended).code, 69)
    const demo = start()
    await demo.says(/opened {3}http/)
    assert.equal((await demo.stop('SIGTERM')).code, 143)
  })

  it('ends its processes when it is ended in the middle', async () => {
    const running = stage.warren('a', ['demo'])
    await running.says(/opened {3}http/)
    const pids = [...running.err.matchAll(/\(process (\d+)/g)].map(([, pid]) => Number(pid))
    assert.equal(pids.length, 2)
    assert.equal((await running.stop('SIGINT')).code, 130)
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  })
})
