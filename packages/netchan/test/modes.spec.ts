import assert from 'node:assert/strict'
import { channel } from '../src/channel/channel.ts'
import type { Receiver } from '../src/channel/channel-types.ts'
import type { OverloadPolicy } from '../src/directions.ts'
import { Linked, fill, quiet } from './linked.ts'

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = []
  for await (const value of values) got.push(value)
  return got
}

/** What is there now. */
function now(receiver: Receiver<number>): number[] {
  const got: number[] = []
  for (let next = receiver.tryReceive(); next?.done === false; next = receiver.tryReceive()) {
    got.push(next.value)
  }
  return got
}

describe('queue: competing consumers', () => {
  it('each value goes to exactly one of four importers', async () => {
    await using pair = new Linked()
    const jobs = channel<number>(0)
    pair.exporter.export('jobs', jobs, 'send')
    const receivers: Receiver<number>[] = []
    for (let i = 0; i < 4; i++) {
      receivers.push(await (await pair.join()).importer.import<number>('jobs', 'recv', { size: 3 }))
    }
    const taken = receivers.map(receiver => all(receiver))
    for (let i = 0; i < 400; i++) await jobs.send(i)
    jobs.close()
    const parts = await Promise.all(taken)
    assert.deepEqual(
      parts.flat().sort((a, b) => a - b),
      Array.from({ length: 400 }, (_, i) => i)
    )
    for (const part of parts) assert.ok(part.length > 20, `one importer got ${part.length} of 400`)
  })

  it('an importer that does not read keeps what is in its window, and the others get the rest', async () => {
    await using pair = new Linked()
    const jobs = channel<number>(0)
    pair.exporter.export('jobs', jobs, 'send')
    await (await pair.join()).importer.import<number>('jobs', 'recv', { size: 5 })
    const reader = await (await pair.join()).importer.import<number>('jobs', 'recv', { size: 5 })
    const taken: number[] = []
    void (async () => {
      for await (const value of reader) taken.push(value)
    })().catch(() => {})
    for (let i = 0; i < 100; i++) await jobs.send(i)
    while (taken.length < 95) await quiet()
    assert.equal(pair.exporter.stats().jobs?.pending, 5)
  })

  it('the end is told once nobody holds values that could come back', async () => {
    await using pair = new Linked()
    const jobs = channel<number>(0)
    pair.exporter.export('jobs', jobs, 'send')
    const idle = await pair.join()
    await idle.importer.import<number>('jobs', 'recv', { size: 2 })
    assert.equal(await fill(jobs), 2)
    const reader = await (await pair.join()).importer.import<number>('jobs', 'recv')
    jobs.close()
    await quiet()
    assert.deepEqual(reader.tryReceive(), undefined)
    idle.importer.abort()
    assert.deepEqual(await all(reader), [0, 1])
  })

  it('what a cut importer had not taken is for the next one alone', async () => {
    await using pair = new Linked()
    const jobs = channel<number>(0)
    pair.exporter.export('jobs', jobs, 'send')
    const cut = await pair.join()
    const lost = await cut.importer.import<number>('jobs', 'recv', { size: 3 })
    assert.equal(await fill(jobs), 3)
    await cut.link.close(new Error('cut'))
    await cut.importer.closed
    await assert.rejects(lost.receive(), { code: 'ERR_NETCHAN_LINK_LOST' })
    const next = await (await pair.join()).importer.import<number>('jobs', 'recv', { size: 3 })
    jobs.close()
    assert.deepEqual(await all(next), [0, 1, 2])
  })

  it('without an importer nothing is taken from the channel', async () => {
    await using pair = new Linked()
    const jobs = channel<number>(2)
    pair.exporter.export('jobs', jobs, 'send')
    assert.equal(await fill(jobs), 2)
    await assert.rejects(pair.exporter.drain({ timeout: 10 }), { message: /jobs \(2\)/ })
  })

  it('the same channel under two names', async () => {
    await using pair = new Linked()
    const jobs = channel<number>(0)
    pair.exporter.export('one', jobs, 'send')
    pair.exporter.export('two', jobs, 'send')
    const { importer } = await pair.join()
    const both = [
      await importer.import<number>('one', 'recv'),
      await importer.import<number>('two', 'recv')
    ]
    for (let i = 0; i < 10; i++) await jobs.send(i)
    jobs.close()
    const parts = await Promise.all(both.map(receiver => all(receiver)))
    assert.deepEqual(
      parts.flat().sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    )
  })
})

