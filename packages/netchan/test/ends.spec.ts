import assert from 'node:assert/strict'
import * as v from 'valibot'
import { channel } from '../src/channel/channel.ts'
import { jsonCodec } from '../src/codec/json-codec.ts'
import { createExporter } from '../src/exporter/exporter.ts'
import type { BindingInfo, UnboundInfo } from '../src/exporter/exporter-types.ts'
import { importFrom } from '../src/importer/importer.ts'
import type { FrameLink } from '../src/links/frame-link.ts'
import { memoryLinks } from '../src/links/memory-link.ts'
import { RawPeer, hello } from './hostile/raw-peer.ts'
import { Linked, fill, linked, quiet } from './linked.ts'

describe('binding', () => {
  it('is refused, and says why: name, direction, codec, twice', async () => {
    await using pair = await linked()
    const { exporter, importer } = pair
    exporter.export('out', channel<number>(0), 'send')
    exporter.export('in', channel<number>(0), 'recv', { codec: jsonCodec() })
    await assert.rejects(importer.import('nothing', 'recv'), { code: 'ERR_UNKNOWN_NAME' })
    await assert.rejects(importer.import('out', 'send'), {
      code: 'ERR_WRONG_DIRECTION',
      message: /wrong direction for channel: out/
    })
    await assert.rejects(importer.import('in', 'send'), {
      code: 'ERR_CODEC_MISMATCH',
      message: /json.*cbor/
    })
    await importer.import('out', 'recv')
    await assert.rejects(importer.import('out', 'recv'), {
      code: 'ERR_ALREADY_IMPORTED',
      message: 'channel name already being imported:out'
    })
    assert.throws(() => exporter.export('out', channel<number>(0), 'send'), {
      code: 'ERR_ALREADY_EXPORTED',
      message: 'channel name already being exported:out'
    })
    assert.deepEqual(importer.debug(), { imports: 1, bindings: 1, output: 0, errors: 0 })
  })

  it('takes only names and numbers that make sense', async () => {
    await using pair = await linked()
    const { exporter, importer } = pair
    const code = 'ERR_NETCHAN_OPTION'
    for (const name of ['', 'a\nb', 'x'.repeat(256), '\ud800']) {
      assert.throws(() => exporter.export(name, channel<number>(0), 'send'), { code })
      await assert.rejects(importer.import(name, 'recv'), { code })
    }
    exporter.export('x'.repeat(255), channel<number>(0), 'send')
    await importer.import('x'.repeat(255), 'recv')
    for (const size of [0, -1, 1.5, 65_537, Number.NaN]) {
      await assert.rejects(importer.import('y', 'recv', { size }), { code })
    }
    await assert.rejects(importer.import('y', 'recv', { count: 0 }), { code })
    await assert.rejects(importer.import('y', 'recv', { capacity: -1 }), { code })
    await assert.rejects(importer.import('y', 'sideways' as 'recv'), { code })
    assert.throws(() => exporter.export('y', channel<number>(0), 'sideways' as 'send'), { code })
    assert.throws(() => createExporter({ maxValueBytes: 0 }), { code })
    assert.throws(
      () => exporter.export('y', channel<number>(0), 'send', { mode: 'both' as 'queue' }),
      { code }
    )
  })

  it('is told by events, with what went either way', async () => {
    await using pair = await linked()
    const told: (BindingInfo | UnboundInfo)[] = []
    const local = channel<number>(0)
    pair.exporter.export('out', local, 'send')
    pair.exporter.on('bound', info => told.push(info))
    const off = pair.exporter.on('unbound', info => told.push(info))
    pair.exporter.on('bound', () => {
      throw new Error('a listener that fails')
    })
    const receiver = await pair.importer.import<number>('out', 'recv')
    await local.send(1)
    await local.send(2)
    await receiver.receive()
    pair.importer.hangup('out')
    await quiet()
    const info = { name: 'out', direction: 'send', peer: 'memory' }
    const how = { error: undefined, sent: 2, received: 0, undelivered: 1 }
    assert.deepEqual(told, [info, { ...info, ...how }])
    off()
    const { value } = await pair.exporter.errors[Symbol.asyncIterator]().next()
    assert.match((value as Error).message, /a listener that fails/)
  })

  it('may be given up: the name is free, and nothing is left', async () => {
    const [here, there] = memoryLinks()
    const peer = new RawPeer(here)
    await peer.send(hello())
    const importer = await importFrom(there)
    const abort = new AbortController()
    const importing = importer.import('slow', 'recv', { signal: abort.signal })
    abort.abort(new Error('enough'))
    await assert.rejects(importing, /enough/)
    await assert.rejects(importer.import('slow', 'send', { timeout: 10 }), {
      code: 'ERR_NETCHAN_TIMEOUT'
    })
    const taken = importer.import('slow', 'recv')
    importer.hangup('slow')
    await assert.rejects(taken, { code: 'ERR_HANGUP' })
    await quiet()
    assert.deepEqual(importer.debug(), { imports: 0, bindings: 0, output: 0, errors: 0 })
    const closing = importer.import('slow', 'recv')
    void importer.close()
    await assert.rejects(closing, { code: 'ERR_HANGUP' })
    importer.abort()
    await peer.ended
  })

  it('fails when the link goes meanwhile', async () => {
    const [here, there] = memoryLinks()
    const peer = new RawPeer(here)
    await peer.send(hello())
    const importer = await importFrom(there)
    const importing = importer.import('slow', 'recv')
    await peer.close()
    await assert.rejects(importing, { code: 'ERR_NETCHAN_LINK_LOST' })
    await assert.rejects(importer.import('again', 'recv'), { code: 'ERR_NETCHAN_CLOSED' })
  })

  it('is limited at the importer too', async () => {
    await using pair = await linked({}, { maxBindings: 2 })
    for (const name of ['a', 'b', 'c']) pair.exporter.export(name, channel<number>(0), 'send')
    await pair.importer.import('a', 'recv')
    await pair.importer.import('b', 'recv')
    await assert.rejects(pair.importer.import('c', 'recv'), { code: 'ERR_NETCHAN_LIMIT' })
    pair.importer.hangup('a')
    await pair.importer.import('c', 'recv')
  })

  it('reserves the window before it grants it', async () => {
    await using pair = await linked({ maxReservedBytes: 1_500_000 })
    for (const name of ['a', 'b', 'c']) pair.exporter.export(name, channel<number>(0), 'recv')
    await pair.importer.import('a', 'send')
    await pair.importer.import('b', 'send')
    await assert.rejects(pair.importer.import('c', 'send'), { code: 'ERR_NETCHAN_LIMIT' })
    pair.importer.hangup('a')
    await pair.importer.import('c', 'send')
  })
})

