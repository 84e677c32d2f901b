import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type net from 'node:net'
import { GatewayClosedError } from '../src/errors.ts'
import { fromReset } from '../src/splice/reset-codes.ts'
import { Splice } from '../src/splice/splice.ts'
import type { SpliceEnd, SpliceOptions } from '../src/splice/splice.ts'
import { MemorySession } from './memory-session.ts'
import { ending, readAll, socketPair, until } from './sockets.ts'

const WINDOW = 64 * 1024

/** client ↔ (socket, splice, session) ↔ (session, splice, socket) ↔ server */
async function path(options: SpliceOptions = {}): Promise<{
  client: net.Socket
  server: net.Socket
  near: Splice
  far: Splice
  ends: Promise<[SpliceEnd, SpliceEnd]>
  sessions: [MemorySession, MemorySession]
}> {
  const one = await socketPair()
  const two = await socketPair()
  const sessions = MemorySession.pair(WINDOW)
  const near = new Splice(one.b, sessions[0], options)
  const far = new Splice(two.b, sessions[1], options)
  return {
    client: one.a,
    server: two.a,
    near,
    far,
    ends: Promise.all([near.done, far.done]),
    sessions
  }
}

async function sendHashed(socket: net.Socket, total: number): Promise<string> {
  const hash = createHash('sha256')
  const block = randomBytes(256 * 1024 + 7)
  for (let sent = 0; sent < total; ) {
    const chunk = block.subarray(sent % 5, Math.min(block.length, (sent % 5) + total - sent))
    hash.update(chunk)
    sent += chunk.length
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
  socket.end()
  return hash.digest('hex')
}

async function hashAll(socket: net.Socket): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of socket as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

describe('splice', () => {
  it('carries 64 MiB both ways at once, hashes equal', async () => {
    const { client, server, ends } = await path()
    const total = 64 * 1024 * 1024
    const [sentUp, sentDown, gotUp, gotDown] = await Promise.all([
      sendHashed(client, total),
      sendHashed(server, total),
      hashAll(server),
      hashAll(client)
    ])
    assert.equal(gotUp, sentUp)
    assert.equal(gotDown, sentDown)
    assert.deepEqual(await ends, [
      { why: 'ended', released: false },
      { why: 'ended', released: false }
    ])
  })

  it('counts the bytes of each direction', async () => {
    const counters = { toSession: 0, fromSession: 0 }
    const { a, b } = await socketPair()
    const [near, far] = MemorySession.pair(WINDOW)
    const splice = new Splice(b, near, { counters })
    a.end('to the tunnel')
    far.write(Buffer.from('from it'))
    far.closeWrite()
    assert.equal((await readAll(a)).toString(), 'from it')
    await until(() => counters.toSession === 13)
    assert.equal(Buffer.from(far.read() ?? []).toString(), 'to the tunnel')
    assert.equal((await splice.done).why, 'ended')
    assert.deepEqual(counters, { toSession: 13, fromSession: 7 })
  })

  it('half-close of the client: its end arrives, the server answers after it', async () => {
    const { client, server, ends } = await path()
    client.end('question')
    assert.equal((await readAll(server)).toString(), 'question')
    server.end('answer')
    assert.equal((await readAll(client)).toString(), 'answer')
    await ends
  })

  it('half-close of the server: its end arrives, the client goes on', async () => {
    const { client, server, ends } = await path()
    server.end('all I have to say')
    assert.equal((await readAll(client)).toString(), 'all I have to say')
    client.write('and ')
    client.end('another thing')
    assert.equal((await readAll(server)).toString(), 'and another thing')
    await ends
  })

  it('a reset of the client is a reset at the server', async () => {
    const { client, server, ends } = await path()
    client.write('x')
    await once(server, 'data')
    const end = ending(server)
    client.resetAndDestroy()
    assert.equal(await end, 'ECONNRESET')
    const [near, far] = await ends
    assert.equal(near.why, 'socket')
    assert.equal(far.why, 'session')
  })

  it('a reset of the server is a reset at the client', async () => {
    const { client, server, ends } = await path()
    client.write('x')
    await once(server, 'data')
    const end = ending(client)
    server.resetAndDestroy()
    assert.equal(await end, 'ECONNRESET')
    const [near, far] = await ends
    assert.equal(near.why, 'session')
    assert.equal(far.why, 'socket')
  })

  it('a reset after a half-close still reaches the other side', async () => {
    const { client, server, ends } = await path()
    const end = ending(server)
    client.end('x')
    assert.equal(await end, 'end')
    client.resetAndDestroy()
    // A reset after an end is noticed by who writes, as on any TCP connection.
    const beat = setInterval(() => server.write('y'), 1)
    await until(() => server.destroyed)
    clearInterval(beat)
    assert.equal((await ends)[0].why, 'socket')
  })

  it('abort resets the socket and the session, with the error', async () => {
    const { client, server, near, ends, sessions } = await path()
    const endings = [ending(client), ending(server)]
    near.abort(new GatewayClosedError('enough'))
    assert.deepEqual(await Promise.all(endings), ['ECONNRESET', 'ECONNRESET'])
    assert.equal((await ends)[0].why, 'aborted')
    const error = await sessions[1].closed
    assert.ok(error !== undefined)
    assert.ok(fromReset(error) instanceof GatewayClosedError)
    assert.equal(fromReset(error).message, 'enough')
  })

  for (const side of ['client', 'server'] as const) {
    it(`a reader that never reads stalls the writer within bounds (${side} writes)`, async () => {
      const { client, server, near, far, sessions, ends } = await path()
      const writer = side === 'client' ? client : server
      const block = Buffer.alloc(256 * 1024)
      // Kernel buffers stretch to some MiB; all beyond the stall stays in the writer.
      let accepted = 0
      const write = (): void => {
        while (writer.writableLength < 8 * block.length) {
          writer.write(block, () => {
            accepted += block.length
          })
        }
      }
      writer.on('drain', write)
      write()
      let before = -1
      while (accepted !== before) {
        before = accepted
        for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
      }
      const session = sessions[side === 'client' ? 0 : 1]
      // One socket read beyond the window, and what the far splice took for its full socket.
      assert.ok(session.mostUnacked <= WINDOW + 64 * 1024, `${session.mostUnacked} in the session`)
      assert.ok(session.stats().unackedBytes >= WINDOW, 'the window is full')
      assert.ok(accepted < 64 * 1024 * 1024, `${accepted} accepted`)
      writer.off('drain', write)
      near.abort(new Error('test over'))
      far.abort(new Error('test over'))
      await ends
    })
  }

  it('what a socket that does not read holds here is bounded', async () => {
    const { a, b } = await socketPair()
    a.pause()
    const [near, far] = MemorySession.pair(1024 * 1024)
    const splice = new Splice(b, near)
    const block = Buffer.alloc(16 * 1024)
    while (far.write(block)) await new Promise(resolve => setImmediate(resolve))
    let most = 0
    for (let turn = 0; turn < 500; turn++) {
      await new Promise(resolve => setImmediate(resolve))
      most = Math.max(most, b.writableLength)
    }
    assert.ok(most > 0, 'the socket is full')
    assert.ok(most <= (64 + 128) * 1024, `${most} bytes wait in the socket`)
    splice.abort(new Error('test over'))
    a.destroy()
  })

  it('goes on after a stall, with nothing lost', async () => {
    const { client, server, ends } = await path()
    server.pause()
    const total = 12 * 1024 * 1024
    const sent = sendHashed(client, total)
    for (let turn = 0; turn < 300; turn++) await new Promise(resolve => setImmediate(resolve))
    const got = hashAll(server)
    assert.equal(await got, await sent)
    server.end()
    client.resume()
    await ends
  })

  it('many small writes arrive whole and in order', async () => {
    const { client, server, ends } = await path()
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i}\n`)
    client.setNoDelay(true)
    for (const line of lines) client.write(line)
    client.end()
    assert.equal((await readAll(server)).toString(), lines.join(''))
    server.end()
    client.resume()
    await ends
  })

  it('chunks that wait in the session leave in one write', async () => {
    const { a, b } = await socketPair()
    const [near, far] = MemorySession.pair(1024 * 1024)
    for (let i = 0; i < 50; i++) far.write(Buffer.from(`${i},`))
    far.closeWrite()
    let writes = 0
    b._write = (chunk: Buffer, _encoding, done): void => {
      writes++
      void Object.getPrototypeOf(b)._write.call(b, chunk, _encoding, done)
    }
    const splice = new Splice(b, near)
    const text = (await readAll(a)).toString()
    assert.equal(text, Array.from({ length: 50 }, (_, i) => `${i},`).join(''))
    assert.equal(writes, 0, 'writev, not write')
    a.end()
    await splice.done
  })

  it('the head goes first, before what the socket says later', async () => {
    const { a, b } = await socketPair()
    const [near, far] = MemorySession.pair(WINDOW)
    const splice = new Splice(b, near, { head: [Buffer.from('220 '), Buffer.from('ready ')] })
    a.end('go')
    await until(() => far.stats().receivedBytes === 12)
    let text = ''
    for (let chunk = far.read(); chunk !== undefined; chunk = far.read()) text += Buffer.from(chunk)
    assert.equal(text, '220 ready go')
    far.closeWrite()
    await splice.done
  })

  it('a socket that had already ended, or died, before the splice is noticed', async () => {
    const ended = await socketPair()
    ended.a.end()
    ended.b.on('end', () => {})
    ended.b.resume()
    await once(ended.b, 'end')
    const [near, far] = MemorySession.pair(WINDOW)
    const splice = new Splice(ended.b, near)
    await until(() => far.readEnded)
    far.closeWrite()
    assert.equal((await splice.done).why, 'ended')

    const dead = await socketPair()
    dead.b.destroy()
    await once(dead.b, 'close')
    const other = MemorySession.pair(WINDOW)
    assert.equal((await new Splice(dead.b, other[0]).done).why, 'socket')
    assert.ok((await other[1].closed) instanceof Error)
  })

  it('a session closed at the other end ends the socket after delivering everything', async () => {
    const { a, b } = await socketPair()
    const [near, far] = MemorySession.pair(1024 * 1024)
    const splice = new Splice(b, near)
    far.write(Buffer.alloc(300_000, 7))
    a.write('nobody reads this')
    const [got] = await Promise.all([readAll(a), far.close()])
    assert.equal(got.length, 300_000)
    a.destroy()
    assert.equal((await splice.done).why, 'ended')
  })

  describe('reuse', () => {
    async function answered(after: number): Promise<{
      socket: net.Socket
      target: net.Socket
      far: MemorySession
      splice: Splice
      releases: () => number
    }> {
      const { a, b } = await socketPair()
      const [near, far] = MemorySession.pair(WINDOW)
      let releases = 0
      const release = (): void => {
        releases++
      }
      const splice = new Splice(b, near, { reuse: { after, release } })
      far.write(Buffer.from('request'))
      await once(a, 'data')
      a.write('answer')
      await until(() => far.stats().receivedBytes === 6)
      return { socket: b, target: a, far, splice, releases: () => releases }
    }

    it('a silent socket is released when the session has ended: paused, open, unlistened', async () => {
      const { socket, target, far, splice, releases } = await answered(5)
      far.closeWrite()
      await until(() => far.stats().receivedBytes === 6 && releases() === 1)
      far.read()
      assert.deepEqual(await splice.done, { why: 'ended', released: true })
      assert.equal(socket.isPaused(), true)
      assert.equal(socket.writable, true)
      for (const event of ['data', 'drain', 'timeout']) {
        assert.equal(socket.listenerCount(event), 0, event)
      }
      target.destroy()
      socket.destroy()
    })

    it('bytes that wait in the kernel when the silence is over are carried, however late it is', async () => {
      const { socket, target, far, releases } = await answered(5)
      far.closeWrite()
      await Promise.resolve()
      // The event loop is held up until the time is over; then the rest of the answer is there.
      const until20 = performance.now() + 20
      while (performance.now() < until20);
      target.write(', and more')
      await until(() => releases() === 1)
      assert.equal(far.stats().receivedBytes, 'answer, and more'.length)
      target.destroy()
      socket.destroy()
    })

    it('a socket that ends in the silence is closed, not released', async () => {
      const { target, far, splice, releases } = await answered(5_000)
      far.closeWrite()
      target.end()
      target.resume()
      await until(() => far.stats().unreadBytes === 6)
      far.read()
      assert.deepEqual(await splice.done, { why: 'ended', released: false })
      assert.equal(releases(), 0)
    })

    it('a session that is reset in the silence takes the socket with it', async () => {
      const { target, far, splice, releases } = await answered(5_000)
      far.closeWrite()
      await Promise.resolve()
      const end = ending(target)
      far.abort(new Error('gone'))
      assert.equal(await end, 'ECONNRESET')
      assert.equal((await splice.done).why, 'session')
      assert.equal(releases(), 0)
    })
  })

  it('no idle timeout by default; with one, a silent connection is reset', async () => {
    const { client, server, ends } = await path({ idleTimeout: 40 })
    const endings = [ending(client), ending(server)]
    assert.deepEqual(await Promise.all(endings), ['ECONNRESET', 'ECONNRESET'])
    const reasons = (await ends).map(end => end.why)
    assert.ok(reasons.includes('aborted'), String(reasons))

    const plain = await path()
    assert.equal(plain.client.timeout, undefined)
    plain.near.abort(new Error('test over'))
    await plain.ends
  })

  it('traffic in one direction alone keeps a connection from being idle', async () => {
    const { client, server, near, ends } = await path({ idleTimeout: 80 })
    server.resume()
    const beat = setInterval(() => client.write('.'), 10)
    let over = false
    void ends.then(() => {
      over = true
    })
    await new Promise(resolve => setTimeout(resolve, 200))
    clearInterval(beat)
    assert.equal(over, false)
    near.abort(new Error('test over'))
    await ends
  })

  it('leaves no listener on a socket and no callback on a session that are over', async () => {
    const { a, b } = await socketPair()
    const [near, far] = MemorySession.pair(WINDOW)
    const splice = new Splice(b, near, { idleTimeout: 60_000 })
    assert.ok(b.listenerCount('data') > 0)
    a.end()
    a.resume()
    far.closeWrite()
    await splice.done
    for (const event of ['data', 'drain', 'close', 'timeout']) {
      assert.equal(b.listenerCount(event), 0, event)
    }
    assert.equal(near.onReadable, undefined)
    assert.equal(near.onDrain, undefined)
  })
})
