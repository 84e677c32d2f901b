import assert from 'node:assert/strict'
import type { FrameLink } from '../../src/links/frame-link.ts'

/** Two ends of a link, and what ends all that is beneath. */
export interface LinkPair {
  readonly a: FrameLink
  readonly b: FrameLink
  readonly end: () => Promise<void>
}

/** Milliseconds after which a send counts as held; too short a time makes the test weaker, not red. */
const HELD_AFTER = 25

/** What every {@link FrameLink} must do. */
export function frameLinkConformance(name: string, open: () => Promise<LinkPair>): void {
  describe(`link over ${name}`, () => {
    let pair: LinkPair
    beforeEach(async () => {
      pair = await open()
    })
    afterEach(async () => {
      await Promise.all([pair.a.close(new Error('over')), pair.b.close(new Error('over'))])
      await pair.end()
    })

    it('carries frames of every size both ways, each as it was, in order', async () => {
      const { a, b } = pair
      const sizes = [1, 2, 127, 128, 1_000, 16_384, 65_535, a.maxFrameBytes, 5, a.maxFrameBytes - 1]
      const both = [
        [a, b],
        [b, a]
      ] as const
      await Promise.all(
        both.map(async ([from, to]) => {
          const sending = sendAll(from, sizes.map(patterned))
          for (const size of sizes) {
            const frame = await to.receive()
            assert.ok(frame !== undefined)
            assert.ok(Buffer.from(patterned(size)).equals(frame), `a frame of ${size} bytes`)
          }
          await sending
        })
      )
    })

    it('gives the receiver frames that are its own', async () => {
      const { a, b } = pair
      await a.send(Uint8Array.of(1, 1, 1, 1))
      await a.send(Uint8Array.of(2, 2, 2, 2))
      const first = await b.receive()
      first?.fill(9)
      assert.deepEqual([...((await b.receive()) ?? [])], [2, 2, 2, 2])
    })

    it('holds the sender while nobody receives, and lets it go on afterwards', async () => {
      const { a, b } = pair
      let sent = 0
      let held: Promise<void> | undefined
      while (held === undefined && sent < 8_192) {
        const sending = a.send(numbered(sent++, 16_384))
        if (sending !== undefined && !(await settlesSoon(sending))) held = sending
      }
      assert.ok(held !== undefined, `${sent} frames were taken and none was received`)
      for (let i = 0; i < sent; i++) assert.equal(numberOf(await b.receive()), i)
      await held
      await a.send(numbered(sent, 16_384))
      assert.equal(numberOf(await b.receive()), sent)
    })

    it('ends in order: what was sent comes, then the end', async () => {
      const { a, b } = pair
      await sendAll(
        a,
        [0, 1, 2].map(i => numbered(i, 5_000))
      )
      const closing = a.close()
      for (let i = 0; i < 3; i++) assert.equal(numberOf(await b.receive()), i)
      assert.equal(await b.receive(), undefined)
      assert.equal(await b.receive(), undefined)
      await Promise.all([closing, b.close(), a.close()])
      await assert.rejects(async () => a.send(numbered(0, 10)))
      await assert.rejects(async () => b.send(numbered(0, 10)))
    })

    it('ends in order also when there are frames that nobody received', async () => {
      const { a, b } = pair
      await sendAll(
        b,
        [0, 1].map(i => numbered(i, 1_000))
      )
      assert.equal(numberOf(await a.receive()), 0)
      const closing = a.close()
      assert.equal(await b.receive(), undefined)
      await Promise.all([closing, b.close()])
    })

    it('ends both directions when both ends close at once', async () => {
      await Promise.all([pair.a.close(), pair.b.close()])
    })

    it('ends at once with a reason: both ends hear of it, whatever they do', async () => {
      const { a, b } = pair
      const [here, there] = [a.receive(), b.receive()]
      const outcome = Promise.allSettled([here, there])
      await a.close(new Error('enough'))
      const [own, peers] = await outcome
      assert.equal(own.status, 'rejected')
      assert.equal(peers.status, 'rejected')
      await assert.rejects(async () => {
        // The first may leave before the end is known.
        for (;;) {
          await b.send(numbered(0, 10))
          await new Promise(resolve => setImmediate(resolve))
        }
      })
      await b.close()
    })

    it('ends at once while a send is held', async () => {
      const { a } = pair
      let held: Promise<void> | undefined
      for (let i = 0; held === undefined && i < 8_192; i++) {
        const sending = a.send(numbered(i, 16_384))
        if (sending !== undefined && !(await settlesSoon(sending))) held = sending
      }
      assert.ok(held !== undefined)
      const outcome = Promise.allSettled([held])
      await a.close(new Error('enough'))
      assert.equal((await outcome)[0].status, 'rejected')
    })

    it('a receive that is aborted takes no frame', async () => {
      const { a, b } = pair
      const controller = new AbortController()
      const receiving = b.receive(controller.signal)
      controller.abort(new Error('enough'))
      await assert.rejects(receiving, /enough/)
      await assert.rejects(b.receive(controller.signal), /enough/)
      await a.send(numbered(7, 100))
      assert.equal(numberOf(await b.receive()), 7)
    })

    it('a signal that has aborted stops a send', async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      await assert.rejects(async () => pair.a.send(numbered(1, 10), signal), /enough/)
      await pair.a.send(numbered(2, 10))
      assert.equal(numberOf(await pair.b.receive()), 2)
    })

    it('refuses a frame over its limit, and goes on', async () => {
      const { a, b } = pair
      assert.ok(a.maxFrameBytes >= 1_024)
      const large = new Uint8Array(a.maxFrameBytes + 1)
      await assert.rejects(async () => a.send(large), { code: 'ERR_FRAME_LINK' })
      await a.send(numbered(3, 100))
      assert.equal(numberOf(await b.receive()), 3)
    })

    it('says who is at the other end', () => {
      assert.ok(pair.a.peer.length > 0)
      assert.ok(pair.b.peer.length > 0)
    })
  })
}

async function sendAll(link: FrameLink, frames: readonly Uint8Array[]): Promise<void> {
  for (const frame of frames) await link.send(frame)
}

async function settlesSoon(promise: Promise<void>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<false>(resolve => setTimeout(resolve, HELD_AFTER, false))
  ])
}

/** Bytes that are wrong at once when one is lost or moved. */
function patterned(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff)
}

function numbered(number: number, size: number): Uint8Array {
  const frame = new Uint8Array(size)
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

function numberOf(frame: Uint8Array | undefined): number {
  assert.ok(frame !== undefined, 'the link has ended')
  return new DataView(frame.buffer, frame.byteOffset).getUint32(0)
}
