import assert from 'node:assert/strict'
import { once } from 'node:events'
import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'
import { MessageChannel, Worker } from 'node:worker_threads'
import { asFrameLink } from '../../src/links/as-frame-link.ts'
import type { LinkSource } from '../../src/links/as-frame-link.ts'
import { memoryLinks } from '../../src/links/memory-link.ts'
import { portLink } from '../../src/links/port-link.ts'
import type { PortLike } from '../../src/links/port-link.ts'
import { socketLink } from '../../src/links/socket-link.ts'
import { frameLinkConformance } from './conformance.ts'
import type { LinkPair } from './conformance.ts'
import { sessions, sockets, streams } from './pairs.ts'
import type { Pair } from './pairs.ts'

function over(open: () => Promise<Pair<LinkSource>>): () => Promise<LinkPair> {
  return async () => {
    const { a, b, end } = await open()
    return { a: asFrameLink(a), b: asFrameLink(b), end }
  }
}

const nothing = async (): Promise<void> => {}

frameLinkConformance('memory', async () => {
  const [a, b] = memoryLinks()
  return { a, b, end: nothing }
})
frameLinkConformance(
  'a MessagePort',
  over(async () => {
    const { port1, port2 } = new MessageChannel()
    return { a: port1, b: port2, end: nothing }
  })
)
frameLinkConformance('a port of the browser', async () => {
  const { port1, port2 } = new MessageChannel()
  return { a: portLink(webPort(port1)), b: portLink(webPort(port2)), end: nothing }
})
frameLinkConformance('a socket', over(sockets))
frameLinkConformance('a stream of libp2p', over(streams))
frameLinkConformance('a session of a tunnel', over(sessions))

