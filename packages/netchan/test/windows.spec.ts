import assert from 'node:assert/strict'
import { channel } from '../src/channel/channel.ts'
import { bytesCodec } from '../src/codec/bytes-codec.ts'
import { createExporter } from '../src/exporter/exporter.ts'
import { importFrom } from '../src/importer/importer.ts'
import type { FrameLink } from '../src/links/frame-link.ts'
import { memoryLinks } from '../src/links/memory-link.ts'
import { fill, linked, quiet } from './linked.ts'

/** A link whose receiving can be held. */
class SlowLink implements FrameLink {
  readonly #link: FrameLink
  #held: Promise<void> = Promise.resolve()
  #release = (): void => {}

  constructor(link: FrameLink) {
    this.#link = link
  }

  get maxFrameBytes(): number {
    return this.#link.maxFrameBytes
  }

  get peer(): string {
    return this.#link.peer
  }

  hold(): void {
    this.#held = new Promise(resolve => {
      this.#release = resolve
    })
  }

  release(): void {
    this.#release()
  }

  send(frame: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    return this.#link.send(frame, signal)
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const packet = await this.#link.receive(signal)
    await this.#held
    return packet
  }

  close(reason?: Error): Promise<void> {
    return this.#link.close(reason)
  }
}

/** So that what is taken counts at once. */
const PROMPT = { creditDelay: 0 }