describe('values', () => {
  it('that the schema refuses are refused by send itself, and the channel goes on', async () => {
    await using pair = await linked()
    const schema = v.object({ n: v.number() })
    const local = channel<v.InferInput<typeof schema>>(1)
    pair.exporter.export('out', local, 'send', { schema })
    const receiver = await pair.importer.import('out', 'recv', { schema })
    await assert.rejects(local.send({ n: 'x' } as unknown as { n: number }), error => {
      const { code, issues } = error as { code: string; issues: { path: string }[] }
      assert.equal(code, 'ERR_VALUE_INVALID')
      assert.deepEqual(
        issues.map(({ path }) => path),
        ['n']
      )
      return true
    })
    await local.send({ n: 1 })
    assert.deepEqual(await receiver.receive(), { done: false, value: { n: 1 } })
  })

  it('that are too long are refused by send, at either limit', async () => {
    await using pair = await linked({ maxValueBytes: 1_000 }, { maxValueBytes: 2_000 })
    const local = channel<string>(1)
    pair.exporter.export('out', local, 'send')
    pair.exporter.export('in', channel<string>(1), 'recv')
    await assert.rejects(local.send('x'.repeat(1_001)), { code: 'ERR_VALUE_TOO_LONG' })
    const sender = await pair.importer.import<string>('in', 'send')
    await assert.rejects(sender.send('x'.repeat(1_001)), { code: 'ERR_VALUE_TOO_LONG' })
    await sender.send('x'.repeat(900))
  })

  it('that one importer of a queue does not accept go to another', async () => {
    await using pair = new Linked()
    const local = channel<string>(0)
    pair.exporter.export('out', local, 'send')
    const small = await (await pair.join({ maxValueBytes: 100 })).importer.import('out', 'recv')
    await local.send('x'.repeat(200))
    await assert.rejects(small.receive(), { code: 'ERR_NETCHAN_LIMIT', message: /longer than/ })
    const large = await (await pair.join()).importer.import<string>('out', 'recv')
    assert.deepEqual(await large.receive(), { done: false, value: 'x'.repeat(200) })
  })

  it('of any length up to the limit arrive as they are', async () => {
    await using pair = await linked()
    const local = channel<Uint8Array>(0)
    pair.exporter.export('out', local, 'send')
    const receiver = await pair.importer.import<Uint8Array>('out', 'recv', { size: 100 })
    for (const length of [0, 1, 127, 128, 65_525, 65_536, 100_000, 262_100]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + length)
      await local.send(bytes)
      const { value } = await receiver.receive()
      assert.deepEqual(Buffer.from(value ?? []), Buffer.from(bytes))
    }
  })

  it('a schema is asked at both ends, and changes values where they are received', async () => {
    await using pair = await linked()
    const schema = v.object({
      n: v.pipe(v.number(), v.transform(String)),
      d: v.optional(v.number(), 7)
    })
    const local = channel<v.InferInput<typeof schema>>(0)
    pair.exporter.export('out', local, 'send', { schema })
    const receiver = await pair.importer.import('out', 'recv', { schema })
    await local.send({ n: 5 })
    assert.deepEqual(await receiver.receive(), { done: false, value: { n: '5', d: 7 } })
  })
})

