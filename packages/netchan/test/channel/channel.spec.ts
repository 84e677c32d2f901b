import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import type { Receiver, Sender } from '../../src/channel/channel-types.ts'
import { PORT } from '../../src/channel/channel-port.ts'
import { settled } from './settled.ts'

describe('channel', () => {
  it('buffers as many values as its capacity, and a further send waits', async () => {
    for (const capacity of [0, 1, 3, 20, 1000]) {
      const ch = channel<number>(capacity)
      for (let i = 0; i < capacity; i++) assert.equal(ch.trySend(i), true)
      assert.equal(ch.trySend(-1), false)
      assert.equal(ch.length, capacity)
      const late = ch.send(capacity)
      assert.equal(await settled(late), false)
      for (let i = 0; i <= capacity; i++) {
        assert.deepEqual(await ch.receive(), { done: false, value: i })
      }
      await late
      assert.equal(ch.length, 0)
    }
  })

  it('without capacity a send meets a receive, whichever comes first', async () => {
    const ch = channel<string>()
    const received = ch.receive()
    assert.equal(ch.trySend('a'), true)
    assert.deepEqual(await received, { done: false, value: 'a' })
    const sent = ch.send('b')
    assert.deepEqual(ch.tryReceive(), { done: false, value: 'b' })
    await sent
    assert.equal(ch.tryReceive(), undefined)
  })

  it('serves receives in the order of the calls, each value to one', async () => {
    const ch = channel<number>(4)
    const receives = [ch.receive(), ch.receive(), ch.receive()]
    for (let i = 0; i < 3; i++) await ch.send(i)
    const values = (await Promise.all(receives)).map(({ value }) => value)
    assert.deepEqual(values, [0, 1, 2])
  })

  it('serves sends in the order of the calls', async () => {
    const ch = channel<number>(1)
    const sends = [0, 1, 2, 3].map(i => ch.send(i))
    for (let i = 0; i < 4; i++) assert.equal((await ch.receive()).value, i)
    await Promise.all(sends)
  })

  it('tells a value that is undefined from the end', async () => {
    const ch = channel<undefined>(1)
    ch.trySend(undefined)
    ch.close()
    assert.deepEqual(await ch.receive(), { done: false, value: undefined })
    assert.deepEqual(await ch.receive(), { done: true, value: undefined })
  })

  it('refuses a capacity that is no whole number from 0', () => {
    for (const capacity of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => channel(capacity), { code: 'ERR_NETCHAN_OPTION' })
    }
  })

  describe('close', () => {
    it('lets what is buffered be received, then ends, for ever', async () => {
      const ch = channel<number>(2)
      ch.trySend(1)
      ch.trySend(2)
      ch.close()
      assert.equal(ch.closed, true)
      const values: number[] = []
      for await (const value of ch) values.push(value)
      assert.deepEqual(values, [1, 2])
      assert.deepEqual(ch.tryReceive(), { done: true, value: undefined })
      assert.deepEqual(await ch.receive(), { done: true, value: undefined })
    })

    it('with an error: what is buffered, then the error, for ever', async () => {
      const ch = channel<number>(1)
      const broken = new Error('broken')
      ch.trySend(1)
      ch.close(broken)
      assert.deepEqual(await ch.receive(), { done: false, value: 1 })
      await assert.rejects(ch.receive(), broken)
      assert.throws(() => ch.tryReceive(), broken)
      await assert.rejects(async () => {
        for await (const _ of ch);
      }, broken)
    })

    it('refuses sends: those to come, and those that wait, whose values nobody gets', async () => {
      const ch = channel<string>(1)
      ch.trySend('kept')
      const waiting = ch.send('refused')
      ch.close()
      await assert.rejects(waiting, { code: 'ERR_CHANNEL_CLOSED' })
      await assert.rejects(ch.send('late'), { code: 'ERR_CHANNEL_CLOSED' })
      assert.throws(() => ch.trySend('late'), { code: 'ERR_CHANNEL_CLOSED' })
      assert.equal((await ch.receive()).value, 'kept')
      assert.equal((await ch.receive()).done, true)
    })

    it('with an error, sends are refused with that error', async () => {
      const ch = channel<string>()
      const broken = new Error('broken')
      const waiting = ch.send('x')
      ch.close(broken)
      await assert.rejects(waiting, broken)
      await assert.rejects(ch.send('y'), broken)
    })

    it('ends the receives that wait; the first end stays', async () => {
      const ended = channel<number>()
      const end = ended.receive()
      ended.close()
      ended.close(new Error('too late'))
      assert.deepEqual(await end, { done: true, value: undefined })
      assert.equal((await ended.receive()).done, true)

      const failed = channel<number>()
      const failure = failed.receive()
      failed.close(new Error('broken'))
      failed.close()
      await assert.rejects(failure, /broken/)
    })

    it('of one half is that of the channel', async () => {
      const ch = channel<number>(1)
      ch.sender.trySend(1)
      ch.receiver.close()
      assert.equal(ch.sender.closed, true)
      await assert.rejects(ch.sender.send(2), { code: 'ERR_CHANNEL_CLOSED' })
      assert.equal((await ch.receiver.receive()).value, 1)
    })
  })

  describe('cancelling', () => {
    it('a receive that is aborted takes no value, and leaves no listener', async () => {
      const ch = channel<number>()
      const controller = new AbortController()
      const counted = counting(controller.signal)
      const first = ch.receive({ signal: controller.signal })
      const second = ch.receive()
      controller.abort(new Error('enough'))
      await assert.rejects(first, /enough/)
      await ch.send(7)
      assert.equal((await second).value, 7)
      assert.equal(counted.listeners, 0)
    })

    it('a send that is aborted was not sent', async () => {
      const ch = channel<number>()
      const controller = new AbortController()
      const first = ch.send(1, { signal: controller.signal })
      const second = ch.send(2)
      controller.abort(new Error('enough'))
      await assert.rejects(first, /enough/)
      assert.equal((await ch.receive()).value, 2)
      await second
    })

    it('a signal that aborts after the value was handed over changes nothing', async () => {
      const ch = channel<number>()
      const controller = new AbortController()
      const counted = counting(controller.signal)
      const received = ch.receive({ signal: controller.signal })
      ch.trySend(1)
      assert.equal(counted.listeners, 0)
      controller.abort()
      assert.equal((await received).value, 1)
    })

    it('an aborted signal stops a call that would not wait', async () => {
      const ch = channel<number>(1)
      const signal = AbortSignal.abort(new Error('enough'))
      await assert.rejects(ch.send(1, { signal }), /enough/)
      assert.equal(ch.length, 0)
      ch.trySend(1)
      await assert.rejects(ch.receive({ signal }), /enough/)
      assert.equal(ch.length, 1)
    })

    it('leaves no listener behind when the channel ends', async () => {
      const ch = channel<number>()
      const controller = new AbortController()
      const counted = counting(controller.signal)
      const received = ch.receive({ signal: controller.signal })
      assert.equal(counted.listeners, 1)
      ch.close(new Error('broken'))
      await assert.rejects(received, /broken/)
      assert.equal(counted.listeners, 0)
    })
  })

  describe('iteration', () => {
    it('leaves the rest in the channel when the loop is left', async () => {
      const ch = channel<number>(5)
      for (let i = 0; i < 5; i++) ch.trySend(i)
      for await (const value of ch) if (value === 1) break
      assert.equal(ch.closed, false)
      assert.equal((await ch.receive()).value, 2)
    })

    it('a step that waits when the iterator is left takes no value', async () => {
      const ch = channel<number>()
      const iterator = ch[Symbol.asyncIterator]()
      const steps = [iterator.next(), iterator.next()]
      await iterator.return?.()
      assert.deepEqual(
        (await Promise.all(steps)).map(({ done }) => done),
        [true, true]
      )
      assert.equal(ch.trySend(1), false)
      assert.deepEqual(await iterator.next(), { done: true, value: undefined })
    })
  })

  it('bounds how many calls wait', async () => {
    const ch = channel<number>()
    const waiting: Promise<unknown>[] = []
    for (let i = 0; i < 65_536; i++) waiting.push(ch.receive())
    await assert.rejects(ch.receive(), { code: 'ERR_CHANNEL_WAITING' })
    assert.equal(ch[PORT].blockedReceives, 65_536)
    ch.close()
    await Promise.all(waiting)
    assert.equal(ch[PORT].blockedReceives, 0)
  })

  it('its halves are typed by direction', () => {
    const ch = channel<number>(1)
    const sender: Sender<number> = ch.sender
    const receiver: Receiver<number> = ch.receiver
    assert.equal('receive' in sender, false)
    assert.equal('send' in receiver, false)
    // @ts-expect-error: nothing comes out of a sender.
    void sender.receive
    // @ts-expect-error: nothing goes into a receiver.
    void receiver.send
    // @ts-expect-error: a sender of numbers takes no text.
    sender.trySend('text')
    const wider: Receiver<number | string> = receiver
    const narrower: Sender<1> = sender
    assert.ok(wider !== undefined && narrower !== undefined)
  })
})

/** Counts the listeners that are added to a signal and not taken off. */
function counting(signal: AbortSignal): { listeners: number } {
  const counted = { listeners: 0 }
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => {
      counted.listeners++
      add(...args)
    },
    removeEventListener: (...args: Parameters<typeof remove>) => {
      counted.listeners--
      remove(...args)
    }
  })
  return counted
}
