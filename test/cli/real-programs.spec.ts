import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'mocha'
import { skip } from '../support/skip.ts'
import { Stage } from './command.ts'
import { needs, sha256 } from './programs.ts'
import { resettingRelay } from './resetting-relay.ts'
import type { ResettingRelay } from './resetting-relay.ts'

/** Commands that one connection sends one after another: long enough to be cut meanwhile. */
const COMMANDS = 6_000
/** Bytes between two cuts while those commands and their answers pass. */
const COMMANDS_CUT_EVERY = 128 * 1024
/** Bytes of the file that scp copies, and between two cuts meanwhile. */
const FILE_BYTES = 48 * 2 ** 20
const FILE_CUT_EVERY = 12 * 2 ** 20

const SSHD = '/usr/sbin/sshd'

/** A port that was free a moment ago, for programs that cannot be told to choose one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Waits until something listens on the port. */
async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = createConnection(port, '127.0.0.1')
    const up = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (up) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port}`)
}

describe('real programs through share and open', () => {
  let stage: Stage
  let relay: ResettingRelay
  beforeEach(async () => {
    stage = await Stage.create()
    relay = await resettingRelay()
  })
  afterEach(async () => {
    await stage.close()
    await relay.close()
  })

  /** Shares `port` in one home and opens it in another, through the relay; the port there. */
  const carry = async (port: number): Promise<number> => {
    const sharing = stage.warren('a', [
      'share',
      String(port),
      '--json',
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--announce',
      `/ip4/127.0.0.1/tcp/${relay.port}`
    ])
    const told = JSON.parse(await sharing.firstLine()) as { ticket: string; addresses: [string] }
    relay.target = Number(/\/tcp\/(\d+)/.exec(told.addresses[0])?.[1])
    const opening = stage.warren('b', ['open', told.ticket, '--json'])
    return (JSON.parse(await opening.firstLine()) as { port: number }).port
  }

  const output = async (command: string, args: string[], input?: string): Promise<string> => {
    const running = stage.run(command, args)
    running.write(input ?? '', { end: true })
    const { code } = await running.ended
    assert.equal(code, 0, `${command} ${args.join(' ')}: ${running.err}`)
    return running.out
  }

  it('redis-cli and redis-benchmark, with the link cut meanwhile', async function () {
    needs(this, 'redis-server')
    needs(this, 'redis-cli')
    needs(this, 'redis-benchmark')
    const target = await freePort()
    const redis = [
      '--port',
      String(target),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no'
    ]
    stage.run('redis-server', [...redis, '--dir', stage.directory])
    await listening(target)
    const port = String(await carry(target))
    const cli = (...args: string[]): Promise<string> =>
      output('redis-cli', ['-h', '127.0.0.1', '-p', port, ...args])
    assert.equal(await cli('SET', 'answer', '42'), 'OK\n')
    assert.equal(await cli('GET', 'answer'), '42\n')

    // One client, one connection, counting: a lost or repeated command would show.
    const lines = Array.from({ length: COMMANDS }, () => 'INCR n\n').join('')
    relay.cutEvery = COMMANDS_CUT_EVERY
    const counting = output('redis-cli', ['-h', '127.0.0.1', '-p', port], lines)
    const numbers = (await counting).trim().split('\n').map(Number)
    assert.deepEqual(
      numbers,
      Array.from({ length: COMMANDS }, (_, i) => i + 1)
    )
    assert.ok(relay.cuts > 0, 'the link was cut while it counted')
    relay.cutEvery = Number.POSITIVE_INFINITY
    const bench = ['-h', '127.0.0.1', '-p', port, '-n', '2000', '-c', '10', '-t', 'set,get', '-q']
    assert.match(await output('redis-benchmark', bench), /GET: .* requests per second/)
  })

  describe('OpenSSH', () => {
    let ssh: string[]
    let port: string
    let user: string

    const prepare = async (context: Context): Promise<void> => {
      if (!existsSync(SSHD)) skip(context, `${SSHD} is not installed`)
      needs(context, 'ssh-keygen')
      const target = await freePort()
      for (const key of ['host', 'user']) {
        await output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stage.home(`${key}key`)])
      }
      await writeFile(stage.home('authorized'), await readFile(stage.home('userkey.pub')))
      // Where root runs it, sshd wants this directory of the system.
      if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
      const config = [
        `Port ${target}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${stage.home('hostkey')}`,
        `AuthorizedKeysFile ${stage.home('authorized')}`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'PermitRootLogin prohibit-password',
        'PidFile none',
        `Subsystem sftp internal-sftp`
      ]
      await writeFile(stage.home('sshd_config'), `${config.join('\n')}\n`)
      stage.run(SSHD, ['-D', '-e', '-f', stage.home('sshd_config')])
      await listening(target)
      port = String(await carry(target))
      user = userInfo().username
      ssh = [
        '-F',
        '/dev/null',
        '-i',
        stage.home('userkey'),
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        `UserKnownHostsFile=${stage.home('known')}`,
        '-o',
        'BatchMode=yes',
        '-o',
        'LogLevel=ERROR'
      ]
    }

    it('scp carries a file unchanged, with the link cut meanwhile', async function () {
      await prepare(this)
      const body = randomBytes(FILE_BYTES)
      await writeFile(stage.home('file'), body)
      relay.cutEvery = FILE_CUT_EVERY
      await output('scp', [
        ...ssh,
        '-P',
        port,
        `${user}@127.0.0.1:${stage.home('file')}`,
        stage.home('copy')
      ])
      assert.equal(sha256(await readFile(stage.home('copy'))), sha256(body))
      assert.ok(relay.cuts > 0, 'the link was cut while it copied')
    })

    it('an ssh session goes on where it was when the link was cut', async function () {
      await prepare(this)
      const session = stage.run('ssh', [...ssh, '-p', port, `${user}@127.0.0.1`, 'cat'])
      session.write('before\n')
      assert.equal(await session.firstLine(), 'before')
      assert.ok(relay.cut() > 0)
      session.write('after\n', { end: true })
      assert.equal((await session.ended).code, 0)
      assert.equal(session.out, 'before\nafter\n')
    })
  })
})
