import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import {
  Scene,
  budget,
  dial,
  gone,
  pattern,
  rawUpgrader,
  tcpAddr,
  transport,
  until
} from './support.ts'

describe('dialling', () => {
  const scene = new Scene()
  let server: Server
  let accepted: Socket[]

  beforeEach(async () => {
    accepted = []
    server = createServer({ pauseOnConnect: true }, socket => {
      socket.on('error', () => {})
      accepted.push(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    for (const socket of accepted) socket.destroy()
    await Promise.all([scene.end(), new Promise(resolve => server.close(resolve))])
  })

  it('gives a conn that knows both ends', async () => {
    const ma = tcpAddr(server)
    const conn = await dial(ma)
    assert.equal(conn.remoteAddr.toString(), ma.toString())
    await until(() => accepted.length > 0)
    assert.equal(conn.localAddr.toString(), `/ip4/127.0.0.1/tcp/${accepted[0]?.remotePort}`)
    assert.equal(conn.direction, 'outbound')
    conn.abort(new Error('done'))
  })

  it('resolves names', async () => {
    const { port } = server.address() as AddressInfo
    for (const name of ['dns4', 'dns']) {
      const conn = await dial(multiaddr(`/${name}/localhost/tcp/${port}`))
      conn.abort(new Error('done'))
    }
  })

  it('says what to do when nothing listens, and keeps the cause', async () => {
    const ma = tcpAddr(server)
    await new Promise(resolve => server.close(resolve))
    await assert.rejects(dial(ma), (error: Error & { code: string }) => {
      assert.equal(error.code, 'ERR_TCP_CONNECT')
      assert.match(error.message, /127\.0\.0\.1:\d+: ECONNREFUSED, nothing listens there/)
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED')
      return true
    })
  })

  it('refuses addresses of other transports', async () => {
    for (const text of ['/ip4/127.0.0.1/udp/1', '/ip4/127.0.0.1/tcp/1/ws', '/dns/x']) {
      const ma = multiaddr(text)
      assert.deepEqual(transport().dialFilter([ma]), [])
      await assert.rejects(dial(ma), { code: 'ERR_TCP_ADDRESS' })
    }
    const ours = ['/ip6/::1/tcp/1', '/dns4/x/tcp/1', '/unix/%2Ftmp%2Fx'].map(text =>
      multiaddr(text)
    )
    assert.deepEqual(transport().listenFilter(ours), ours)
  })

  describe('to a machine that does not answer', () => {
    let silent: { child: ChildProcess; addr: Multiaddr }
    before(async () => {
      silent = await blackHole(scene)
    })
    after(() => silent.child.kill('SIGKILL'))

    it('gives up after connectTimeout', async () => {
      await assert.rejects(dial(silent.addr, { connectTimeout: 30 }), {
        code: 'ERR_TCP_CONNECT_TIMEOUT'
      })
    })

    it('ends when the signal does, with its reason', async () => {
      const controller = new AbortController()
      const descriptors = budget()
      const dialling = transport({}, descriptors).dial(silent.addr, {
        signal: controller.signal,
        upgrader: rawUpgrader()
      })
      setImmediate(() => controller.abort(new Error('changed my mind')))
      await assert.rejects(dialling, /changed my mind/)
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
      assert.equal(descriptors.use().held, 0)
    })
  })

  it('does not begin under a signal that has fired', async () => {
    const signal = AbortSignal.abort(new Error('too late'))
    await assert.rejects(
      transport().dial(tcpAddr(server), { signal, upgrader: rawUpgrader() }),
      /too late/
    )
    assert.equal(accepted.length, 0)
  })

  it('a signal during the upgrade ends it, even if the upgrader does not look', async () => {
    const controller = new AbortController()
    const dialling = transport().dial(tcpAddr(server), {
      signal: controller.signal,
      upgrader: rawUpgrader(
        () => {},
        () => {
          controller.abort(new Error('enough'))
          return new Promise(() => {})
        }
      )
    })
    await assert.rejects(dialling, /enough/)
    await until(() => accepted.length > 0)
    assert.equal(await gone(accepted[0] as Socket), 'ECONNRESET')
  })

  it('a signal after success never touches the live socket', async () => {
    const controller = new AbortController()
    const conn = (await transport().dial(tcpAddr(server), {
      signal: controller.signal,
      upgrader: rawUpgrader()
    })) as unknown as MultiaddrConnection
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    controller.abort(new Error('late'))
    await until(() => accepted.length > 0)
    const data = once(accepted[0]?.resume() as Socket, 'data')
    conn.send(pattern(10))
    assert.deepEqual(await data, [pattern(10)])
    assert.equal(conn.status, 'open')
    conn.abort(new Error('done'))
  })

  it('a failed upgrade leaves no socket behind', async () => {
    const descriptors = budget()
    const { signal } = new AbortController()
    await assert.rejects(
      transport({}, descriptors).dial(tcpAddr(server), {
        signal,
        upgrader: rawUpgrader(
          () => {},
          () => Promise.reject(new Error('wrong peer'))
        )
      }),
      /wrong peer/
    )
    await until(() => accepted.length > 0)
    assert.equal(await gone(accepted[0] as Socket), 'ECONNRESET')
    assert.equal(descriptors.use().held, 0)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('fails with advice when the process is short of descriptors', async () => {
    const { signal } = new AbortController()
    const descriptors = budget(1)
    await assert.rejects(
      transport({}, descriptors).dial(tcpAddr(server), { signal, upgrader: rawUpgrader() }),
      { code: 'ERR_TCP_DESCRIPTORS' }
    )
    assert.equal(descriptors.use().refused, 1)
  })
})

/** An address whose kernel drops what asks to connect: its process sleeps and its backlog is full. */
async function blackHole(scene: Scene): Promise<{ child: ChildProcess; addr: Multiaddr }> {
  const child = spawn(
    process.execPath,
    [
      '-e',
      "const s = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))"
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const [port] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  child.kill('SIGSTOP')
  const addr = multiaddr(`/ip4/127.0.0.1/tcp/${Number(port.toString())}`)
  await Promise.all([scene.client(addr), scene.client(addr)])
  return { child, addr }
}
