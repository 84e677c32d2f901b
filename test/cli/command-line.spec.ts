import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Running, MAIN } from './command.ts'
import { skip } from '../support/skip.ts'

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

describe('the command line', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'warren-cli-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  const run = async (args: readonly string[], input = ''): Promise<Ran> => {
    const env = { PATH: process.env['PATH'], HOME: home, WARREN_HOME: join(home, 'warren') }
    const running = new Running(process.execPath, [MAIN, ...args], env)
    running.write(input, { end: true })
    const { code } = await running.ended
    return { code, out: running.out, err: running.err }
  }

  describe('key', () => {
    it('prints the peer id, the same each time, and nothing else', async () => {
      const first = await run(['key'])
      assert.match(first.out, /^12D3Koo\w+\n$/)
      assert.deepEqual([first.code, first.err], [0, ''])
      assert.equal((await run(['key', 'show'])).out, first.out)
      const json = JSON.parse((await run(['key', '--json'])).out) as { peer: string }
      assert.equal(`${json.peer}\n`, first.out)
    })

    it('prints the path of the key file, and the token of the network', async () => {
      const { out } = await run(['key', 'path'])
      assert.equal(out, `${join(home, 'warren', 'identity.key')}\n`)
      const token = await run(['key', 'token'])
      assert.match(token.out, /^wrt1_\w+\n$/)
      assert.equal((await run(['key', 'token'])).out, token.out)
    })

    it('takes --home before and after the command', async () => {
      const other = join(home, 'other')
      const { out } = await run(['--home', other, 'key', 'path'])
      assert.equal(out, `${join(other, 'identity.key')}\n`)
      assert.equal((await run(['key', 'path', '--home', other])).out, out)
      assert.deepEqual(await readdir(home), ['other'])
    })
  })

  it('says what is wrong with a name it does not know, and exits with 69', async () => {
    const { code, out, err } = await run(['open', 'brave-otter'])
    assert.deepEqual([code, out], [69, ''])
    assert.match(err, /"brave-otter" is neither a ticket \(warren:…\) nor a name opened before/)
  })

  it('says what is wrong with a ticket that is none, and exits with 77', async () => {
    const { code, err } = await run(['open', 'warren:abcdef'])
    assert.equal(code, 77)
    assert.match(err, /not a usable ticket/)
    assert.equal((await run(['open', '-'], 'warren:abcdef\n')).code, 77)
  })

  it('says which secret file it cannot use, and exits with 78', async () => {
    const missing = await run(['open', '--ticket-file', join(home, 'none')])
    assert.equal(missing.code, 78)
    assert.match(missing.err, /cannot read the ticket from .*none/)
    const empty = await run(['open', '-'], '\n')
    assert.equal(empty.code, 78)
    await writeFile(join(home, 'token'), 'hunter2\n')
    const token = await run([
      'open',
      'web',
      '--peer',
      '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK',
      '--token-file',
      join(home, 'token')
    ])
    assert.equal(token.code, 78)
    assert.doesNotMatch(token.err, /hunter2/)
  })

  it('says which command, number, port and address it cannot use, before anything else', async () => {
    const usage: [string[], RegExp][] = [
      [[], /Examples:[\s\S]*warren share 3000[\s\S]*Usage:/],
      [['shrae'], /unknown command 'shrae'\n\(Did you mean share\?\)/],
      [['ticket', 'bogus'], /unknown command 'bogus'\nsee: warren help ticket\n/],
      [['help', 'ticket', 'bogus'], /unknown command 'ticket bogus'/],
      [['share', '1', '--uses', '0'], /must be a whole number from 1/],
      [['share', '70000'], /invalid target "70000": ports end at 65535/],
      [['share', '1', '--listen', 'foo'], /"foo" is not a multiaddr/],
      [['open', 'warren:abcdef', '70000'], /invalid listen address "70000"/]
    ]
    for (const [args, said] of usage) {
      const { code, out, err } = await run(args)
      assert.deepEqual([code, out], [2, ''], args.join(' '))
      assert.match(err, said)
    }
    assert.match((await run(['help', 'ticket', 'new'])).out, /Usage: warren ticket new/)
    assert.deepEqual(await readdir(home), [], 'nothing was made')
  })

  it('does not repeat a ticket that was copied without its beginning', async () => {
    const { code, err } = await run(['open', 'abcdefgh'.repeat(30)])
    assert.equal(code, 77)
    assert.match(err, /does not begin with warren:/)
    assert.doesNotMatch(err, /abcdefgh/)
  })

  it('says why a state directory cannot be used, and exits with 78', async () => {
    await writeFile(join(home, 'file'), '')
    const file = await run(['key', '--home', join(home, 'file')])
    assert.equal(file.code, 78)
    assert.match(file.err, /file is not a directory: choose another one with --home/)
    const below = await run(['key', '--home', join(home, 'file', 'x')])
    assert.deepEqual([below.code, below.out], [78, ''])
    const deep = await run(['key', '--home', join(home, 'a', 'b', 'c')])
    assert.equal(deep.code, 0, deep.err)
    if (process.platform !== 'linux') return
    // There, every mkdir is answered with ENOENT.
    const proc = await run(['key', '--home', '/proc/warren'])
    assert.equal(proc.code, 78)
    assert.match(proc.err, /cannot use \/proc\/warren as a state directory \(ENOENT\)/)
  })

  describe('standard output', () => {
    const into = async (stdout: 'pipe' | number, args: readonly string[]): Promise<Ran> => {
      const env = { PATH: process.env['PATH'], HOME: home }
      const child = spawn(process.execPath, [MAIN, ...args], {
        env,
        stdio: ['ignore', stdout, 'pipe']
      })
      child.stdout?.destroy()
      let err = ''
      child.stderr?.on('data', chunk => (err += chunk))
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, out: '', err }
    }

    it('may be closed by whoever reads it', async () => {
      for (const args of [['--help'], ['help', 'exit-codes'], ['status', '--json'], ['key']]) {
        assert.deepEqual(await into('pipe', args), { code: 0, out: '', err: '' }, args.join(' '))
      }
    })

    it('that takes nothing is a failure', async function () {
      if (process.platform !== 'linux') skip(this, 'Linux: reads /proc')
      const full = await open('/dev/full', 'w')
      try {
        const { code, err } = await into(full.fd, ['key', 'token'])
        assert.equal(code, 1)
        assert.match(err, /cannot write to standard output: ENOSPC/)
      } finally {
        await full.close()
      }
    })
  })

  it('says that nothing runs', async () => {
    const words = await run(['status'])
    assert.deepEqual([words.code, words.out], [0, ''])
    assert.match(words.err, /nothing runs/)
    const json = JSON.parse((await run(['status', '--json'])).out) as object
    assert.deepEqual(json, { home: join(home, 'warren'), processes: [] })
  })

  it('writes its log as JSON lines when asked', async () => {
    const { err } = await run(['open', 'brave-otter', '--log', 'json'])
    const line = JSON.parse(err) as { level: number; code: string; msg: string }
    assert.equal(line.code, 'ERR_NAME_UNKNOWN')
    assert.match(line.msg, /brave-otter/)
  })
})
