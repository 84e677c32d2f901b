import assert from 'node:assert/strict'
import * as v from 'valibot'
import { WarrenError } from '@warren/interface'
import { linked, quiet } from './linked.ts'

class OutOfStockError extends WarrenError {
  readonly code = 'ERR_OUT_OF_STOCK'
}

describe('calls', () => {
  it('a request and its reply, typed by schemas at both ends', async () => {
    await using pair = await linked()
    const schemas = {
      request: v.object({ item: v.string() }),
      reply: v.object({ price: v.number() })
    }
    pair.exporter.handle('quote', schemas, ({ item }) => ({ price: item.length }))
    const { price } = await pair.importer.call('quote', { item: 'tea' }, schemas)
    assert.equal(price, 3)
    await pair.exporter.drain({ timeout: 5_000 })
    assert.equal(pair.exporter.debug().bound, 0)
    assert.equal(pair.importer.debug().bindings, 0)
  })

  it('many at once, answered in any order', async () => {
    await using pair = await linked()
    const { exporter, importer } = pair
    const pending: (() => void)[] = []
    exporter.handle('later', {}, async value => {
      await new Promise<void>(resolve => pending.push(resolve))
      return value
    })
    const calls = Array.from({ length: 200 }, (_, i) => importer.call<number>('later', i))
    while (pending.length < 200) await quiet()
    for (const resolve of pending.reverse()) resolve()
    assert.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => i)
    )
  })

  it('a request that the schema refuses is refused before it is sent, a reply by the handler', async () => {
    await using pair = await linked()
    const { exporter, importer } = pair
    exporter.handle(
      'number',
      { request: v.number(), reply: v.number() },
      () => 'no number' as unknown as number
    )
    const schemas = { request: v.number(), reply: v.number() }
    await assert.rejects(importer.call('number', 'x' as unknown as number, schemas), {
      code: 'ERR_VALUE_INVALID'
    })
    await assert.rejects(importer.call('number', 1, schemas), { code: 'ERR_REMOTE' })
    // Without a schema here, it is the exporter's that refuses.
    await assert.rejects(importer.call('number', 'x'), { code: 'ERR_VALUE_INVALID' })
    assert.equal(exporter.debug().bound, 0)
  })

  it('schemas that differ are told by field, also those of the reply', async () => {
    await using pair = await linked()
    pair.exporter.handle('f', { request: v.number(), reply: v.object({ a: v.number() }) }, a => ({
      a
    }))
    const schemas = { request: v.number(), reply: v.object({ a: v.string() }) }
    await assert.rejects(pair.importer.call('f', 1, schemas), error => {
      assert.equal((error as { code: string }).code, 'ERR_SCHEMA_MISMATCH')
      assert.match((error as Error).message, /\ba is /)
      return true
    })
  })

  it('unknown names, channels and wrong kinds are errors', async () => {
    await using pair = await linked()
    pair.exporter.handle('f', {}, value => value)
    await assert.rejects(pair.importer.call('g', 1), { code: 'ERR_UNKNOWN_NAME' })
    await assert.rejects(pair.importer.import('f', 'recv'), { code: 'ERR_WRONG_DIRECTION' })
    assert.throws(() => pair.exporter.handle('f', {}, () => 1), { code: 'ERR_ALREADY_EXPORTED' })
  })

  it('of what a handler throws, only the message of a Warren error is told', async () => {
    await using pair = await linked()
    pair.exporter.handle('told', {}, () => {
      throw new OutOfStockError('no tea left')
    })
    pair.exporter.handle('kept', {}, () => Promise.reject(new Error('the password is 1234')))
    await assert.rejects(pair.importer.call('told', 1), {
      code: 'ERR_REMOTE',
      message: /no tea left/
    })
    await assert.rejects(pair.importer.call('kept', 1), error => {
      assert.equal((error as { code: string }).code, 'ERR_REMOTE')
      assert.doesNotMatch((error as Error).message, /1234/)
      return true
    })
  })

  it('a signal that aborts reaches the handler', async () => {
    await using pair = await linked()
    const aborted = Promise.withResolvers<void>()
    const called = Promise.withResolvers<void>()
    pair.exporter.handle('slow', {}, async (_value, { signal }) => {
      called.resolve()
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      aborted.resolve()
    })
    const abort = new AbortController()
    const call = pair.importer.call('slow', 1, { signal: abort.signal })
    await called.promise
    abort.abort(new Error('enough'))
    await assert.rejects(call, /enough/)
    await aborted.promise
    await quiet()
    assert.equal(pair.exporter.debug().bound, 0)
    assert.equal(pair.importer.debug().bindings, 0)
  })

  it('handlers that heed no signal are bounded, whatever their callers do', async () => {
    await using pair = await linked()
    const running: (() => void)[] = []
    const handler = () => new Promise<void>(resolve => running.push(resolve))
    pair.exporter.handle('stubborn', { maxCalls: 3 }, handler)
    for (let i = 0; i < 3; i++) {
      const abort = new AbortController()
      const call = pair.importer.call('stubborn', i, { signal: abort.signal })
      while (running.length <= i) await quiet()
      abort.abort(new Error('enough'))
      await assert.rejects(call, /enough/)
      await quiet()
    }
    assert.equal(pair.exporter.debug().bound, 0)
    await assert.rejects(pair.importer.call('stubborn', 4), { code: 'ERR_NETCHAN_LIMIT' })
    running[0]?.()
    await quiet()
    const call = pair.importer.call('stubborn', 5)
    while (running.length < 4) await quiet()
    for (const resolve of running) resolve()
    await call
  })

  it('streams replies inside the window, and ends', async () => {
    await using pair = await linked()
    let made = 0
    pair.exporter.handle('count', {}, async function* (to) {
      for (let i = 0; i < (to as number); i++) {
        made++
        yield i
      }
    })
    const replies = pair.importer.stream<number>('count', 100, { size: 4 })
    await quiet()
    // Four are unread, and the next waits in the handler.
    assert.equal(made, 5)
    let next = 0
    for await (const value of replies) assert.equal(value, next++)
    assert.equal(next, 100)
    assert.equal(pair.importer.debug().bindings, 0)
  })

  it('whoever leaves the iteration stops the handler, which cleans up', async () => {
    await using pair = await linked()
    const cleaned = Promise.withResolvers<void>()
    let signalled: AbortSignal | undefined
    pair.exporter.handle('ticks', {}, async function* (_value, { signal }) {
      signalled = signal
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        cleaned.resolve()
      }
    })
    for await (const tick of pair.importer.stream<number>('ticks', 0)) {
      if (tick === 10) break
    }
    await cleaned.promise
    assert.equal(signalled?.aborted, true)
    await quiet()
    assert.equal(pair.exporter.debug().bound, 0)
  })

  it('the signal of a stream ends it at both ends, with its reason', async () => {
    await using pair = await linked()
    pair.exporter.handle('ticks', {}, async function* () {
      for (let i = 0; ; i++) yield i
    })
    const abort = new AbortController()
    const { signal } = abort
    const replies = pair.importer.stream<number>('ticks', 0, { signal })
    await replies.receive()
    abort.abort(new Error('enough'))
    await assert.rejects(async () => {
      for await (const _ of replies);
    }, /enough/)
    await quiet()
    assert.equal(pair.exporter.debug().bound, 0)
  })

  it('a stream that fails in the middle gives what came before, then the error', async () => {
    await using pair = await linked()
    pair.exporter.handle('two', {}, async function* () {
      yield 1
      yield 2
      throw new OutOfStockError('that was all')
    })
    const got: number[] = []
    await assert.rejects(
      async () => {
        for await (const value of pair.importer.stream<number>('two', 0)) got.push(value)
      },
      { code: 'ERR_REMOTE', message: /that was all/ }
    )
    assert.deepEqual(got, [1, 2])
  })

  it('when the link is cut, both ends hear of it', async () => {
    await using pair = await linked()
    const aborted = Promise.withResolvers<void>()
    const called = Promise.withResolvers<void>()
    pair.exporter.handle('slow', {}, (_value, { signal }) => {
      called.resolve()
      return new Promise<number>(resolve =>
        signal.addEventListener('abort', () => {
          aborted.resolve()
          resolve(1)
        })
      )
    })
    const call = pair.importer.call('slow', 1)
    await called.promise
    await pair.link.close(new Error('cut'))
    await assert.rejects(call, { code: 'ERR_NETCHAN_LINK_LOST' })
    await aborted.promise
  })
})
