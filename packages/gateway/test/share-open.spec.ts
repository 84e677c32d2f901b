import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../src/open.ts'
import type { Opening } from '../src/open.ts'
import type { OpenOptions, ShareOptions } from '../src/options.ts'
import { share } from '../src/share.ts'
import type { Share } from '../src/share.ts'
import type { ConnectionInfo } from '../src/types.ts'
import { MemoryTunnel } from './memory-session.ts'
import { ending, readAll, TestServer, until } from './sockets.ts'

describe('share and open', () => {
  let tunnel: MemoryTunnel
  let server: TestServer
  let directory: string
  const running: (Share | Opening)[] = []

  beforeEach(async () => {
    tunnel = new MemoryTunnel()
    server = await TestServer.start(socket => socket.pipe(socket))
    directory = mkdtempSync(join(tmpdir(), 'warren-gateway-'))
  })

  afterEach(async () => {
    for (const one of running.splice(0)) {
      one.abort()
      await one.close()
    }
    await server.close()
    rmSync(directory, { recursive: true })
  })

  async function shareIt(options: Partial<ShareOptions> = {}): Promise<Share> {
    const target = `tcp://127.0.0.1:${server.port}`
    const shared = await share(tunnel, { channel: 'web', target, ...options })
    running.push(shared)
    return shared
  }

  async function openIt(options: Partial<OpenOptions> = {}): Promise<Opening> {
    const opened = await open(tunnel, { channel: 'web', listen: 0, ...options })
    running.push(opened)
    return opened
  }

  function connect(opening: Opening): net.Socket {
    const { port } = opening
    const where =
      port === undefined ? { path: opening.address.slice(5) } : { port, host: '127.0.0.1' }
    const socket = net.connect({ ...where, allowHalfOpen: true })
    socket.on('error', () => {})
    return socket
  }

  async function echo(opening: Opening, bytes: Buffer): Promise<Buffer> {
    const socket = connect(opening)
    socket.end(bytes)
    return readAll(socket)
  }

  function errors(of: Share | Opening): { error: Error; info: ConnectionInfo }[] {
    const seen: { error: Error; info: ConnectionInfo }[] = []
    of.on('error', (error, info) => seen.push({ error, info }))
    return seen
  }

  for (const pool of ['warm', 'reuse', 'none'] as const) {
    it(`carries bytes to the target and back, and counts them (pool: ${pool})`, async () => {
      const shared = await shareIt({ pool, reuseAfter: 50 })
      const opened = await openIt()
      assert.match(opened.address, /^tcp:\/\/127\.0\.0\.1:\d+$/)
      const bytes = randomBytes(300_000)
      for (let round = 0; round < 3; round++) {
        sameBytes(await echo(opened, bytes), bytes)
      }
      await until(() => opened.stats().open === 0 && shared.stats().open === 0)
      const expected = {
        total: 3,
        failed: {},
        reset: 0,
        bytesToTunnel: 900_000,
        bytesFromTunnel: 900_000
      }
      assert.partialDeepStrictEqual(opened.stats(), expected)
      assert.partialDeepStrictEqual(shared.stats(), expected)
      if (pool === 'warm') await until(() => shared.stats().pool.idle === 2)
    })
  }

  it('200 connections at once, each with its own bytes', async () => {
    const shared = await shareIt()
    const opened = await openIt()
    const all = Array.from({ length: 200 }, () => randomBytes(20_000))
    const got = await Promise.all(all.map(bytes => echo(opened, bytes)))
    for (const [i, bytes] of all.entries()) sameBytes(got[i], bytes)
    await until(() => opened.stats().open === 0 && shared.stats().open === 0)
    assert.equal(opened.stats().total, 200)
    assert.deepEqual(shared.stats().failed, {})
  })

  it('a target that refuses: the client is reset, both ends say why', async () => {
    await server.close()
    const shared = await shareIt()
    const opened = await openIt()
    const [here, there] = [errors(opened), errors(shared)]
    const client = connect(opened)
    assert.equal(await ending(client), 'ECONNRESET')
    await until(() => here.length === 1 && there.length === 1)
    for (const { error } of [...here, ...there]) {
      assert.equal((error as Error & { code: string }).code, 'ERR_TARGET_REFUSED')
      const expected = `the sharer's target tcp://127.0.0.1:${server.port} refused the connection: is the program running?`
      assert.equal(error.message, expected)
      assert.ok(error.cause instanceof Error)
    }
    assert.deepEqual(opened.stats().failed, { ERR_TARGET_REFUSED: 1 })
    assert.deepEqual(shared.stats().failed, { ERR_TARGET_REFUSED: 1 })
    assert.match(here[0]?.info.local ?? '', /^127\.0\.0\.1:\d+$/)
  })

  it('a target that starts later is reached then', async () => {
    const { port } = server
    await server.close()
    await shareIt({ target: port })
    const opened = await openIt()
    assert.equal(await ending(connect(opened)), 'ECONNRESET')
    server = new TestServer(socket => socket.pipe(socket))
    server.server.listen(port, '127.0.0.1')
    await once(server.server, 'listening')
    assert.equal((await echo(opened, Buffer.from('now'))).toString(), 'now')
  })

  it('a target on either loopback family is reached by its bare port', async () => {
    const six = new TestServer(socket => socket.end('six'))
    six.server.listen(0, '::1')
    const listening = await Promise.race([
      once(six.server, 'listening').then(() => true),
      once(six.server, 'error').then(() => false)
    ])
    if (listening) {
      const { port } = six.server.address() as net.AddressInfo
      await shareIt({ target: port })
      const opened = await openIt()
      const socket = connect(opened)
      assert.equal((await readAll(socket)).toString(), 'six')
      socket.end()
    }
    await six.close()
  })

  it('no such host, no such directory: unreachable, with the cause', async () => {
    await shareIt({ target: `unix:${directory}/none/app.sock` })
    const opened = await openIt()
    const seen = errors(opened)
    await ending(connect(opened))
    await until(() => seen.length === 1)
    assert.equal(codeOf(seen[0]?.error), 'ERR_TARGET_REFUSED')

    writeFileSync(join(directory, 'file'), '')
    await shareIt({ channel: 'file', target: `unix:${directory}/file` })
    const second = await openIt({ channel: 'file' })
    const more = errors(second)
    await ending(connect(second))
    await until(() => more.length === 1)
    assert.match(codeOf(more[0]?.error), /^ERR_TARGET_(REFUSED|UNREACHABLE)$/)
  })

  it('no such channel: the client is reset, the error has its cause and is counted by it', async () => {
    const opened = await openIt({ channel: 'nowhere' })
    const seen = errors(opened)
    assert.equal(await ending(connect(opened)), 'ECONNRESET')
    await until(() => seen.length === 1)
    const error = seen[0]?.error as Error & { code: string }
    assert.equal(error.code, 'ERR_SESSION_DIAL')
    assert.match(error.message, /^cannot open "nowhere" for the connection from 127.*no peer has/)
    assert.ok(error.cause instanceof Error)
    assert.deepEqual(opened.stats().failed, { ERR_CHANNEL_UNKNOWN: 1 })
    assert.equal(opened.stats().open, 0)
  })

  it('a local connection is not read before its session is open', async () => {
    await shareIt()
    let go = (): void => {}
    tunnel.gate = new Promise(resolve => {
      go = resolve
    })
    const opened = await openIt()
    const client = connect(opened)
    const block = Buffer.alloc(64 * 1024)
    let accepted = 0
    for (let i = 0; i < 512; i++)
      client.write(block, error => (accepted += error ? 0 : block.length))
    let before = -1
    while (accepted !== before) {
      before = accepted
      for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(tunnel.dials, 1)
    // The kernel's buffers alone: nothing of it is in this process.
    assert.ok(accepted < 16 * 1024 * 1024, `${accepted} bytes were taken`)
    assert.equal(opened.stats().bytesToTunnel, 0)
    client.end()
    go()
    assert.equal((await readAll(client)).length, 512 * block.length)
  })

  it('connections that wait for their session hold no bytes in this process', async () => {
    await shareIt()
    tunnel.gate = new Promise(() => {})
    const opened = await openIt()
    const block = Buffer.alloc(64 * 1024)
    const clients = Array.from({ length: 100 }, () => connect(opened))
    await Promise.all(clients.map(client => new Promise(resolve => client.write(block, resolve))))
    await until(() => tunnel.dials === 100)
    const before = process.memoryUsage().arrayBuffers
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    const held = process.memoryUsage().arrayBuffers - before
    assert.ok(held < 1024 * 1024, `${held} bytes were read`)
    opened.abort()
    for (const client of clients) client.destroy()
  })

  it('a server that speaks first is heard, from a warm connection', async () => {
    await server.close()
    server = await TestServer.start(socket => {
      socket.write('SSH-2.0-test\r\n')
      socket.on('data', data => socket.end(`you said ${String(data)}`))
    })
    const shared = await shareIt()
    const opened = await openIt()
    for (let round = 0; round < 5; round++) {
      await until(() => shared.stats().pool.idle === 2)
      const client = connect(opened)
      const [banner] = (await once(client, 'data')) as [Buffer]
      assert.equal(banner.toString(), 'SSH-2.0-test\r\n')
      client.end('hi')
      assert.equal((await readAll(client)).toString(), 'you said hi')
    }
    assert.ok(shared.stats().pool.hits >= 5)
  })

  it('a target that closes idle connections costs no session', async () => {
    const shared = await shareIt()
    const opened = await openIt()
    for (let round = 0; round < 20; round++) {
      await until(() => shared.stats().pool.idle > 0)
      // Some of these ends are seen before the next session comes, some only by the last look.
      for (const socket of server.sockets) socket.destroy()
      if (round % 2 === 0) await new Promise(resolve => setImmediate(resolve))
      assert.equal((await echo(opened, Buffer.from('x'))).toString(), 'x')
    }
    assert.deepEqual(shared.stats().failed, {})
    assert.ok(shared.stats().pool.replaced >= 20)
  })

  it('reuse: one connection to the target serves many sessions, one after the other', async () => {
    await server.close()
    server = await TestServer.start(socket => socket.on('data', data => socket.write(data)))
    const shared = await shareIt({ pool: 'reuse', minIdle: 0, reuseAfter: 5 })
    const opened = await openIt()
    for (let round = 0; round < 10; round++) {
      const client = connect(opened)
      client.write(`request ${round}`)
      const [answer] = (await once(client, 'data')) as [Buffer]
      assert.equal(answer.toString(), `request ${round}`)
      client.end()
      await readAll(client)
      await until(() => shared.stats().pool.busy === 0)
    }
    assert.equal(server.accepted, 1)
  })

  it('reuse: a client that ends its request before the answer gets all of the answer', async () => {
    await server.close()
    server = await TestServer.start(socket => {
      let request = ''
      socket.on('data', data => {
        request += data
      })
      socket.on('end', () => socket.end(`answer to ${request}`))
    })
    const shared = await shareIt({ pool: 'reuse', minIdle: 0, reuseAfter: 5 })
    const opened = await openIt()
    assert.equal((await echo(opened, Buffer.from('both'))).toString(), 'answer to both')
    await until(() => shared.stats().open === 0)
    assert.equal(shared.stats().pool.idle, 0)
  })

  it('reuse: a connection whose client was reset is not used again', async () => {
    await server.close()
    server = await TestServer.start(socket => socket.on('data', data => socket.write(data)))
    const shared = await shareIt({ pool: 'reuse', minIdle: 0, reuseAfter: 5 })
    const opened = await openIt()
    const client = connect(opened)
    client.write('x')
    await once(client, 'data')
    client.resetAndDestroy()
    await until(() => shared.stats().pool.busy === 0 && shared.stats().reset === 1)
    assert.equal(shared.stats().pool.idle, 0)
    assert.equal(opened.stats().reset, 1)
    assert.deepEqual(shared.stats().failed, {})
  })

  it('port in use: a named error that says what to do', async () => {
    const first = await openIt()
    const port = first.port ?? 0
    await assert.rejects(open(tunnel, { channel: 'web', listen: port }), {
      code: 'ERR_LISTEN_ADDRESS_IN_USE',
      message: `cannot listen on tcp://127.0.0.1:${port}: another program listens there; choose another port, or 0 for any free one, or stop that program`
    })
  })

  it('an address that is not of this machine is a named error', async () => {
    await assert.rejects(open(tunnel, { channel: 'web', listen: '192.0.2.1:0' }), {
      code: 'ERR_LISTEN_FAILED',
      message: /not one of this machine/
    })
  })

  it('options out of range are refused at once', async () => {
    const wrong = { channel: 'web', target: 1, listen: 0 }
    for (const extra of [{ maxConnections: 0 }, { idleTimeout: -1 }, { closeTimeout: 2 ** 31 }]) {
      await assert.rejects(share(tunnel, { ...wrong, ...extra }), { code: 'ERR_GATEWAY_OPTIONS' })
      await assert.rejects(open(tunnel, { ...wrong, ...extra }), { code: 'ERR_GATEWAY_OPTIONS' })
    }
    const pool = 'hot' as 'warm'
    await assert.rejects(share(tunnel, { ...wrong, pool }), /pool is "hot"/)
    assert.equal(tunnel.dials, 0)
  })

  it('an aborted signal starts nothing', async () => {
    const signal = AbortSignal.abort(new Error('no'))
    await assert.rejects(share(tunnel, { channel: 'web', target: 1, signal }), /no/)
    await assert.rejects(open(tunnel, { channel: 'web', listen: 0, signal }), /no/)
    const shared = await shareIt()
    assert.equal(shared.stats().total, 0)
  })

  it('more local connections than maxConnections are reset, the others go on', async () => {
    await shareIt()
    const opened = await openIt({ maxConnections: 2 })
    const [a, b] = [connect(opened), connect(opened)]
    await until(() => opened.stats().open === 2)
    assert.equal(await ending(connect(opened)), 'ECONNRESET')
    assert.deepEqual(opened.stats().failed, { ERR_TOO_MANY_CONNECTIONS: 1 })
    a.end('still here')
    assert.equal((await readAll(a)).toString(), 'still here')
    b.destroy()
  })

  describe('unix sockets (T-unix-1)', () => {
    it('both ends may be unix sockets; half-close works', async () => {
      const target = join(directory, 'target.sock')
      const unix = await TestServer.start(socket => socket.pipe(socket), target)
      await shareIt({ target: `unix:${target}` })
      const opened = await openIt({ listen: `unix:${directory}/local.sock` })
      assert.equal(opened.port, undefined)
      const bytes = randomBytes(200_000)
      sameBytes(await echo(opened, bytes), bytes)
      await opened.close()
      assert.ok(!existsSync(join(directory, 'local.sock')), 'the file is gone')
      await unix.close()
    })

    it('a directory that does not exist is named as what is wrong', async () => {
      await assert.rejects(
        open(tunnel, { channel: 'web', listen: `unix:${directory}/no/a.sock` }),
        {
          code: 'ERR_LISTEN_FAILED',
          message: /: the directory does not exist; create it first/
        }
      )
    })

    it('its file has mode 0600, whatever the umask, and the umask is as before', async () => {
      const before = process.umask(0)
      try {
        const opening = openIt({ listen: `unix:${directory}/a.sock` })
        // Bound already, before anything else could run: nobody else could connect meanwhile.
        assert.equal(lstatSync(join(directory, 'a.sock')).mode & 0o777, 0o600)
        await opening
        assert.equal(process.umask(), 0)
      } finally {
        process.umask(before)
      }
      assert.equal(lstatSync(join(directory, 'a.sock')).mode & 0o777, 0o600)
    })

    it('a path that is in use is refused, and stays usable', async () => {
      const first = await openIt({ listen: `unix:${directory}/a.sock` })
      await shareIt()
      await assert.rejects(open(tunnel, { channel: 'web', listen: `unix:${directory}/a.sock` }), {
        code: 'ERR_LISTEN_ADDRESS_IN_USE'
      })
      assert.equal((await echo(first, Buffer.from('alive'))).toString(), 'alive')
    })

    it('the socket of a program that died is replaced', async () => {
      const path = join(directory, 'a.sock')
      await leaveStaleSocket(path)
      assert.ok(lstatSync(path).isSocket())
      await shareIt()
      const opened = await openIt({ listen: `unix:${path}` })
      assert.equal((await echo(opened, Buffer.from('new'))).toString(), 'new')
    })

    it('a file, and a link even to a dead socket, are never removed', async () => {
      writeFileSync(join(directory, 'file'), 'precious')
      await leaveStaleSocket(join(directory, 'dead.sock'))
      symlinkSync(join(directory, 'dead.sock'), join(directory, 'link'))
      for (const name of ['file', 'link']) {
        await assert.rejects(
          open(tunnel, { channel: 'web', listen: `unix:${directory}/${name}` }),
          {
            code: 'ERR_UNIX_PATH'
          }
        )
        assert.ok(lstatSync(join(directory, name)))
      }
    })

    it('a directory that does not exist, or is not ours, is a named error', async () => {
      await assert.rejects(
        open(tunnel, { channel: 'web', listen: `unix:${directory}/no/a.sock` }),
        {
          code: 'ERR_LISTEN_FAILED'
        }
      )
      if (process.getuid?.() === 0) return
      chmodSync(directory, 0o500)
      await assert.rejects(open(tunnel, { channel: 'web', listen: `unix:${directory}/a.sock` }), {
        code: 'ERR_LISTEN_FAILED'
      })
      chmodSync(directory, 0o700)
    })
  })

  describe('closing', () => {
    it('drain: running connections finish, new ones are not taken', async () => {
      const shared = await shareIt()
      const opened = await openIt()
      const client = connect(opened)
      client.write('one ')
      await once(client, 'data')
      let over = false
      const closing = Promise.all([shared.close({ drain: true }), opened.close({ drain: true })])
      void closing.then(() => {
        over = true
      })
      assert.match(await ending(connect(opened)), /ECONNREFUSED|ECONNRESET/)
      client.write('two')
      await once(client, 'data')
      assert.equal(over, false)
      client.end()
      await readAll(client)
      await closing
      assert.deepEqual(shared.stats().failed, {})
    })

    it('without drain: what still runs after the timeout is reset', async () => {
      const shared = await shareIt()
      const opened = await openIt()
      const client = connect(opened)
      client.write('x')
      await once(client, 'data')
      const end = ending(client)
      await shared.close({ timeout: 10 })
      assert.equal(await end, 'ECONNRESET')
      await until(() => opened.stats().open === 0)
      assert.deepEqual(opened.stats().failed, { ERR_GATEWAY_CLOSED: 1 })
      await opened.close()
    })

    it('drain ends with the signal', async () => {
      const shared = await shareIt()
      const opened = await openIt()
      const client = connect(opened)
      client.write('x')
      await once(client, 'data')
      const end = ending(client)
      const stop = new AbortController()
      const closing = shared.close({ drain: true, signal: stop.signal })
      stop.abort(new Error('enough'))
      await closing
      assert.equal(await end, 'ECONNRESET')
    })

    it('close and abort may be called again; each ends with one close event', async () => {
      const opened = await openIt()
      let closed = 0
      opened.on('close', () => closed++)
      await Promise.all([opened.close(), opened.close()])
      opened.abort()
      await opened.close()
      assert.equal(closed, 1)
    })

    it('a share whose tunnel closes the listener ends by itself', async () => {
      const shared = await shareIt()
      const closed = new Promise<Error | undefined>(resolve => shared.on('close', resolve))
      await tunnel.closeListener('web')
      assert.equal(await closed, undefined)
    })

    it('a dial under way is given up by abort', async () => {
      await shareIt()
      tunnel.gate = new Promise(() => {})
      const opened = await openIt()
      const client = connect(opened)
      await until(() => tunnel.dials === 1)
      const end = ending(client)
      opened.abort()
      await opened.close()
      assert.equal(await end, 'ECONNRESET')
    })
  })
})

function codeOf(error: Error | undefined): string {
  return error !== undefined && 'code' in error ? String(error.code) : 'none'
}

/** `deepEqual` on long buffers takes for ever to print what differs. */
function sameBytes(got: Buffer | undefined, expected: Buffer): void {
  assert.equal(got?.length, expected.length)
  assert.ok(got?.equals(expected), 'the bytes are equal')
}

/** Leaves a socket file that nobody listens on, as a program that was killed does. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { spawnSync } = await import('node:child_process')
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', code])
  assert.ok(lstatSync(path).isSocket())
}
