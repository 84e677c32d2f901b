import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connectTarget } from '../../src/sockets/connect-target.ts'
import type { PoolPolicy } from '../../src/pool/pool-core.ts'
import { TargetPool } from '../../src/pool/target-pool.ts'
import { TestServer, until } from '../sockets.ts'

const POLICY: PoolPolicy = {
  mode: 'warm',
  minIdle: 1,
  maxTotal: 8,
  maxIdle: 60_000,
  maxWaiters: 8,
  waitTimeout: 5_000
}

describe('pool of connections to a target', () => {
  let server: TestServer
  let pool: TargetPool

  async function start(
    policy: Partial<PoolPolicy>,
    onSocket: Parameters<typeof TestServer.start>[0] = () => {}
  ): Promise<void> {
    server = await TestServer.start(onSocket)
    pool = new TargetPool({ ...POLICY, ...policy }, signal =>
      connectTarget(
        { kind: 'tcp', host: '127.0.0.1', port: server.port },
        { timeout: 5_000, signal }
      )
    )
    pool.start()
    await until(() => pool.stats().idle === (policy.mode === 'none' ? 0 : POLICY.minIdle))
  }

  afterEach(async () => {
    pool.destroy()
    await server.close()
  })

  it('warm: a borrower gets a connection that was there before', async () => {
    await start({})
    await until(() => server.accepted === 1)
    const conn = await pool.borrow()
    const [theirs] = server.sockets
    assert.equal(theirs?.remotePort, conn.socket.localPort)
    assert.equal(pool.stats().hits, 1)
    await until(() => pool.stats().idle === 1)
    pool.release(conn, true)
    assert.ok(conn.socket.destroyed, 'used once')
  })

  it('warm: what a server says first is its first user’s', async () => {
    await start({}, socket => socket.write('220 ready\r\n'))
    const watched = await pool.borrow()
    pool.release(watched, false)
    const conn = await until2(async () => {
      const next = await pool.borrow()
      if (next.head.length > 0) return next
      pool.release(next, false)
      return undefined
    })
    assert.equal(Buffer.concat(conn.head).toString(), '220 ready\r\n')
    assert.equal(conn.socket.isPaused(), true)
    pool.release(conn, false)
  })

  it('a ready connection that the server ended is replaced without a word', async () => {
    await start({})
    await until(() => server.sockets.size === 1)
    const [first] = server.sockets
    first?.end()
    await until(() => pool.stats().replaced === 1)
    const conn = await pool.borrow()
    assert.notEqual(conn.socket.localPort, first?.remotePort)
    assert.equal(conn.dead, false)
    pool.release(conn, false)
  })

  it('a ready connection that said something and then ended is replaced', async () => {
    let served = 0
    await start({}, socket => {
      if (served++ === 0) socket.end('421 too many\r\n')
    })
    await until(() => pool.stats().replaced === 1)
    const conn = await pool.borrow()
    assert.deepEqual(conn.head, [])
    pool.release(conn, false)
  })

  it('a reset that the kernel has and nobody has seen is found when borrowing', async () => {
    await start({})
    await until(() => server.sockets.size === 1)
    const [first] = server.sockets
    const port = first?.remotePort
    // The loop does not turn between the reset and the borrowing.
    first?.resetAndDestroy()
    const conn = await pool.borrow()
    assert.notEqual(conn.socket.localPort, port)
    assert.ok(!conn.socket.destroyed)
    assert.equal(pool.stats().replaced, 1)
    pool.release(conn, false)
  })

  it('reuse: a clean connection is used again', async () => {
    await start({ mode: 'reuse' }, socket => socket.pipe(socket))
    const first = await pool.borrow()
    first.socket.write('hello')
    first.socket.resume()
    await once(first.socket, 'data')
    first.socket.pause()
    pool.release(first, true)
    const again = await pool.borrow()
    assert.equal(again, first)
    pool.release(again, true)
  })

  it('reuse: bytes that nobody asked for make an idle connection unclean', async () => {
    await start({ mode: 'reuse' })
    const first = await pool.borrow()
    pool.release(first, true)
    const theirs = [...server.sockets].find(s => s.remotePort === first.socket.localPort)
    theirs?.write('late answer to somebody else')
    await until(() => first.socket.destroyed)
    const second = await pool.borrow()
    assert.notEqual(second, first)
    assert.deepEqual(second.head, [])
    pool.release(second, true)
  })

  it('reuse: what was left unread, or ended, or failed, does not come back', async () => {
    await start({ mode: 'reuse' })
    const unread = await pool.borrow()
    const theirs = [...server.sockets].find(s => s.remotePort === unread.socket.localPort)
    theirs?.write('unread')
    unread.socket.resume()
    unread.socket.pause()
    unread.socket.read(0)
    await until(() => unread.socket.readableLength > 0)
    pool.release(unread, true)
    assert.ok(unread.socket.destroyed, 'unread')

    const ended = await pool.borrow()
    ended.socket.end()
    pool.release(ended, true)
    assert.ok(ended.socket.destroyed, 'ended')

    const failed = await pool.borrow()
    pool.release(failed, false)
    assert.ok(failed.socket.destroyed, 'failed')
  })

  it('none: each borrower has a connection of its own, made for it', async () => {
    await start({ mode: 'none' })
    assert.equal(server.accepted, 0)
    const [a, b] = await Promise.all([pool.borrow(), pool.borrow()])
    assert.notEqual(a, b)
    assert.equal(pool.stats().hits, 0)
    pool.release(a, true)
    pool.release(b, true)
    assert.equal(pool.stats().idle, 0)
  })

  it('a borrower that leaves gives back its place, and hears its own reason', async () => {
    await start({ mode: 'none', maxTotal: 1 })
    const held = await pool.borrow()
    const leaving = new AbortController()
    const wait = pool.borrow(leaving.signal)
    const next = pool.borrow()
    assert.equal(pool.stats().waiting, 2)
    const reason = new Error('left')
    leaving.abort(reason)
    await assert.rejects(wait, reason)
    pool.release(held, true)
    pool.release(await next, true)
    assert.equal(pool.stats().waiting, 0)
  })

  it('waits no longer than waitTimeout', async () => {
    await start({ mode: 'none', maxTotal: 1, waitTimeout: 20 })
    const held = await pool.borrow()
    await assert.rejects(pool.borrow(), { code: 'ERR_POOL_EXHAUSTED' })
    pool.release(held, false)
  })

  it('destroy ends what is ready and turns borrowers away', async () => {
    await start({}, socket => socket.resume().on('end', () => socket.end()))
    const held = await pool.borrow()
    pool.destroy()
    await assert.rejects(pool.borrow(), { code: 'ERR_POOL_CLOSED' })
    await until(() => server.sockets.size <= 1)
    pool.release(held, true)
    assert.ok(held.socket.destroyed)
  })
})

/** Calls until there is a result. */
async function until2<T>(call: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const result = await call()
    if (result !== undefined) return result
    await new Promise(resolve => setImmediate(resolve))
  }
}