describe('drain and sync', () => {
  it('drain of an exporter waits for what comes, too, and for calls', async () => {
    await using pair = await linked()
    const { exporter, importer } = pair
    const local = channel<number>(0)
    exporter.export('in', local, 'recv')
    const answer = Promise.withResolvers<number>()
    exporter.handle('slow', {}, () => answer.promise)
    const sender = await importer.import<number>('in', 'send')
    await sender.send(1)
    const call = importer.call('slow', 1)
    await quiet()
    await assert.rejects(exporter.drain({ timeout: 10 }), error => {
      assert.match((error as Error).message, /in \(1\)/)
      assert.match((error as Error).message, /slow \(1\)/)
      return true
    })
    const drained = exporter.drain()
    await local.receive()
    answer.resolve(2)
    assert.equal(await call, 2)
    await drained
  })

  it('with nothing pending, both resolve at once', async () => {
    await using pair = await linked()
    await Promise.all([pair.exporter.drain(), pair.exporter.sync()])
    await Promise.all([pair.importer.drain(), pair.importer.sync()])
  })

  it('a signal ends the wait', async () => {
    await using pair = await linked()
    const local = channel<number>(1)
    pair.exporter.export('out', local, 'send')
    await local.send(1)
    const abort = new AbortController()
    const waits = [
      pair.exporter.drain({ signal: abort.signal }),
      pair.exporter.sync({ signal: abort.signal, timeout: 60_000 })
    ]
    abort.abort(new Error('enough'))
    for (const wait of waits) await assert.rejects(wait, /enough/)
  })

  it('sync follows values that go to another importer', async () => {
    await using pair = new Linked()
    const local = channel<number>(0)
    pair.exporter.export('jobs', local, 'send')
    const first = await pair.join()
    await first.importer.import('jobs', 'recv', { size: 3 })
    assert.equal(await fill(local), 3)
    let synced = false
    const sync = pair.exporter.sync().then(() => {
      synced = true
    })
    first.importer.abort()
    const second = await pair.join()
    const receiver = await second.importer.import<number>('jobs', 'recv', { size: 3 })
    await receiver.receive()
    await quiet()
    assert.equal(synced, false)
    await receiver.receive()
    await receiver.receive()
    await sync
  })
})

describe('closing', () => {
  it('an exporter lets values sent before be taken, then ends the link in order', async () => {
    await using pair = new Linked()
    const local = channel<number>(5)
    pair.exporter.export('out', local, 'send')
    const { importer } = await pair.join()
    const receiver = await importer.import<number>('out', 'recv', { size: 3 })
    for (let i = 0; i < 8; i++) await local.send(i)
    const closed = pair.exporter.close()
    const got: number[] = []
    for await (const value of receiver) got.push(value)
    assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7])
    await closed
    assert.equal(await importer.closed, undefined)
    await assert.rejects(local.send(9), { code: 'ERR_CHANNEL_CLOSED' })
    assert.throws(() => pair.exporter.export('late', channel<number>(0), 'send'), {
      code: 'ERR_NETCHAN_CLOSED'
    })
    assert.equal(pair.exporter.close(), pair.exporter.close())
  })

  it('what is not taken in time can still be read by an importer after the end in order', async () => {
    await using pair = new Linked({ closeTimeout: 20 })
    const local = channel<number>(0)
    pair.exporter.export('out', local, 'send')
    const { importer } = await pair.join()
    const receiver = await importer.import<number>('out', 'recv', { size: 3 })
    assert.equal(await fill(local), 3)
    await pair.exporter.close()
    await importer.closed
    const got: number[] = []
    for await (const value of receiver) got.push(value)
    assert.deepEqual(got, [0, 1, 2])
  })

  it('an importer lets values that it sent be taken', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('in', local, 'recv')
    const sender = await pair.importer.import<number>('in', 'send', { capacity: 2 })
    for (let i = 0; i < 5; i++) await sender.send(i)
    let closed = false
    const closing = pair.importer.close().then(() => {
      closed = true
    })
    await quiet()
    assert.equal(closed, false)
    for (let i = 0; i < 5; i++) assert.deepEqual(await local.receive(), { done: false, value: i })
    await closing
    await assert.rejects(sender.send(9), { code: 'ERR_CHANNEL_CLOSED' })
    await assert.rejects(pair.importer.import('in', 'send'), { code: 'ERR_NETCHAN_CLOSED' })
    assert.equal(await pair.importer.closed, undefined)
  })

  it('abort ends both ends at once', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('out', local, 'send')
    const receiver = await pair.importer.import('out', 'recv')
    pair.exporter.abort(new Error('fire'))
    await assert.rejects(receiver.receive(), { code: 'ERR_NETCHAN_LINK_LOST' })
    await assert.rejects(local.send(1), /fire/)
  })

  it('a new link to a closed exporter is refused', async () => {
    const exporter = createExporter()
    await exporter.close()
    const [here, there] = memoryLinks()
    await exporter.serveConn(here)
    await assert.rejects(importFrom(there))
  })
})

