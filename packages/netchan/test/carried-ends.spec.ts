import assert from 'node:assert/strict'
import { channel } from '../src/channel/channel.ts'
import type { Receiver, Sender } from '../src/channel/channel-types.ts'
import { jsonCodec } from '../src/codec/json-codec.ts'
import { Linked, fill, linked, quiet } from './linked.ts'

interface Job {
  readonly n: number
  readonly reply: Sender<number>
}

describe('channels inside values', () => {
  it('a sender travels: replies come back on it', async () => {
    await using pair = await linked()
    const jobs = channel<Job>(0)
    pair.exporter.export('jobs', jobs, 'send')
    const incoming = await pair.importer.import<Job>('jobs', 'recv')
    const worker = (async () => {
      for await (const { n, reply } of incoming) {
        for (let i = 0; i < n; i++) await reply.send(i)
        reply.close()
      }
    })()
    for (let n = 0; n < 20; n++) {
      const replies = channel<number>(0)
      await jobs.send({ n, reply: replies.sender })
      const got: number[] = []
      for await (const value of replies) got.push(value)
      assert.deepEqual(
        got,
        Array.from({ length: n }, (_, i) => i)
      )
    }
    jobs.close()
    await worker
    await quiet()
    assert.equal(pair.importer.debug().bindings, 0)
  })

  it('a receiver travels, in either direction and with either codec', async () => {
    for (const codec of [undefined, jsonCodec()]) {
      const options = codec === undefined ? {} : { codec }
      await using pair = await linked()
      const offers = channel<{ prices: Receiver<number> }>(0)
      pair.exporter.export('offers', offers, 'recv', options)
      const out = await pair.importer.import<{ prices: Receiver<number> }>(
        'offers',
        'send',
        options
      )
      const prices = channel<number>(0)
      await out.send({ prices: prices.receiver })
      const { value } = await offers.receive()
      assert.ok(value)
      await prices.send(4)
      assert.deepEqual(await value.prices.receive(), { done: false, value: 4 })
      // A receiver that leaves stops the sender.
      value.prices.close()
      await quiet()
      assert.equal(prices.closed, true)
      await assert.rejects(prices.send(5), { code: 'ERR_HANGUP' })
    }
  })

  it('nested in what is nested', async () => {
    await using pair = await linked()
    const outer = channel<{ reply: Sender<{ inner: Receiver<string> }> }>(0)
    pair.exporter.export('outer', outer, 'send')
    const incoming = await pair.importer.import<{ reply: Sender<{ inner: Receiver<string> }> }>(
      'outer',
      'recv'
    )
    const replies = channel<{ inner: Receiver<string> }>(0)
    await outer.send({ reply: replies.sender })
    const { value: request } = await incoming.receive()
    const words = channel<string>(0)
    await request?.reply.send({ inner: words.receiver })
    const { value: reply } = await replies.receive()
    await words.send('hello')
    words.close()
    assert.deepEqual(await reply?.inner.receive(), { done: false, value: 'hello' })
    assert.deepEqual(await reply?.inner.receive(), { done: true, value: undefined })
  })

  it('a sender that is closed with an error closes the channel at the other end with it', async () => {
    await using pair = await linked()
    pair.exporter.handle('fail', {}, request => {
      ;(request as { out: Sender<number> }).out.close(new Error('nothing today'))
    })
    const results = channel<number>(0)
    await pair.importer.call('fail', { out: results.sender })
    await assert.rejects(results.receive(), { code: 'ERR_REMOTE', message: /nothing today/ })
  })

  it('they end with the link', async () => {
    await using pair = await linked()
    const jobs = channel<Job>(0)
    pair.exporter.export('jobs', jobs, 'send')
    const incoming = await pair.importer.import<Job>('jobs', 'recv')
    const replies = channel<number>(0)
    await jobs.send({ n: 1, reply: replies.sender })
    const { value: job } = await incoming.receive()
    await job?.reply.send(1)
    await replies.receive()
    await pair.link.close(new Error('cut'))
    await assert.rejects(replies.receive(), { code: 'ERR_NETCHAN_LINK_LOST' })
    await quiet()
    await assert.rejects(Promise.resolve(job?.reply.send(2)), { code: 'ERR_NETCHAN_LINK_LOST' })
  })

  it('those of values that nobody took end with the channel, and leave nothing behind', async () => {
    await using pair = await linked()
    const jobs = channel<Job>(0)
    pair.exporter.export('jobs', jobs, 'recv')
    const out = await pair.importer.import<Job>('jobs', 'send')
    const replies = channel<number>(0)
    await out.send({ n: 1, reply: replies.sender })
    await quiet()
    // Another is still on its way when the channel goes.
    const late = channel<number>(0)
    await out.send({ n: 2, reply: late.sender })
    pair.exporter.hangup('jobs')
    for (const ends of [replies, late]) {
      await assert.rejects(ends.receive(), { code: 'ERR_HANGUP', message: /was not taken/ })
    }
    await quiet()
    assert.equal(pair.importer.debug().bindings, 0)
  })

  it('of a value that goes to the next importer, they go along', async () => {
    await using pair = new Linked()
    const jobs = channel<Job>(0)
    pair.exporter.export('jobs', jobs, 'send')
    const first = await pair.join()
    await first.importer.import<Job>('jobs', 'recv')
    const replies = channel<number>(0)
    await jobs.send({ n: 1, reply: replies.sender })
    await quiet()
    await first.link.close(new Error('cut'))
    assert.equal(replies.closed, false)
    const second = await pair.join()
    const incoming = await second.importer.import<Job>('jobs', 'recv')
    const { value: job } = await incoming.receive()
    await job?.reply.send(7)
    assert.deepEqual(await replies.receive(), { done: false, value: 7 })
  })

  it('a receiver whose value goes to the next importer loses nothing on the way', async () => {
    await using pair = new Linked()
    const offers = channel<{ prices: Receiver<number> }>(0)
    pair.exporter.export('offers', offers, 'send')
    const first = await pair.join()
    await first.importer.import('offers', 'recv')
    const prices = channel<number>(3)
    for (let i = 0; i < 3; i++) await prices.send(i)
    await offers.send({ prices: prices.receiver })
    await quiet()
    first.importer.hangup('offers')
    const second = await pair.join()
    const incoming = await second.importer.import<{ prices: Receiver<number> }>('offers', 'recv')
    const { value: offer } = await incoming.receive()
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await offer?.prices.receive(), { done: false, value: i })
    }
  })

  it('what was on its way in a receiver is sent again to the next importer', async () => {
    await using pair = new Linked()
    const offers = channel<{ prices: Receiver<number> }>(0)
    pair.exporter.export('offers', offers, 'send')
    // The word that the first offer was taken does not leave before the link is cut.
    const first = await pair.join({ creditDelay: 1_000 })
    const lost = await first.importer.import<{ prices: Receiver<number> }>('offers', 'recv')
    const prices = channel<number>(0)
    await offers.send({ prices: prices.receiver })
    await offers.send({ prices: channel<number>(0).receiver })
    await quiet()
    assert.ok((await lost.receive()).value)
    assert.equal(await fill(prices), 16)
    first.importer.abort()
    const second = await pair.join()
    const incoming = await second.importer.import<{ prices: Receiver<number> }>('offers', 'recv')
    const { value: offer } = await incoming.receive()
    for (let i = 0; i < 16; i++) {
      assert.deepEqual(await offer?.prices.receive(), { done: false, value: i })
    }
  })

  it('flow control reaches into them', async () => {
    await using pair = await linked()
    const results = channel<number>(0)
    const there = Promise.withResolvers<Sender<number>>()
    pair.exporter.handle('take', {}, request =>
      there.resolve((request as { out: Sender<number> }).out)
    )
    await pair.importer.call('take', { out: results.sender })
    assert.equal(await fill(await there.promise), 16)
  })

  it('a value with more than 16 of them is refused, and so is one that is neither half', async () => {
    await using pair = await linked()
    const any = channel<unknown>(0)
    pair.exporter.export('any', any, 'send')
    await pair.importer.import('any', 'recv')
    const many = Array.from({ length: 17 }, () => channel<number>(0).sender)
    await assert.rejects(any.send(many), { code: 'ERR_VALUE_INVALID', message: /16 at most/ })
    await assert.rejects(any.send(channel<number>(0)), { code: 'ERR_VALUE_INVALID' })
    assert.equal(pair.importer.debug().bindings, 1)
  })

  it('a broadcast carries none', async () => {
    await using pair = await linked()
    const news = channel<unknown>(0)
    pair.exporter.export('news', news, 'send', { mode: 'broadcast' })
    await pair.importer.import('news', 'recv')
    await assert.rejects(news.send({ out: channel<number>(0).sender }), {
      code: 'ERR_VALUE_INVALID'
    })
  })
})