describe('broadcast', () => {
  async function scene(overload: OverloadPolicy) {
    const pair = new Linked()
    const news = channel<number>(0)
    pair.exporter.export('news', news, 'send', { mode: 'broadcast', overload, backlog: 3 })
    const [a, b] = [await pair.join(), await pair.join()]
    const fast = await a.importer.import<number>('news', 'recv', { size: 2, capacity: 100 })
    const slow = await b.importer.import<number>('news', 'recv', { size: 2 })
    return { pair, news, fast, slow, slowImporter: b.importer }
  }

  it('each importer gets all, the slowest sets the pace', async () => {
    const { pair, news, fast, slow } = await scene('block')
    assert.equal(await fill(news), 2)
    assert.deepEqual(now(fast), [0, 1])
    assert.deepEqual(now(slow), [0, 1])
    const [left, right] = [all(fast), all(slow)]
    for (let i = 2; i < 100; i++) await news.send(i)
    news.close()
    assert.deepEqual(
      await left,
      Array.from({ length: 98 }, (_, i) => i + 2)
    )
    assert.deepEqual(await right, await left)
    assert.equal(pair.exporter.stats().news?.dropped, 0)
    await pair[Symbol.asyncDispose]()
  })

  it('an importer that is cut, or leaves, holds up nobody', async () => {
    const { pair, news, fast, slowImporter } = await scene('block')
    assert.equal(await fill(news), 2)
    slowImporter.hangup('news')
    await quiet()
    assert.equal(await fill(news, 2, 50), 50)
    await quiet()
    assert.deepEqual(
      now(fast),
      Array.from({ length: 52 }, (_, i) => i)
    )
    await pair[Symbol.asyncDispose]()
  })

  it('what came before the link was cut can still be taken', async () => {
    const { pair, news, slow, slowImporter } = await scene('block')
    assert.equal(await fill(news), 2)
    slowImporter.abort()
    assert.deepEqual(await slow.receive(), { done: false, value: 0 })
    assert.deepEqual(await slow.receive(), { done: false, value: 1 })
    await assert.rejects(slow.receive(), { code: 'ERR_NETCHAN_LINK_LOST' })
    await pair[Symbol.asyncDispose]()
  })

  it('one that comes later gets what is sent from then on', async () => {
    const { pair, news, fast, slow } = await scene('block')
    await news.send(0)
    await quiet()
    const late = await (await pair.join()).importer.import<number>('news', 'recv')
    await news.send(1)
    news.close()
    assert.deepEqual(await all(late), [1])
    assert.deepEqual(await all(fast), [0, 1])
    assert.deepEqual(await all(slow), [0, 1])
    await pair[Symbol.asyncDispose]()
  })

  /** 20 values; the fast one takes each, the slow one none until the end: 2 are in its window. */
  const kept: Record<Exclude<OverloadPolicy, 'block' | 'error'>, number[]> = {
    'drop-newest': [0, 1, 2, 3, 4],
    'drop-oldest': [0, 1, 17, 18, 19],
    latest: [0, 1, 19]
  }
  for (const [overload, expected] of Object.entries(kept)) {
    it(`${overload}: only the slow importer loses values, and they are counted`, async () => {
      const { pair, news, fast, slow } = await scene(overload as OverloadPolicy)
      for (let i = 0; i < 20; i++) {
        await news.send(i)
        await quiet()
      }
      assert.deepEqual(
        now(fast),
        Array.from({ length: 20 }, (_, i) => i)
      )
      news.close()
      assert.deepEqual(await all(slow), expected)
      assert.equal(pair.exporter.stats().news?.dropped, 20 - expected.length)
      await pair[Symbol.asyncDispose]()
    })
  }

  it('error: the slow importer is unbound with an error, after what it had', async () => {
    const { pair, news, fast, slow } = await scene('error')
    for (let i = 0; i < 20; i++) {
      await news.send(i)
      await quiet()
    }
    const got: number[] = []
    await assert.rejects(
      async () => {
        for await (const value of slow) got.push(value)
      },
      { code: 'ERR_OVERLOAD' }
    )
    assert.deepEqual(got, [0, 1])
    assert.equal(now(fast).length, 20)
    await pair[Symbol.asyncDispose]()
  })
})

describe('fan-in', () => {
  it('what four importers send comes together, each in its order', async () => {
    await using pair = new Linked()
    const sums = channel<[number, number]>(0)
    pair.exporter.export('sums', sums, 'recv', { closeWithLast: true })
    const senders = await Promise.all(
      Array.from({ length: 4 }, async () =>
        (await pair.join()).importer.import<[number, number]>('sums', 'send', { size: 3 })
      )
    )
    const sent = senders.map(async (sender, who) => {
      for (let i = 0; i < 100; i++) await sender.send([who, i])
      sender.close()
    })
    const next: Record<number, number> = { 0: 0, 1: 0, 2: 0, 3: 0 }
    for await (const [who, i] of sums) {
      assert.equal(i, next[who])
      next[who] = i + 1
    }
    assert.deepEqual(Object.values(next), [100, 100, 100, 100])
    await Promise.all(sent)
  })
})