describe('windows', function () {
  this.timeout(30_000)

  for (const size of [1, 3, 20, 1_000]) {
    for (const capacity of [0, 4]) {
      it(`${size} unread values and ${capacity} in the local channel: importer receives`, async () => {
        await using pair = await linked(PROMPT, PROMPT)
        const local = channel<number>(0)
        pair.exporter.export('numbers', local, 'send')
        const options = { size, capacity }
        const receiver = await pair.importer.import<number>('numbers', 'recv', options)
        assert.equal(await fill(local), size + capacity)
        // Each value that is taken makes room for one more.
        const taken = Math.min(5, size)
        for (let i = 0; i < taken; i++) {
          assert.deepEqual(await receiver.receive(), { done: false, value: i })
        }
        assert.equal(await fill(local, size + capacity), taken)
      })

      it(`${size} unread values and ${capacity} in the local channel: exporter receives`, async () => {
        await using pair = await linked(PROMPT, PROMPT)
        const local = channel<number>(capacity)
        pair.exporter.export('numbers', local, 'recv')
        const sender = await pair.importer.import<number>('numbers', 'send', { size })
        assert.equal(await fill(sender), size + capacity)
        for (let i = 0; i < size + capacity; i++) {
          assert.deepEqual(await local.receive(), { done: false, value: i })
        }
      })
    }
  }

  it('the exporter says how large a window it gives', async () => {
    await using pair = await linked()
    pair.exporter.export('numbers', channel<number>(0), 'recv', { maxWindow: 7 })
    const sender = await pair.importer.import<number>('numbers', 'send', { size: 1_000 })
    assert.equal(await fill(sender), 7)
  })

  it('bytes bound it too: a value may begin while one byte is left', async () => {
    await using pair = await linked(PROMPT, PROMPT)
    const codec = bytesCodec()
    const local = channel<Uint8Array>(0)
    pair.exporter.export('bytes', local, 'send', { codec })
    const options = { codec, size: 100, windowBytes: 1_000 }
    const receiver = await pair.importer.import<Uint8Array>('bytes', 'recv', options)
    let sent = 0
    for (; local.trySend(new Uint8Array(300)); sent++) await quiet()
    assert.equal(sent, 4)
    await receiver.receive()
    await quiet()
    assert.equal(local.trySend(new Uint8Array(5_000)), true)
    await quiet()
    for (let i = 0; i < 4; i++) {
      assert.equal(local.trySend(new Uint8Array(1)), false)
      await receiver.receive()
      await quiet()
    }
    assert.equal(local.trySend(new Uint8Array(1)), true)
  })

  it('credits come in batches: a window that is read at once costs few of them', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('numbers', local, 'send')
    const receiver = await pair.importer.import<number>('numbers', 'recv', { size: 1_000 })
    let credits = 0
    const send = pair.link.send.bind(pair.link)
    const receive = pair.link.receive.bind(pair.link)
    pair.link.send = (frame, signal) => send(frame, signal)
    pair.link.receive = async signal => {
      const packet = await receive(signal)
      credits++
      return packet
    }
    const sending = (async () => {
      for (let i = 0; i < 10_000; i++) await local.send(i)
      local.close()
    })()
    let received = 0
    for await (const _ of receiver) received++
    await sending
    assert.equal(received, 10_000)
    assert.ok(credits < 200, `${credits} packets of credit for 10,000 values`)
  })

  it('a channel that waited for room in the link goes on by itself', async () => {
    const exporter = createExporter()
    const codec = bytesCodec()
    const [big, small] = [channel<Uint8Array>(0), channel<Uint8Array>(0)]
    exporter.export('big', big, 'send', { codec })
    exporter.export('small', small, 'send', { codec })
    const [here, there] = memoryLinks()
    void exporter.serveConn(here)
    const slow = new SlowLink(there)
    const importer = await importFrom(slow)
    const options = { codec, size: 10_000, windowBytes: 16_777_216 }
    await importer.import('big', 'recv', options)
    const receiver = await importer.import<Uint8Array>('small', 'recv', options)
    slow.hold()
    // Never read: no credit for it wakes anything.
    while (big.trySend(new Uint8Array(10_000)));
    const sending = small.send(Uint8Array.of(1))
    await quiet()
    slow.release()
    await sending
    assert.deepEqual((await receiver.receive()).value, Uint8Array.of(1))
    importer.abort()
    exporter.abort()
  })

  it('a link that takes nothing holds its channels at 256 KiB, whatever their windows', async () => {
    const exporter = createExporter()
    const codec = bytesCodec()
    const locals = [channel<Uint8Array>(0), channel<Uint8Array>(0), channel<Uint8Array>(0)]
    for (const [i, local] of locals.entries()) exporter.export(`${i}`, local, 'send', { codec })
    const [here, there] = memoryLinks()
    void exporter.serveConn(here)
    const slow = new SlowLink(there)
    const importer = await importFrom(slow)
    const options = { codec, size: 10_000, windowBytes: 16_777_216 }
    const receivers = await Promise.all(
      locals.map((_, i) => importer.import<Uint8Array>(`${i}`, 'recv', options))
    )
    slow.hold()
    const sent = [0, 0, 0]
    const sending = locals.map(async (local, i) => {
      for (let k = 0; k < 400; k++) {
        await local.send(new Uint8Array(4_000))
        sent[i] = k + 1
      }
      local.close()
    })
    await quiet()
    const waiting = sent.reduce((sum, each) => sum + each, 0) * 4_000
    assert.ok(waiting > 200_000 && waiting < 700_000, `${waiting} bytes wait for the link`)
    slow.release()
    const received = receivers.map(async receiver => {
      let count = 0
      for await (const _ of receiver) count++
      return count
    })
    assert.deepEqual(await Promise.all(received), [400, 400, 400])
    await Promise.all(sending)
    await importer.close()
    await exporter.close()
  })

  it('1,000 channels on one link, one of them never read: the others flow', async () => {
    await using pair = await linked()
    const { exporter, importer } = pair
    const locals = Array.from({ length: 1_000 }, () => channel<number>(0))
    for (const [i, local] of locals.entries()) exporter.export(`n${i}`, local, 'send')
    const receivers = await Promise.all(
      locals.map((_, i) => importer.import<number>(`n${i}`, 'recv', { size: 4 }))
    )
    const senders = locals.map(async (local, i) => {
      if (i === 500) return fill(local)
      for (let k = 0; k < 10; k++) await local.send(k)
      local.close()
      return 10
    })
    const read = receivers.map(async (receiver, i) => {
      if (i === 500) return
      let k = 0
      for await (const value of receiver) assert.equal(value, k++)
      assert.equal(k, 10)
    })
    await Promise.all(read)
    assert.equal(await senders[500], 4)
  })
})
