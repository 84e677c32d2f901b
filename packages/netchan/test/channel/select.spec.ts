import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import { PORT } from '../../src/channel/channel-port.ts'
import { receiving, select, sending, trySelect } from '../../src/channel/select.ts'
import { seeded } from '../seeded.ts'
import { settled } from './settled.ts'

describe('select', () => {
  it('carries out the case that is ready, with its index and typed value', async () => {
    const numbers = channel<number>(1)
    const texts = channel<string>(1)
    texts.trySend('hello')
    const picked = await select([receiving(numbers), receiving(texts)])
    if (picked.index === 0) assert.fail('nothing was in the first')
    if (picked.done) assert.fail('the second has not ended')
    const text: string = picked.value
    assert.equal(text, 'hello')
  })

  it('waits for the first that becomes ready, and does nothing to the others', async () => {
    const a = channel<number>()
    const b = channel<number>()
    const c = channel<number>()
    const picking = select([receiving(a), sending(b, 5), receiving(c)])
    assert.equal(await settled(picking), false)
    assert.deepEqual(b.tryReceive(), { done: false, value: 5 })
    assert.deepEqual(await picking, { index: 1 })
    assert.equal(a.trySend(1), false)
    assert.equal(c.trySend(1), false)
    assert.equal(b.tryReceive(), undefined)
    for (const ch of [a, b, c]) {
      assert.equal(ch[PORT].blockedReceives + ch[PORT].blockedSends, 0)
    }
  })

  it('chooses fairly among cases that are always ready', async () => {
    const random = seeded(7)
    const channels = [0, 1, 2].map(() => channel<number>(1))
    const counts = [0, 0, 0]
    for (let i = 0; i < 6_000; i++) {
      for (const ch of channels) ch.trySend(i)
      const { index } = await select(channels.map(receiving), { random })
      counts[index] = (counts[index] ?? 0) + 1
    }
    for (const count of counts) assert.ok(count > 1_800 && count < 2_200, `${counts.join()}`)
  })

  it('is cancelled by its signal, having taken and sent nothing', async () => {
    const a = channel<number>()
    const b = channel<number>()
    const controller = new AbortController()
    const picking = select([receiving(a), sending(b, 1)], { signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(picking, /enough/)
    assert.equal(a.trySend(1), false)
    assert.equal(b.tryReceive(), undefined)
    a.sender.send(1).catch(() => {})
    const aborted = select([receiving(a)], { signal: AbortSignal.abort(new Error('before')) })
    await assert.rejects(aborted, /before/)
    assert.deepEqual(a.tryReceive(), { done: false, value: 1 })
  })

  it('receives the end of a channel, and throws the error of one that failed', async () => {
    const ended = channel<number>()
    const silent = channel<number>()
    const picking = select([receiving(silent), receiving(ended)])
    ended.close()
    assert.deepEqual(await picking, { index: 1, done: true, value: undefined })
    const failed = channel<number>()
    const failing = select([receiving(silent), receiving(failed)])
    failed.close(new Error('broken'))
    await assert.rejects(failing, /broken/)
    assert.equal(silent.trySend(1), false)
  })

  it('a send on a closed channel is refused, also when it closes meanwhile', async () => {
    const ch = channel<number>()
    const silent = channel<number>()
    const picking = select([sending(ch, 1), receiving(silent)])
    ch.close()
    await assert.rejects(picking, { code: 'ERR_CHANNEL_CLOSED' })
    await assert.rejects(select([sending(ch, 1)]), { code: 'ERR_CHANNEL_CLOSED' })
    assert.equal(silent.trySend(1), false)
  })

  it('leaves out cases that are undefined or false', async () => {
    const ch = channel<number>(1)
    ch.trySend(1)
    const picked = await select([undefined, false, receiving(ch)])
    assert.deepEqual(picked, { index: 2, done: false, value: 1 })
    await assert.rejects(select([undefined]), { code: 'ERR_NETCHAN_OPTION' })
  })

  it('does not meet itself when it waits at both ends of one channel', async () => {
    const ch = channel<number>()
    const picking = select([sending(ch, 1), receiving(ch)])
    assert.equal(await settled(picking), false)
    assert.equal(ch.trySend(2), true)
    assert.deepEqual(await picking, { index: 1, done: false, value: 2 })
    assert.equal(ch.tryReceive(), undefined)
  })

  it('two selects meet each other', async () => {
    const ch = channel<number>()
    const [a, b] = await Promise.all([select([sending(ch, 3)]), select([receiving(ch)])])
    assert.deepEqual(a, { index: 0 })
    assert.deepEqual(b, { index: 0, done: false, value: 3 })
  })

  it('asks the guards of a channel before it waits to send', async () => {
    const ch = channel<number>()
    ch[PORT].guard(value => {
      if (typeof value !== 'number') throw new TypeError('a number, please')
    })
    await assert.rejects(select([sending(ch, 'x' as unknown as number)]), /a number, please/)
    assert.equal(ch[PORT].blockedSends, 0)
  })

  it('trySelect does not wait', () => {
    const a = channel<number>(1)
    const b = channel<number>()
    assert.equal(trySelect([receiving(a), sending(b, 1)]), undefined)
    a.trySend(4)
    assert.deepEqual(trySelect([receiving(a), sending(b, 1)]), { index: 0, done: false, value: 4 })
  })
})
