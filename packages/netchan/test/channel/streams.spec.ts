import assert from 'node:assert/strict'
import { pipe } from 'it-pipe'
import { channel } from '../../src/channel/channel.ts'
import { PORT } from '../../src/channel/channel-port.ts'
import {
  fromIterable,
  fromReadableStream,
  sinkTo,
  toReadableStream,
  toWritableStream
} from '../../src/channel/streams.ts'
import { settled } from './settled.ts'

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of source) values.push(value)
  return values
}

describe('streams and iterables', () => {
  it('toReadableStream gives each value when it is asked for, then the end', async () => {
    const ch = channel<number>(3)
    for (const value of [1, 2, 3]) ch.trySend(value)
    ch.close()
    const stream = toReadableStream(ch)
    await settled(Promise.resolve())
    assert.equal(ch.length, 3)
    assert.deepEqual(await all(stream), [1, 2, 3])
  })

  it('toReadableStream fails with the error of the channel', async () => {
    const ch = channel<number>(1)
    ch.trySend(1)
    ch.close(new Error('broken'))
    const reader = toReadableStream(ch).getReader()
    assert.equal((await reader.read()).value, 1)
    await assert.rejects(reader.read(), /broken/)
  })

  it('a stream that is cancelled takes no further value and leaves the channel open', async () => {
    const ch = channel<number>()
    const reader = toReadableStream(ch).getReader()
    const reading = reader.read()
    assert.equal(await settled(reading), false)
    await reader.cancel()
    assert.equal((await reading).done, true)
    assert.equal(ch.closed, false)
    assert.equal(ch.trySend(1), false)
    assert.equal(ch[PORT].blockedReceives, 0)
  })

  it('toWritableStream sends with back-pressure, and ends the channel', async () => {
    const ch = channel<number>()
    const writer = toWritableStream(ch).getWriter()
    const writing = writer.write(1)
    assert.equal(await settled(writing), false)
    assert.deepEqual(ch.tryReceive(), { done: false, value: 1 })
    await writing
    await writer.close()
    assert.equal((await ch.receive()).done, true)
  })

  it('toWritableStream fails the channel when it is aborted, or leaves it open', async () => {
    const failed = channel<number>()
    await toWritableStream(failed).abort(new Error('broken'))
    await assert.rejects(failed.receive(), /broken/)
    const stuck = channel<number>()
    const writer = toWritableStream(stuck).getWriter()
    const writing = writer.write(1)
    const aborting = writer.abort(new Error('enough'))
    await assert.rejects(writing, /enough/)
    await aborting
    assert.equal(stuck[PORT].blockedSends, 0)
    const kept = channel<number>()
    await toWritableStream(kept, { preventClose: true }).close()
    assert.equal(kept.closed, false)
  })

  it('a web stream goes through channels from end to end', async () => {
    const source = new ReadableStream<number>({
      start(controller) {
        for (let i = 0; i < 100; i++) controller.enqueue(i)
        controller.close()
      }
    })
    const between = channel<number>(4)
    const piped = toReadableStream(fromReadableStream(source)).pipeTo(toWritableStream(between))
    assert.deepEqual(
      await all(between),
      Array.from({ length: 100 }, (_, i) => i)
    )
    await piped
  })

  it('fromReadableStream cancels the stream when the channel is closed, and fails with it', async () => {
    let cancelled = false
    const endless = new ReadableStream<number>({ cancel: () => void (cancelled = true) })
    const receiver = fromReadableStream(endless)
    receiver.close()
    await settled(Promise.resolve())
    assert.equal(cancelled, true)
    const broken = new ReadableStream<number>({ start: c => c.error(new Error('broken')) })
    await assert.rejects(fromReadableStream(broken).receive(), /broken/)
  })

  it('fromIterable takes no more than it has room for', async () => {
    let taken = 0
    function* numbers(): Generator<number> {
      for (;;) yield taken++
    }
    const receiver = fromIterable(numbers(), { capacity: 3 })
    await settled(Promise.resolve())
    assert.equal(taken, 4)
    assert.equal((await receiver.receive()).value, 0)
    receiver.close()
  })

  it('fromIterable returns the iterator when the signal aborts, even while it waits', async () => {
    let returned = false
    const never: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned = true
          return { done: true, value: undefined }
        }
      })
    }
    const controller = new AbortController()
    const receiver = fromIterable(never, { signal: controller.signal })
    const receiving = receiver.receive()
    controller.abort(new Error('enough'))
    await assert.rejects(receiving, /enough/)
    assert.equal(returned, true)
  })

  it('fromIterable fails with its source', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1
      throw new Error('broken')
    }
    const receiver = fromIterable(broken())
    assert.equal((await receiver.receive()).value, 1)
    await assert.rejects(receiver.receive(), /broken/)
  })

  it('it-pipe: a receiver is a source, sinkTo a sink', async () => {
    const [from, to] = [channel<number>(5), channel<string>(5)]
    for (const value of [1, 2, 3]) from.trySend(value)
    from.close()
    await pipe(
      from,
      async function* (source) {
        for await (const value of source) yield `<${value}>`
      },
      sinkTo(to)
    )
    assert.deepEqual(await all(to), ['<1>', '<2>', '<3>'])
  })

  it('sinkTo fails when the channel is closed first, or keeps it open when told so', async () => {
    const closed = channel<number>()
    const sinking = sinkTo(closed)(fromIterable([1, 2]))
    closed.close()
    await assert.rejects(sinking, { code: 'ERR_CHANNEL_CLOSED' })
    const kept = channel<number>(2)
    await sinkTo(kept, { preventClose: true })([1, 2])
    assert.equal(kept.closed, false)
    assert.equal(kept.length, 2)
    const aborted = sinkTo(kept, { signal: AbortSignal.abort(new Error('enough')) })([3])
    await assert.rejects(aborted, /enough/)
  })
})
