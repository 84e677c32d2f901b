import assert from 'node:assert/strict'
import { byteStream } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import type { SocketConnection } from '../src/connection.ts'
import { Scene, closed, gone, pattern, quiet, readAll, until } from './support.ts'

const MiB = 1024 * 1024
/** More than the kernel's buffers of a connection take. */
const FLOOD = Buffer.alloc(48 * MiB)

describe('multiaddr conn', () => {
  const scene = new Scene()
  afterEach(() => scene.end())

  /** Collects what a conn gives until it holds `length` bytes. */
  async function take(conn: SocketConnection, length: number): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    let got = 0
    const done = Promise.withResolvers<void>()
    conn.addEventListener('message', event => {
      const chunk = event.data.subarray()
      chunks.push(chunk)
      got += chunk.byteLength
      if (got >= length) done.resolve()
    })
    await done.promise
    return Buffer.concat(chunks)
  }

  describe('writing', () => {
    it('sends arrays and lists in order', async () => {
      const { conn, peer } = await scene.pair()
      const bytes = pattern(300_000)
      conn.send(bytes.subarray(0, 10))
      conn.send(new Uint8ArrayList(bytes.subarray(10, 70_000), bytes.subarray(70_000, 200_000)))
      conn.send(new Uint8Array(0))
      conn.send(bytes.subarray(200_000))
      const received = readAll(peer)
      await conn.close()
      assert.ok((await received).equals(bytes))
    })

    it('lets everything of one tick leave in one write', async () => {
      const { conn, peer } = await scene.pair()
      const chunks: number[] = []
      peer.on('data', chunk => chunks.push(chunk.length)).resume()
      for (let i = 0; i < 500; i++) conn.send(pattern(40, i))
      await until(() => chunks.reduce((sum, n) => sum + n, 0) === 20_000)
      assert.deepEqual(chunks, [20_000])
    })

    it('says stop at the high-water mark and drains, each time anew', async () => {
      const { conn, peer } = await scene.pair()
      for (let round = 0; round < 3; round++) {
        let sent = 0
        while (conn.send(pattern(65_536))) sent++
        assert.ok(sent >= 1, 'the first send must be taken')
        assert.equal(conn.writableNeedsDrain, true)
        assert.ok(conn.writeBufferLength >= 65_536)
        let drained = false
        const waiting = conn.onDrain().then(() => {
          drained = true
        })
        await Promise.resolve()
        assert.equal(drained, false, 'onDrain() must not resolve while the buffer is full')
        peer.resume()
        await waiting
        assert.equal(conn.writableNeedsDrain, false)
        assert.equal(conn.writeBufferLength, 0)
      }
    })

    it('onDrain() ends with the signal and with the connection, and leaves no listener', async () => {
      const { conn } = await scene.pair()
      conn.send(FLOOD)
      const controller = new AbortController()
      const waiting = conn.onDrain({ signal: controller.signal })
      controller.abort(new Error('enough'))
      await assert.rejects(waiting, /enough/)
      const lost = conn.onDrain()
      conn.abort(new Error('gone'))
      await assert.rejects(lost, /gone/)
      assert.equal(conn.listenerCount('close'), 0)
    })

    it('says idle when everything has been handed to the kernel, even if it had to wait', async () => {
      const { conn, peer } = await scene.pair()
      const idle = () =>
        new Promise(resolve => conn.addEventListener('idle', resolve, { once: true }))
      const first = idle()
      conn.send(pattern(10))
      await first
      // Fill the kernel's buffers, drain once, and leave less than the high-water mark pending.
      while (conn.send(pattern(65_536))) await new Promise(resolve => setImmediate(resolve))
      peer.resume()
      await conn.onDrain()
      peer.pause()
      while (conn.writeBufferLength === 0) {
        conn.send(pattern(65_536))
        await new Promise(resolve => setImmediate(resolve))
      }
      assert.equal(conn.writableNeedsDrain, false, 'this is the case without a drain event')
      const second = idle()
      peer.resume()
      await second
      assert.equal(conn.writeBufferLength, 0)
    })

    it('resets the connection when the sender goes on far beyond "stop"', async () => {
      const { conn } = await scene.pair({ maxWriteBufferLength: MiB })
      const close = closed(conn)
      conn.send(FLOOD)
      for (let i = 0; i < 20 && conn.status === 'open'; i++) conn.send(pattern(100_000))
      assert.equal(conn.status, 'aborted')
      assert.equal((await close).error?.name, 'WriteBufferError')
    })

    it('one send may be larger than the limit', async () => {
      const { conn, peer } = await scene.pair({ maxWriteBufferLength: MiB })
      const bytes = pattern(8 * MiB)
      conn.send(bytes)
      conn.send(pattern(10))
      const received = readAll(peer)
      await conn.close()
      assert.equal((await received).length, bytes.length + 10)
    })

    it('resets a connection whose peer takes nothing', async () => {
      const { conn } = await scene.pair({ writeStallTimeout: 1 })
      conn.send(FLOOD)
      const event = await closed(conn)
      assert.equal(event.error?.name, 'WriteStalledError')
    })
  })

  describe('reading', () => {
    it('gives every byte in order, whatever is put back', async () => {
      const { conn, peer } = await scene.pair()
      conn.pause()
      conn.push(pattern(5, 5))
      conn.unshift(new Uint8ArrayList(pattern(2, 1), pattern(3, 9)))
      peer.write(pattern(4, 100))
      const got = take(conn, 14)
      conn.resume()
      assert.deepEqual(
        await got,
        Buffer.concat([pattern(2, 1), pattern(3, 9), pattern(5, 5), pattern(4, 100)])
      )
    })

    it('each chunk is memory of its own', async () => {
      const { conn, peer } = await scene.pair()
      const bytes = pattern(4 * MiB)
      peer.end(bytes)
      const chunks: Uint8Array[] = []
      for await (const chunk of conn) chunks.push(chunk)
      assert.ok(Buffer.concat(chunks).equals(bytes))
    })

    for (const [how, stall] of [
      ['paused', (conn: SocketConnection) => conn.pause()],
      ['without a listener', () => {}]
    ] as const) {
      it(`holds the peer back while ${how}, and loses nothing`, async () => {
        const { conn, peer } = await scene.pair()
        stall(conn)
        const bytes = pattern(16 * MiB)
        peer.end(bytes)
        await settled(() => peer.writableLength)
        assert.ok(peer.writableLength > 4 * MiB, `${peer.writableLength} bytes held back`)
        assert.ok(conn.readBufferLength <= 192 * 1024, `${conn.readBufferLength} bytes read`)
        const got = take(conn, bytes.length)
        if (conn.readStatus === 'paused') conn.resume()
        assert.ok((await got).equals(bytes))
      })
    }

    it('holds the peer back while a loop takes its time', async () => {
      const { conn, peer } = await scene.pair()
      const bytes = pattern(16 * MiB)
      peer.end(bytes)
      const chunks: Uint8Array[] = []
      let stalled = false
      for await (const chunk of conn) {
        chunks.push(chunk)
        if (!stalled) {
          stalled = true
          await settled(() => peer.writableLength)
          assert.ok(peer.writableLength > 4 * MiB, `${peer.writableLength} bytes held back`)
          assert.ok(conn.readBufferLength <= 192 * 1024, `${conn.readBufferLength} bytes read`)
        }
      }
      assert.ok(Buffer.concat(chunks).equals(bytes))
    })

    it('a loop that is left can be taken up again', async () => {
      const { conn, peer } = await scene.pair()
      const bytes = pattern(MiB)
      peer.end(bytes)
      const chunks: Uint8Array[] = []
      for await (const chunk of conn) {
        chunks.push(chunk)
        break
      }
      for await (const chunk of conn) chunks.push(chunk)
      assert.ok(Buffer.concat(chunks).equals(bytes))
      assert.equal(conn.listenerCount('message'), 0)
    })

    it('a pause inside a message holds at once', async () => {
      const { conn, peer } = await scene.pair()
      conn.pause()
      conn.push(pattern(3))
      conn.push(pattern(4))
      const sizes: number[] = []
      conn.addEventListener('message', event => {
        sizes.push(event.data.byteLength)
        conn.pause()
      })
      conn.resume()
      assert.deepEqual(sizes, [3])
      conn.resume()
      assert.deepEqual(sizes, [3, 4])
      peer.destroy()
    })

    it('resets the connection when more is put back than may be held', async () => {
      const { conn } = await scene.pair({ maxReadBufferLength: 1_000 })
      const close = closed(conn)
      conn.pause()
      conn.unshift(pattern(1_001))
      assert.equal((await close).error?.name, 'ReadBufferError')
    })

    it("works under libp2p's byte stream, whose remainder goes back", async () => {
      const { conn, peer } = await scene.pair()
      const bytes = byteStream(conn)
      peer.write(pattern(100))
      const head = await bytes.read({ bytes: 10 })
      assert.deepEqual(Buffer.from(head.subarray()), pattern(100).subarray(0, 10))
      const rest = take(bytes.unwrap(), 90)
      assert.deepEqual(await rest, pattern(100).subarray(10))
    })
  })

  describe('ending', () => {
    it('close() sends what is pending, then FIN', async () => {
      const { conn, peer } = await scene.pair()
      const bytes = pattern(8 * MiB)
      conn.send(bytes)
      const received = readAll(peer)
      const event = closed(conn)
      const [data] = await Promise.all([received, conn.close()])
      assert.ok(data.equals(bytes))
      assert.equal(conn.status, 'closed')
      assert.equal(peer.errored, null)
      const { local, error } = await event
      assert.deepEqual({ local, error }, { local: true, error: undefined })
      assert.ok((conn.timeline.close ?? 0) >= conn.timeline.open)
      await conn.close()
      conn.abort(new Error('too late'))
      assert.equal(conn.status, 'closed')
    })

    it('send() and close() in one tick, with the kernel full, lose nothing', async () => {
      const { conn, peer } = await scene.pair()
      let sent = 0
      while (conn.writeBufferLength === 0) {
        conn.send(pattern(65_536, sent))
        sent += 65_536
        await new Promise(resolve => setImmediate(resolve))
      }
      conn.send(pattern(10))
      assert.equal(conn.writableNeedsDrain, false)
      const [data] = await Promise.all([readAll(peer), conn.close()])
      assert.equal(data.length, sent + 10)
      assert.equal(peer.errored, null)
    })

    it('close() lets a peer that still sends finish instead of resetting it', async () => {
      const { conn, peer } = await scene.pair()
      const fate = new Promise(resolve => {
        peer.once('finish', () => resolve('taken')).once('close', () => resolve('reset'))
      })
      peer.end(pattern(16 * MiB))
      await until(() => conn.readBufferLength > 0)
      conn.send(pattern(1_000))
      // Closing the descriptor over unread bytes would make the kernel reset the connection.
      await conn.close()
      assert.equal(await fate, 'taken')
      assert.ok((await readAll(peer)).equals(pattern(1_000)))
    })

    it('close() does not wait for ever for a peer that never ends', async () => {
      const { conn, peer } = await scene.pair({ lingerTimeout: 50 })
      peer.resume()
      await conn.close()
      assert.equal(conn.status, 'closed')
    })

    it('close() gives up when the peer takes nothing, and says so', async () => {
      const { conn, peer } = await scene.pair({ lingerTimeout: 50 })
      conn.send(FLOOD)
      await assert.rejects(conn.close(), { code: 'ERR_TCP_UNSENT' })
      assert.equal(conn.status, 'aborted')
      assert.equal(await gone(peer), 'ECONNRESET')
    })

    it('lingerTimeout 0 resets at once', async () => {
      const { conn, peer } = await scene.pair({ lingerTimeout: 0 })
      const ended = gone(peer)
      await conn.close()
      assert.equal(conn.status, 'closed')
      assert.equal(await ended, 'ECONNRESET')
    })

    it('close() ends with its signal and goes on closing', async () => {
      const { conn, peer } = await scene.pair()
      conn.send(FLOOD)
      const controller = new AbortController()
      const closing = conn.close({ signal: controller.signal })
      controller.abort(new Error('no patience'))
      await assert.rejects(closing, /no patience/)
      assert.equal(conn.status, 'closing')
      peer.resume().once('end', () => peer.end())
      await conn.close()
      assert.equal(conn.status, 'closed')
    })

    it('leaves no timer behind, however it ends', async () => {
      const timers = (): number =>
        process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
      // mocha starts its own when the test first waits.
      await new Promise(resolve => setImmediate(resolve))
      const before = timers()
      const graceful = await scene.pair()
      const received = readAll(graceful.peer)
      await graceful.conn.close()
      await received
      const broken = await scene.pair()
      broken.conn.send(FLOOD)
      broken.conn.close().catch(() => {})
      broken.conn.abort(new Error('no patience'))
      await gone(broken.peer)
      assert.equal(timers(), before)
    })

    it('abort() sends RST', async () => {
      const { conn, peer } = await scene.pair()
      peer.resume()
      const event = closed(conn)
      conn.send(pattern(100))
      conn.abort(new Error('broken'))
      conn.abort(new Error('again'))
      const { error, local } = await event
      assert.deepEqual([error?.message, local], ['broken', true])
      assert.equal(await gone(peer), 'ECONNRESET')
      assert.throws(() => conn.send(pattern(1)), { name: 'StreamStateError' })
      assert.throws(() => conn.pause(), { name: 'StreamStateError' })
      assert.equal(conn.readableEnded, true)
    })

    it("answers the peer's FIN only after what is pending has left", async () => {
      const { conn, peer } = await scene.pair()
      const bytes = pattern(16 * MiB)
      conn.send(bytes)
      const fin = new Promise(resolve => conn.addEventListener('remoteCloseWrite', resolve))
      peer.end()
      await fin
      assert.equal(conn.status, 'closing')
      assert.throws(() => conn.send(pattern(1)), { name: 'StreamStateError' })
      const event = closed(conn)
      assert.ok((await readAll(peer)).equals(bytes))
      const { error, local } = await event
      assert.deepEqual([error, local, conn.status], [undefined, false, 'closed'])
    })

    it('what came before the FIN can still be read after it', async () => {
      const { conn, peer } = await scene.pair()
      peer.end(pattern(1_000))
      await closed(conn)
      assert.equal(conn.readBufferLength, 1_000)
      assert.equal(conn.readableEnded, false)
      const ended = new Promise(resolve => conn.addEventListener('end', resolve))
      assert.ok((await take(conn, 1_000)).equals(pattern(1_000)))
      await ended
      assert.equal(conn.readStatus, 'closed')
    })

    it('tells a reset by the peer from its own', async () => {
      const { conn, peer } = await scene.pair()
      const event = closed(conn)
      peer.resetAndDestroy()
      const { error, local } = await event
      assert.equal(local, false)
      assert.equal((error as { code?: string }).code, 'ERR_TCP_CONNECTION_LOST')
      assert.equal((error?.cause as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET')
      assert.equal(conn.status, 'reset')
    })

    it('a loop over a connection that is reset rejects', async () => {
      const { conn, peer } = await scene.pair()
      const loop = (async () => {
        for await (const _ of conn) peer.resetAndDestroy()
      })()
      peer.write('x')
      await assert.rejects(loop, { code: 'ERR_TCP_CONNECTION_LOST' })
    })

    it('ends a silent connection, but not one that is paused here', async () => {
      const silent = await scene.pair({ inactivityTimeout: 40 })
      const paused = await scene.pair({ inactivityTimeout: 40 })
      paused.conn.pause()
      const event = await closed(silent.conn)
      assert.equal(event.error?.name, 'InactivityError')
      await new Promise(resolve => setTimeout(resolve, 80))
      assert.equal(paused.conn.status, 'open')
      const gone = closed(paused.conn)
      paused.conn.resume()
      assert.equal((await gone).error?.name, 'InactivityError')
    })
  })

  it('can be wrapped by metrics and upgraders', async () => {
    const { conn, peer } = await scene.pair()
    const seen: string[] = []
    const send = conn.send.bind(conn)
    conn.send = data => {
      seen.push('send')
      return send(data)
    }
    const dispatch = conn.dispatchEvent.bind(conn)
    conn.dispatchEvent = event => {
      seen.push(event.type)
      return dispatch(event)
    }
    conn.log = quiet
    const got = take(conn, 1)
    conn.send(pattern(1))
    peer.write('x')
    await got
    assert.deepEqual(seen, ['send', 'message'])
  })

  /** Resolves when `value` has stopped changing: the kernel's buffers are full. */
  async function settled(value: () => number): Promise<void> {
    for (let last = -1, same = 0; same < 10; ) {
      await new Promise(resolve => setTimeout(resolve, 5))
      same = value() === last ? same + 1 : 0
      last = value()
    }
  }
})