describe('links', () => {
  it('a session carries its link over a broken connection', async () => {
    const { a, b, cut, end } = await sessions()
    const [from, to] = [asFrameLink(a), asFrameLink(b)]
    const frames = 400
    const sending = (async () => {
      for (let i = 0; i < frames; i++) {
        if (i === 100 || i === 300) cut()
        const frame = new Uint8Array(2_000).fill(i & 0xff)
        frame[0] = i >> 8
        await from.send(frame)
      }
    })()
    for (let i = 0; i < frames; i++) {
      const frame = await to.receive()
      assert.equal(((frame?.[0] ?? 0) << 8) | (frame?.[1] ?? 0), i)
    }
    await sending
    assert.ok(a.stats().resumes > 0)
    await Promise.all([from.close(), to.close()])
    await end()
  })

  describe('of bytes', () => {
    it('any chunking gives the same frames', async () => {
      const [raw, end] = duplexPair()
      const link = socketLink(end)
      const bytes = Buffer.concat([
        Buffer.from([3, 1, 2, 3, 1, 9, 0x80, 0x02]),
        Buffer.alloc(256, 7)
      ])
      const received: number[] = []
      const reading = (async () => {
        for (;;) {
          const frame = await link.receive()
          if (frame === undefined) return
          received.push(frame.length)
        }
      })()
      for (const byte of bytes) raw.write(Buffer.of(byte))
      raw.end()
      raw.resume()
      await reading
      assert.deepEqual(received, [3, 1, 256])
      await link.close()
    })

    it('nothing more is read while a frame waits to be received', async () => {
      const [raw, end] = duplexPair()
      const link = socketLink(end)
      const frame = Buffer.concat([Buffer.from([0x80, 0x80, 0x01]), Buffer.alloc(16_384, 7)])
      for (let i = 0; i < 100; i++) raw.write(frame)
      for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
      assert.ok(raw.writableLength > 80 * frame.length, `${raw.writableLength}`)
      for (let i = 0; i < 100; i++) assert.equal((await link.receive())?.length, 16_384)
      assert.equal(raw.writableLength, 0)
      raw.end()
      raw.resume()
      await link.close()
    })

    it('a stream of libp2p is paused while a frame waits to be received', async () => {
      const { a, b, end } = await streams()
      const [from, to] = [asFrameLink(a), asFrameLink(b)]
      for (let i = 0; i < 2; i++) {
        await from.send(Uint8Array.of(i))
        while (b.readStatus !== 'paused') await new Promise(resolve => setImmediate(resolve))
        assert.deepEqual([...((await to.receive()) ?? [])], [i])
        const waiting = to.receive()
        assert.equal(b.readStatus, 'readable')
        await from.send(Uint8Array.of(9))
        await waiting
      }
      await Promise.all([from.close(), to.close()])
      await end()
    })

    const hostile: Record<string, Buffer> = {
      'a length beyond the limit': Buffer.from('ffffff7f', 'hex'),
      'a length that never ends': Buffer.alloc(64, 0xff),
      'a length that is not canonical': Buffer.from('8100', 'hex')
    }
    for (const [what, bytes] of Object.entries(hostile)) {
      it(`${what} ends the link, before anything is allocated`, async () => {
        const { a, b, end } = await sockets()
        const link = asFrameLink(b)
        const closed = new Promise(resolve => a.once('close', resolve))
        a.on('error', () => {})
        a.write(bytes)
        await assert.rejects(link.receive(), { code: 'ERR_FRAME_TOO_LONG' })
        await assert.rejects(async () => link.send(Uint8Array.of(1)))
        await closed
        await link.close()
        await end()
      })
    }

    it('an end in the middle of a frame is no end in order', async () => {
      for (const bytes of [Buffer.of(5, 1, 2), Buffer.of(0x80), Buffer.of(2, 1, 1, 7)]) {
        const [raw, far]: Duplex[] = duplexPair()
        assert.ok(raw !== undefined && far !== undefined)
        const link = socketLink(far)
        raw.end(bytes)
        raw.resume()
        if (bytes.length === 4) assert.deepEqual([...((await link.receive()) ?? [])], [1, 1])
        await assert.rejects(link.receive(), { code: 'ERR_FRAME_LINK' })
        await link.close()
      }
    })

    it('a connection that breaks is no end in order', async () => {
      const { a, b, end } = await sockets()
      const link = asFrameLink(b)
      const receiving = link.receive()
      a.resetAndDestroy()
      await assert.rejects(receiving, { code: 'ERR_FRAME_LINK' })
      await link.close()
      await end()
    })
  })

  describe('of a port', () => {
    for (const [what, message] of Object.entries({
      'no frame': { length: 5 },
      'a frame over the limit': new Uint8Array(131_073),
      'an acknowledgement of nothing': 'taken'
    })) {
      it(`${what} ends the link`, async () => {
        const { port1, port2 } = new MessageChannel()
        const link = portLink(port1)
        port2.postMessage(message)
        await assert.rejects(link.receive(), { code: 'ERR_FRAME_LINK' })
        await assert.rejects(async () => link.send(Uint8Array.of(1)))
      })
    }

    it('a peer that does not wait is cut off: what it sent is bounded', async () => {
      const { port1, port2 } = new MessageChannel()
      const link = portLink(port1)
      const closed = once(port2, 'close')
      port2.start()
      for (let i = 0; i < 100; i++) port2.postMessage(Uint8Array.of(i))
      await closed
      let received = 0
      await assert.rejects(
        async () => {
          for (;;) {
            await link.receive()
            received++
          }
        },
        { code: 'ERR_FRAME_LINK' }
      )
      assert.equal(received, 8)
    })

    it('a port that is closed without a word breaks the link', async () => {
      const { port1, port2 } = new MessageChannel()
      const link = portLink(port1)
      const receiving = link.receive()
      port2.close()
      await assert.rejects(receiving, { code: 'ERR_FRAME_LINK' })
    })

    it('a worker that ends breaks the link', async () => {
      const worker = new Worker('setTimeout(() => process.exit(0), 20)', { eval: true })
      const link = asFrameLink(worker)
      await assert.rejects(link.receive(), { code: 'ERR_FRAME_LINK' })
    })
  })

  it('of what is none is refused', () => {
    assert.throws(() => asFrameLink({} as LinkSource), { code: 'ERR_NETCHAN_OPTION' })
    const [link] = memoryLinks()
    assert.equal(asFrameLink(link), link)
  })
})

/** Hides Node's own methods of a port, so that only the browser's are there. */
function webPort(port: InstanceType<typeof MessageChannel>['port1']): PortLike {
  return {
    postMessage: (message, transfer) => port.postMessage(message, [...(transfer ?? [])]),
    addEventListener: (event, handler) => port.addEventListener(event, handler),
    removeEventListener: (event, handler) => port.removeEventListener(event, handler),
    start: () => port.start(),
    close: () => port.close()
  }
}
