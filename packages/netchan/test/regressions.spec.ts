import assert from 'node:assert/strict'
import * as v from 'valibot'
import { channel } from '../src/channel/channel.ts'
import { memoryLinks } from '../src/links/memory-link.ts'
import { createExporter } from '../src/exporter/exporter.ts'
import { importFrom } from '../src/importer/importer.ts'
import { Linked, fill, linked, quiet } from './linked.ts'

const End = { done: true, value: undefined }

/** What came out of a channel until its end. */
async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = []
  for await (const value of values) got.push(value)
  return got
}

describe("regressions: what was measured wrong in Go's netchan", () => {
  it('R19: an element type that differs is a typed error of the bind, naming the fields', async () => {
    await using pair = await linked()
    const Order = v.object({ id: v.number(), price: v.object({ amount: v.number() }) })
    const Other = v.object({
      id: v.string(),
      price: v.object({ amount: v.number(), unit: v.string() })
    })
    pair.exporter.export('orders', channel<v.InferInput<typeof Order>>(), 'send', { schema: Order })
    await assert.rejects(pair.importer.import('orders', 'recv', { schema: Other }), error => {
      const { code, differences } = error as { code: string; differences: { path: string }[] }
      assert.equal(code, 'ERR_SCHEMA_MISMATCH')
      assert.deepEqual(differences.map(({ path }) => path).sort(), ['id', 'price.unit'])
      assert.match((error as Error).message, /id is .*string.* here and .*number.* there/)
      return true
    })
    // The name is free, and the link as good as before.
    await pair.importer.import('orders', 'recv', { schema: Order })
  })

  it('R20: when the peer closes in order, receivers end', async () => {
    const [here, there] = memoryLinks()
    const exporter = createExporter()
    const local = channel<number>(5)
    exporter.export('numbers', local, 'send')
    const served = exporter.serveConn(here)
    const importer = await importFrom(there)
    const receiver = await importer.import<number>('numbers', 'recv')
    await local.send(1)
    const waiting = all(receiver)
    await exporter.close()
    assert.deepEqual(await waiting, [1])
    assert.equal(await importer.closed, undefined)
    await served
  })

  it('R20: when the peer vanishes, receivers end with an error that says so', async () => {
    await using pair = await linked()
    pair.exporter.export('numbers', channel<number>(), 'send')
    const receiver = await pair.importer.import('numbers', 'recv')
    const waiting = receiver.receive()
    await pair.link.close(new Error('cut'))
    await assert.rejects(waiting, { code: 'ERR_NETCHAN_LINK_LOST' })
  })

  it('R20: a link that just ends, without a goodbye, is no end in order', async () => {
    await using pair = await linked()
    pair.exporter.export('numbers', channel<number>(), 'send')
    const receiver = await pair.importer.import('numbers', 'recv')
    const waiting = receiver.receive()
    await pair.link.close()
    await assert.rejects(waiting, { code: 'ERR_NETCHAN_LINK_LOST' })
  })

  for (const count of [1, 3, 7]) {
    it(`R21: a counted import of ${count} ends after ${count}, at both ends`, async () => {
      await using pair = await linked()
      const local = channel<number>(10)
      pair.exporter.export('numbers', local, 'send')
      for (let i = 0; i < 10; i++) await local.send(i)
      const receiver = await pair.importer.import<number>('numbers', 'recv', { size: 3, count })
      assert.deepEqual(
        await all(receiver),
        Array.from({ length: count }, (_, i) => i)
      )
      await quiet()
      assert.equal(pair.exporter.debug().bound, 0)
      // What was not asked for is still there.
      assert.deepEqual(local.tryReceive(), { done: false, value: count })
    })
  }

  it('R21: a counted sender is closed after its count, at both ends', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('numbers', local, 'recv')
    const sender = await pair.importer.import<number>('numbers', 'send', { size: 5, count: 2 })
    await sender.send(1)
    await sender.send(2)
    assert.deepEqual(await local.receive(), { done: false, value: 1 })
    assert.deepEqual(await local.receive(), { done: false, value: 2 })
    await quiet()
    assert.equal(sender.closed, true)
    await assert.rejects(sender.send(3), { code: 'ERR_CHANNEL_CLOSED' })
    assert.equal(pair.exporter.debug().bound, 0)
  })

  it('R22: values taken for an importer that left go to the next, in order, none twice', async () => {
    await using pair = new Linked()
    const local = channel<number>(0)
    pair.exporter.export('jobs', local, 'send')
    const first = await pair.join()
    const leaving = await first.importer.import<number>('jobs', 'recv', { size: 4 })
    assert.equal(await fill(local), 4)
    assert.deepEqual(await leaving.receive(), { done: false, value: 0 })
    first.importer.hangup('jobs')
    await quiet()
    assert.equal(pair.exporter.stats().jobs?.redelivered, 3)
    const second = await pair.join()
    const next = await second.importer.import<number>('jobs', 'recv', { size: 8 })
    await local.send(4)
    local.close()
    assert.deepEqual(await all(next), [1, 2, 3, 4])
  })

  it('R22: the same when its link is cut while another importer is bound', async () => {
    await using pair = new Linked()
    const local = channel<number>(0)
    pair.exporter.export('jobs', local, 'send')
    const first = await pair.join()
    await first.importer.import<number>('jobs', 'recv', { size: 3 })
    assert.equal(await fill(local), 3)
    const second = await pair.join()
    const next = await second.importer.import<number>('jobs', 'recv', { size: 3 })
    await first.link.close(new Error('cut'))
    for (let i = 0; i < 3; i++) assert.deepEqual(await next.receive(), { done: false, value: i })
    local.close()
    assert.deepEqual(await next.receive(), End)
  })

  it('R23: sync waits for values that nobody has taken, and times out', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('numbers', local, 'send')
    const receiver = await pair.importer.import<number>('numbers', 'recv', { size: 3 })
    assert.equal(await fill(local), 3)
    await assert.rejects(pair.exporter.sync({ timeout: 20 }), {
      code: 'ERR_NETCHAN_TIMEOUT',
      message: /numbers/
    })
    let synced = false
    const sync = pair.exporter.sync().then(() => {
      synced = true
    })
    await receiver.receive()
    await receiver.receive()
    await quiet()
    assert.equal(synced, false)
    // A value sent later is not waited for.
    await local.send(3)
    await receiver.receive()
    await sync
  })

  it('R23: sync of an importer waits for the application at the exporter', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('numbers', local, 'recv')
    const sender = await pair.importer.import<number>('numbers', 'send', { size: 3 })
    await sender.send(1)
    await assert.rejects(pair.importer.sync({ timeout: 20 }), { code: 'ERR_NETCHAN_TIMEOUT' })
    const sync = pair.importer.sync()
    await local.receive()
    await sync
  })

  it('R24: drain of an importer ends when all of a count within the window is taken', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('numbers', local, 'recv')
    const sender = await pair.importer.import<number>('numbers', 'send', { size: 10, count: 5 })
    for (let i = 0; i < 5; i++) await sender.send(i)
    await assert.rejects(pair.importer.drain({ timeout: 20 }), {
      code: 'ERR_NETCHAN_TIMEOUT',
      message: /numbers \(5\)/
    })
    const drained = pair.importer.drain()
    for (let i = 0; i < 5; i++) await local.receive()
    await drained
  })

  it('R25: one of two senders closes, the other goes on', async () => {
    await using pair = new Linked()
    const local = channel<string>(0)
    pair.exporter.export('words', local, 'recv')
    const [a, b] = [await pair.join(), await pair.join()]
    const one = await a.importer.import<string>('words', 'send')
    const two = await b.importer.import<string>('words', 'send')
    await one.send('last of one')
    one.close()
    assert.deepEqual(await local.receive(), { done: false, value: 'last of one' })
    await quiet()
    await two.send('two')
    assert.deepEqual(await local.receive(), { done: false, value: 'two' })
    // Nor does a crash of one concern the other.
    await a.link.close(new Error('cut'))
    await two.send('three')
    assert.deepEqual(await local.receive(), { done: false, value: 'three' })
    assert.equal(local.closed, false)
  })

  it('R26b: hangup of an exported channel while values arrive refuses them, and reports', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('numbers', local, 'recv')
    const sender = await pair.importer.import<number>('numbers', 'send', { size: 5 })
    assert.equal(await fill(sender), 5)
    pair.exporter.hangup('numbers')
    await quiet()
    await assert.rejects(sender.send(6), { code: 'ERR_HANGUP', unconfirmed: 5 })
    const { value } = await pair.exporter.errors[Symbol.asyncIterator]().next()
    assert.match((value as Error).message, /5 values had come and were not received/)
    // The link is as good as before.
    pair.exporter.export('numbers', channel<number>(1), 'recv')
    await (await pair.importer.import<number>('numbers', 'send')).send(1)
  })

  it('R27a: hangup of one imported channel while values arrive: others go on, the exporter is told', async () => {
    await using pair = await linked()
    const [left, kept] = [channel<number>(0), channel<number>(0)]
    pair.exporter.export('left', left, 'send')
    pair.exporter.export('kept', kept, 'send')
    const unbound: string[] = []
    pair.exporter.on('unbound', ({ name, undelivered }) => unbound.push(`${name} ${undelivered}`))
    await pair.importer.import<number>('left', 'recv', { size: 100 })
    const receiver = await pair.importer.import<number>('kept', 'recv')
    await fill(left, 0, 50)
    // These are on their way while the importer leaves.
    for (let i = 0; i < 20; i++) left.trySend(i)
    pair.importer.hangup('left')
    await quiet()
    assert.deepEqual(unbound, ['left 70'])
    assert.equal(left.trySend(1), false)
    await kept.send(1)
    assert.deepEqual(await receiver.receive(), { done: false, value: 1 })
    // The name can be imported again, and nothing of it was lost.
    const again = await pair.importer.import<number>('left', 'recv', { size: 100 })
    for (let i = 0; i < 70; i++) await again.receive()
    assert.equal(again.tryReceive(), undefined)
  })

  it('R27b: sending on a name that nobody exports is an error of the bind; others go on', async () => {
    await using pair = await linked()
    const local = channel<number>(1)
    pair.exporter.export('there', local, 'recv')
    const good = await pair.importer.import<number>('there', 'send')
    await assert.rejects(pair.importer.import('nowhere', 'send'), { code: 'ERR_UNKNOWN_NAME' })
    await good.send(1)
    assert.deepEqual(await local.receive(), { done: false, value: 1 })
  })

  it('R27: any number of unread errors ends nothing; the latest are kept, the rest counted', async () => {
    await using pair = await linked({}, { maxErrors: 10 })
    const { exporter, importer } = pair
    const good = channel<number>(0)
    exporter.export('good', good, 'send')
    const receiver = await importer.import<number>('good', 'recv')
    for (let i = 0; i < 25; i++) {
      const bad = channel<unknown>(0)
      exporter.export(`bad ${i}`, bad, 'send')
      const numbers = await importer.import(`bad ${i}`, 'recv', { schema: v.number() })
      await bad.send('no number')
      await assert.rejects(numbers.receive(), { code: 'ERR_VALUE_INVALID' })
    }
    assert.equal(importer.debug().errors, 10)
    await good.send(1)
    assert.deepEqual(await receiver.receive(), { done: false, value: 1 })
  })
})
