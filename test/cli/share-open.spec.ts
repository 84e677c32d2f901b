import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Stage } from './command.ts'
import type { Running } from './command.ts'
import { curl, curlHash, needs, sha256, testServer } from './programs.ts'
import type { TestServer } from './programs.ts'
import { closedPort } from './relayed.ts'
import { skip } from '../support/skip.ts'

describe('warren share and open', () => {
  let stage: Stage
  let server: TestServer
  before(function () {
    needs(this, 'curl')
  })
  beforeEach(async () => {
    stage = await Stage.create()
    server = await testServer('hello\n')
  })
  afterEach(async () => {
    await stage.close()
    await server.close()
  })

  const share = (home: string, ...args: string[]): Running =>
    stage.warren(home, ['share', String(server.port), ...args])

  /** At the port that is kept for it, on all interfaces: nobody dials it. */
  const shareAnywhere = (...args: string[]): Running =>
    stage.warrenAsGiven('a', ['share', String(server.port), ...args])

  it('carry curl from one state directory to another, by a ticket and then by name', async () => {
    const sharing = share('a')
    const ticket = await sharing.firstLine()
    assert.match(ticket, /^warren:[a-z2-7]+$/)
    const first = stage.warren('b', ['open', ticket])
    const url = await first.firstLine()
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.equal(await curl(stage, url), 'hello\n')
    await first.stop()

    const name = /as (\S+) \(/.exec(sharing.err)?.[1] ?? ''
    assert.match(name, /^[a-z]+-[a-z]+$/)
    const second = stage.warren('b', ['open', name])
    assert.equal(await second.firstLine(), url, 'the port is kept')
    assert.equal(await curl(stage, url), 'hello\n')

    assert.equal(sharing.out, `${ticket}\n`, 'nothing but the ticket on standard output')
    assert.equal(second.out, `${url}\n`, 'nothing but the URL on standard output')
  })

  it('carry 32 MiB unchanged', async () => {
    const body = randomBytes(32 * 2 ** 20)
    const big = await testServer(body)
    try {
      const sharing = stage.warren('a', ['share', String(big.port)])
      const opening = stage.warren('b', ['open', await sharing.firstLine()])
      assert.equal(await curlHash(stage, await opening.firstLine()), sha256(body))
    } finally {
      await big.close()
    }
  })

  it('work side by side in one state directory; the second identity is for its run only', async () => {
    const sharing = share('a')
    const opening = stage.warren('a', ['open', await sharing.firstLine(), '--json'])
    const { url, peer } = JSON.parse(await opening.firstLine()) as { url: string; peer: string }
    assert.equal(await curl(stage, url), 'hello\n')
    const { out } = await stage.finished('a', ['key'])
    assert.equal(out, `${peer}\n`, 'the one that was first has the kept identity')

    const { out: status } = await stage.finished('a', ['status', '--json'])
    const { processes } = JSON.parse(status) as {
      processes: { command: string; identity: string }[]
    }
    const identities = Object.fromEntries(processes.map(p => [p.command, p.identity]))
    assert.deepEqual(identities, { share: 'kept', open: 'ephemeral' })

    const another = share('a', '--as', 'another')
    await another.says(/for this run only/)
    await another.says(new RegExp(`in use by another warren \\(process ${sharing.pid}\\)`))
    const other = stage.warren('b', ['open', await another.firstLine()])
    assert.equal(await curl(stage, await other.firstLine()), 'hello\n')
  })

  it('go on with the same ticket after share was killed and started again', async () => {
    const where = ['--listen', `/ip4/127.0.0.1/tcp/${await closedPort()}`]
    const first = share('a', ...where)
    const ticket = await first.firstLine()
    const opening = stage.warren('b', ['open', ticket])
    const url = await opening.firstLine()
    await first.stop('SIGKILL')
    await opening.says(/link to \S+ lost/)
    const again = share('a', ...where)
    assert.equal(await again.firstLine(), ticket, 'the same ticket is printed')
    await opening.says(/link to \S+ restored/)
    assert.equal(await curl(stage, url), 'hello\n', 'through the opening that was there before')
    const fresh = stage.warren('c', ['open', ticket])
    assert.equal(await curl(stage, await fresh.firstLine()), 'hello\n', 'and through a new one')
    assert.match(again.err, /kept in/, 'kill -9 leaves no lock behind')
  })

  it('of one target twice do not fight for the port, and each keeps its own', async () => {
    const first = shareAnywhere('--json')
    const port = async (running: Running): Promise<string> => {
      const { addresses } = JSON.parse(await running.firstLine()) as { addresses: string[] }
      return /\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1] ?? ''
    }
    const one = await port(first)
    const second = shareAnywhere('--json')
    const two = await port(second)
    assert.notEqual(one, two)
    await Promise.all([first.stop(), second.stop()])
    const third = shareAnywhere('--json')
    assert.equal(await port(third), one)
    assert.equal(await port(shareAnywhere('--json')), two)
  })

  it('take the ticket from standard input and from a file, so that it is in no list of processes', async () => {
    const ticket = await share('a').firstLine()
    const piped = stage.warren('b', ['open', '-'])
    piped.write(`${ticket}\n`)
    assert.equal(await curl(stage, await piped.firstLine()), 'hello\n')
    await writeFile(stage.home('ticket'), `${ticket}\n`)
    const filed = stage.warren('c', ['open', '--ticket-file', stage.home('ticket')])
    assert.equal(await curl(stage, await filed.firstLine()), 'hello\n')
  })

  it('listen where they are told: a port, and a unix socket', async () => {
    const ticket = await share('a').firstLine()
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const { port } = free.address() as AddressInfo
    await new Promise(resolve => free.close(resolve))
    const opening = stage.warren('b', ['open', ticket, String(port)])
    assert.equal(await opening.firstLine(), `http://127.0.0.1:${port}`)
    const path = stage.home('s.sock')
    const socket = stage.warren('c', ['open', ticket, `unix:${path}`])
    assert.equal(await socket.firstLine(), `unix:${path}`)
    const fetched = stage.run('curl', ['--silent', '--unix-socket', path, 'http://x/'])
    await fetched.ended
    assert.equal(fetched.out, 'hello\n')
  })

  it('remember where they were told to listen', async () => {
    const ticket = await share('a', '--as', 'web').firstLine()
    const path = `unix:${stage.home('s.sock')}`
    const first = stage.warren('b', ['open', ticket, path])
    await first.firstLine()
    await first.stop()
    assert.equal(await stage.warren('b', ['open', 'web']).firstLine(), path)
    const other = stage.warren('c', ['open', ticket])
    const url = await other.firstLine()
    await other.stop()
    const explicit = stage.warren('c', ['open', ticket, new URL(url).host])
    await explicit.firstLine()
    const beside = stage.warren('c', ['open', 'web'])
    assert.notEqual(await beside.firstLine(), url, 'taken by the other process')
    assert.match(beside.err, /is in use: it gets another port/)
  })

  it('keep the ticket out of the list of processes', async function () {
    if (process.platform !== 'linux') skip(this, 'Linux: reads /proc')
    const ticket = await share('a').firstLine()
    const opening = stage.warren('b', ['open', ticket])
    await opening.firstLine()
    const { readFile } = await import('node:fs/promises')
    const line = await readFile(`/proc/${opening.pid}/cmdline`, 'utf8')
    assert.equal(line.includes(ticket.slice(10, 40)), false, line)
  })

  it('put announced addresses into the ticket, and nothing else', async () => {
    const forward = createServer(client => {
      const target = (to: number): void => void client.pipe(connect(to)).pipe(client)
      target(listening)
    })
    const { createConnection: connect } = await import('node:net')
    let listening = 0
    forward.listen(0, '127.0.0.1')
    await once(forward, 'listening')
    const outer = `/ip4/127.0.0.1/tcp/${(forward.address() as AddressInfo).port}`
    try {
      const sharing = share('a', '--announce', outer, '--json')
      const told = JSON.parse(await sharing.firstLine()) as { ticket: string; addresses: string[] }
      listening = Number(/\/tcp\/(\d+)/.exec(told.addresses[0] ?? '')?.[1])
      const { decodeTicket } = await import('@warren/tunnel')
      assert.deepEqual(decodeTicket(told.ticket).addrs.map(String), [outer])
      const opening = stage.warren('b', ['open', told.ticket, '--json'])
      const { url, link } = JSON.parse(await opening.firstLine()) as {
        url: string
        link: { address: string; security: string; muxer: string; path: string }
      }
      assert.ok(link.address.startsWith(`${outer}/`), link.address)
      assert.deepEqual([link.path, link.security], ['direct', '/noise'])
      assert.equal(await curl(stage, url), 'hello\n')
      await opening.stop()
      await sharing.stop()
    } finally {
      await new Promise(resolve => forward.close(resolve))
    }
  })

  it('open a channel by the network token', async () => {
    const token = (await stage.finished('a', ['key', 'token'])).out
    await writeFile(stage.home('token'), token, { mode: 0o600 })
    const sharing = share('a', '--as', 'web', '--json')
    const { addresses } = JSON.parse(await sharing.firstLine()) as { addresses: [string] }
    const args = ['open', 'web', '--peer', addresses[0]]
    const opening = stage.warren('b', [...args, '--token-file', stage.home('token')])
    assert.equal(await curl(stage, await opening.firstLine()), 'hello\n')
    const piped = stage.warren('c', [...args, '--token-file', '-'])
    piped.write(token)
    assert.equal(await curl(stage, await piped.firstLine()), 'hello\n')
  })

  it('find a channel in the DHT by the network token, with any node as the way in', async () => {
    const token = (await stage.finished('a', ['key', 'token'])).out
    await writeFile(stage.home('token'), token, { mode: 0o600 })
    const found = ['--dht', '--token-file', stage.home('token')]
    const entry = share('a', '--as', 'other', '--json', ...found)
    const { addresses } = JSON.parse(await entry.firstLine()) as { addresses: [string] }
    const peer = ['--peer', addresses[0]]
    const sharing = share('c', '--as', 'web', '--json', ...found, ...peer)
    const told = JSON.parse(await sharing.firstLine()) as { peer: string }
    const opening = stage.warren('b', ['open', 'web', '--json', ...found, ...peer])
    const opened = JSON.parse(await opening.firstLine()) as { url: string; peer: string }
    assert.equal(opened.peer, told.peer)
    assert.equal(await curl(stage, opened.url), 'hello\n')
    const { code, err } = await stage.finished('d', ['open', 'web', ...found])
    assert.equal(code, 2, err)
  })

  it('ping a peer by ticket, name and address', async () => {
    const sharing = share('a', '--as', 'web', '--json')
    const told = JSON.parse(await sharing.firstLine()) as { ticket: string; addresses: [string] }
    const opening = stage.warren('b', ['open', told.ticket])
    await opening.firstLine()
    for (const peer of [told.ticket, 'web', told.addresses[0]]) {
      const { code, out, err } = await stage.finished('b', ['ping', peer, '--count', '2', '--json'])
      assert.equal(code, 0, err)
      assert.doesNotMatch(out + err, /warren:/, 'a ticket is a secret')
      const { times, average } = JSON.parse(out) as { times: number[]; average: number }
      assert.equal(times.length, 2)
      assert.ok(times.every(ms => ms > 0) && average > 0)
    }
  })

  it('show in status what they carry', async () => {
    const sharing = share('a', '--as', 'web')
    const opening = stage.warren('b', ['open', await sharing.firstLine()])
    await curl(stage, await opening.firstLine())
    const { processes } = JSON.parse((await stage.finished('b', ['status', '--json'])).out) as {
      processes: [
        {
          pid: number
          links: [{ muxer: string; ticket: boolean; channels: string[] }]
          openings: [{ name: string; total: number; bytesIn: number }]
        }
      ]
    }
    assert.equal(processes.length, 1)
    const [process] = processes
    assert.equal(process.pid, opening.pid)
    assert.deepEqual(process.links[0].channels, ['web'])
    assert.equal(process.links[0].ticket, true)
    assert.equal(process.openings[0].total, 1)
    assert.ok(process.openings[0].bytesIn > 'hello\n'.length)
    const words = (await stage.finished('a', ['status'])).out
    assert.match(words, /^share web {2}\(process \d+/)
    assert.match(words, /1 in all/)
  })

  describe('end', () => {
    it('with 130 on Ctrl-C and 143 on SIGTERM, and leave no socket behind', async () => {
      const sharing = share('a')
      const opening = stage.warren('b', ['open', await sharing.firstLine()])
      await opening.firstLine()
      assert.equal((await opening.stop('SIGINT')).code, 130)
      assert.equal((await sharing.stop('SIGTERM')).code, 143)
      const { readdir } = await import('node:fs/promises')
      for (const home of ['a', 'b']) {
        assert.deepEqual(await readdir(stage.home(`${home}/run`)), [])
        assert.deepEqual(await readdir(stage.home(`${home}/identity.lock`)), [])
      }
    })

    it('at once on the second Ctrl-C, although a connection is open', async () => {
      const sharing = share('a')
      const opening = stage.warren('b', ['open', await sharing.firstLine()])
      const url = await opening.firstLine()
      const fetching = stage.run('curl', ['--silent', '--no-buffer', `${url}/slow`])
      await fetching.firstLine()
      opening.kill('SIGINT')
      await opening.says(/1 open connection may finish/)
      // One key press may come twice (terminal and npm); only a later one is a second.
      const again = setInterval(() => opening.kill('SIGINT'), 50)
      const { code } = await opening.ended
      clearInterval(again)
      assert.equal(code, 130)
      assert.notEqual((await fetching.ended).code, 0)
    })

    it('with 0 when their standard input ends and --while-stdin was given', async () => {
      const sharing = share('a', '--while-stdin')
      const opening = stage.warren('b', ['open', '-', '--while-stdin'])
      opening.write(`${await sharing.firstLine()}\n`)
      await opening.firstLine()
      opening.write('', { end: true })
      sharing.write('', { end: true })
      assert.deepEqual((await opening.ended).code, 0)
      assert.deepEqual((await sharing.ended).code, 0)
    })
  })

  it('survive it that nobody reads their standard output any more', async () => {
    const script = `"$0" "$@" | head -n 1; sleep 30`
    const { MAIN } = await import('./command.ts')
    const sharing = stage.run(
      'sh',
      ['-c', script, process.execPath, MAIN, 'share', String(server.port)],
      { WARREN_HOME: stage.home('a') }
    )
    const opening = stage.warren('b', ['open', await sharing.firstLine()])
    assert.equal(await curl(stage, await opening.firstLine()), 'hello\n')
    const { processes } = JSON.parse((await stage.finished('a', ['status', '--json'])).out) as {
      processes: [{ pid: number }]
    }
    process.kill(processes[0].pid, 'SIGTERM')
  })

  it('keep their state for their user alone', async () => {
    const sharing = share('a')
    await sharing.firstLine()
    const mode = async (name: string): Promise<number> =>
      (await stat(stage.home(`a/${name}`))).mode & 0o777
    assert.equal(await mode(''), 0o700)
    assert.equal(await mode('identity.key'), 0o600)
    assert.equal(await mode(`run/${sharing.pid}.sock`), 0o600)
  })
})