describe('links', () => {
  it('serve takes each link of a listener, until the exporter closes', async () => {
    const links = channel<FrameLink>(0)
    const exporter = createExporter()
    exporter.handle('echo', {}, value => value)
    const serving = exporter.serve(links)
    const importers = []
    for (let i = 0; i < 3; i++) {
      const [here, there] = memoryLinks()
      await links.send(here)
      const importer = await importFrom(there)
      assert.equal(await importer.call('echo', i), i)
      importers.push(importer)
    }
    assert.equal(exporter.debug().links, 3)
    await exporter.close()
    await serving
    for (const importer of importers) assert.equal(await importer.closed, undefined)
    assert.equal(exporter.debug().links, 0)
  })

  it('what is no link is an error of serve, which goes on', async () => {
    const links = channel<FrameLink>(0)
    const exporter = createExporter()
    const serving = exporter.serve(links)
    await links.send({} as FrameLink)
    const { value } = await exporter.errors[Symbol.asyncIterator]().next()
    assert.equal((value as { code?: string }).code, 'ERR_NETCHAN_OPTION')
    const [here, there] = memoryLinks()
    await links.send(here)
    const importer = await importFrom(there)
    importer.abort()
    await exporter.close()
    await serving
  })

  it('serve ends with its signal, and its links go on', async () => {
    await using pair = await linked()
    pair.exporter.handle('echo', {}, value => value)
    const abort = new AbortController()
    const serving = pair.exporter.serve(channel<FrameLink>(0), { signal: abort.signal })
    abort.abort(new Error('enough'))
    await assert.rejects(serving, /enough/)
    assert.equal(await pair.importer.call('echo', 1), 1)
  })

  it('an exporter of another version is an error of importFrom', async () => {
    const [here, there] = memoryLinks()
    const peer = new RawPeer(here)
    await peer.send(hello(7))
    await assert.rejects(importFrom(there), { code: 'ERR_NETCHAN_VERSION', message: /version 7/ })
    await peer.ended
  })

  it('an exporter that says nothing, and one that is not there', async () => {
    const [, there] = memoryLinks()
    await assert.rejects(importFrom(there, { helloTimeout: 10 }), { code: 'ERR_NETCHAN_TIMEOUT' })
    await assert.rejects(importFrom(Promise.reject(new Error('no such host'))), /no such host/)
    const abort = new AbortController()
    const importing = importFrom(memoryLinks()[0], { signal: abort.signal })
    abort.abort(new Error('enough'))
    await assert.rejects(importing, /enough/)
  })

  it('two channels between the same ends do not wait for each other', async () => {
    await using pair = await linked()
    const [one, two] = [channel<number>(0), channel<number>(0)]
    pair.exporter.export('one', one, 'send')
    pair.exporter.export('two', two, 'send')
    await pair.importer.import('one', 'recv', { size: 1 })
    const receiver = await pair.importer.import<number>('two', 'recv', { size: 1 })
    assert.equal(await fill(one), 1)
    const sending = (async () => {
      for (let i = 0; i < 500; i++) await two.send(i)
    })()
    for (let i = 0; i < 500; i++)
      assert.deepEqual(await receiver.receive(), { done: false, value: i })
    await sending
  })
})
