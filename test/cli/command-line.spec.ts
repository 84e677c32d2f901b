import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Running, MAIN } from './command.ts'

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
