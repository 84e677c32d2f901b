import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import { NOTHING, PORT } from '../../src/channel/channel-port.ts'
import type { Puller, Pusher } from '../../src/channel/channel-port.ts'

/** Takes as many values as it has room for. */
class Taking implements Puller {
  room: number
  readonly values: unknown[] = []
  ended: { readonly error: Error | undefined } | undefined

  constructor(room: number) {
    this.room = room
  }

  get ready(): boolean {
    return this.room > 0
  }

  take(value: unknown): void {
    this.room--
    this.values.push(value)
  }

  end(error: Error | undefined): void {
    assert.equal(this.ended, undefined, 'ended twice')
    this.ended = { error }
  }
}

/** Gives these values. */
class Giving implements Pusher {
  readonly values: unknown[]
  ended: { readonly error: Error | undefined } | undefined

  constructor(values: unknown[]) {
    this.values = values
  }

  get ready(): boolean {
    return this.values.length > 0
  }

  give(): unknown {
    return this.values.length > 0 ? this.values.shift() : NOTHING
  }

  end(error: Error | undefined): void {
    assert.equal(this.ended, undefined, 'ended twice')
    this.ended = { error }
  }
}

describe('pumps of a channel', () => {
  it('a puller takes what there is while it is ready, in order, and room is filled again', async () => {
    const ch = channel<number>(2)
    const sends = [0, 1, 2, 3, 4].map(i => ch.send(i))
    const puller = new Taking(3)
    ch[PORT].attachPuller(puller)
    assert.deepEqual(puller.values, [0, 1, 2])
    assert.equal(ch.length, 2)
    await Promise.all(sends)
    assert.equal(ch.trySend(5), false)
    puller.room = 10
    ch[PORT].pull(puller)
    ch.trySend(5)
    assert.deepEqual(puller.values, [0, 1, 2, 3, 4, 5])
  })

  it('two ready pullers and a receive take turns', async () => {
    const ch = channel<number>()
    const [a, b] = [new Taking(10), new Taking(10)]
    ch[PORT].attachPuller(a)
    ch[PORT].attachPuller(b)
    const received = ch.receive()
    for (let i = 0; i < 7; i++) ch.trySend(i)
    assert.equal((await received).value, 2)
    assert.deepEqual(a.values, [0, 3, 5])
    assert.deepEqual(b.values, [1, 4, 6])
  })

  it('a puller that is not ready, or was detached, takes nothing', () => {
    const ch = channel<number>(4)
    const [full, gone] = [new Taking(0), new Taking(4)]
    ch[PORT].attachPuller(full)
    ch[PORT].attachPuller(gone)()
    ch.trySend(1)
    assert.deepEqual([full.values, gone.values], [[], []])
    assert.equal(ch.length, 1)
    ch[PORT].pull(gone)
    assert.deepEqual(gone.values, [])
  })

  it('ends a puller once, after the last value, whether it was ready or not', () => {
    const ch = channel<number>(2)
    const broken = new Error('broken')
    const puller = new Taking(0)
    ch[PORT].attachPuller(puller)
    ch.trySend(1)
    ch.trySend(2)
    ch.close(broken)
    assert.equal(puller.ended, undefined)
    puller.room = 1
    ch[PORT].pull(puller)
    assert.equal(puller.ended, undefined)
    assert.equal(ch.tryReceive()?.value, 2)
    assert.deepEqual(puller.ended, { error: broken })
    const late = new Taking(1)
    ch[PORT].attachPuller(late)
    assert.deepEqual(late.ended, { error: broken })
  })

  it('fetches from a pusher only what there is room for, or a receiver', async () => {
    const ch = channel<number>(2)
    const pusher = new Giving([0, 1, 2, 3])
    ch[PORT].attachPusher(pusher)
    assert.deepEqual(pusher.values, [2, 3])
    assert.equal(ch.tryReceive()?.value, 0)
    assert.deepEqual(pusher.values, [3])
    for (const expected of [1, 2, 3]) assert.equal((await ch.receive()).value, expected)
    const waiting = ch.receive()
    pusher.values.push(4)
    ch[PORT].push(pusher)
    assert.equal((await waiting).value, 4)
  })

  it('without capacity a value stays with its pusher until somebody wants it', async () => {
    const ch = channel<number>()
    const pusher = new Giving([1, 2])
    ch[PORT].attachPusher(pusher)
    assert.equal(pusher.values.length, 2)
    assert.equal((await ch.receive()).value, 1)
    assert.equal(pusher.values.length, 1)
  })

  it('sends and pushers take turns', async () => {
    const ch = channel<string>()
    const pusher = new Giving(['p0', 'p1', 'p2'])
    ch[PORT].attachPusher(pusher)
    const sends = ['s0', 's1'].map(value => ch.send(value))
    const values: unknown[] = []
    for (let i = 0; i < 5; i++) values.push((await ch.receive()).value)
    await Promise.all(sends)
    assert.deepEqual(values, ['p0', 's0', 's1', 'p1', 'p2'])
  })

  it('ends a pusher at the close; what it holds stays with it', () => {
    const ch = channel<number>(1)
    const pusher = new Giving([1, 2])
    ch[PORT].attachPusher(pusher)
    ch.close()
    assert.deepEqual(pusher.ended, { error: undefined })
    assert.deepEqual(pusher.values, [2])
    assert.equal(ch.tryReceive()?.value, 1)
    assert.equal(ch.tryReceive()?.done, true)
    const late = new Giving([1])
    ch[PORT].attachPusher(late)
    assert.deepEqual(late.ended, { error: undefined })
  })

  it('a pusher that turns out to have nothing is not asked again before it says so', async () => {
    const ch = channel<number>()
    let asked = 0
    const pusher: Pusher = { ready: true, give: () => (asked++, NOTHING), end: () => {} }
    ch[PORT].attachPusher(pusher)
    const received = ch.receive()
    assert.equal(asked, 1)
    await ch.send(1)
    assert.equal((await received).value, 1)
  })

  it('pumps that call back from within lose nothing and keep the order', async () => {
    const ch = channel<number>(1)
    const values: unknown[] = []
    const puller: Puller = {
      ready: true,
      take(value) {
        values.push(value)
        if (value === 0) ch.trySend(100)
      },
      end: () => values.push('end')
    }
    const pusher = new Giving([0, 1, 2])
    ch[PORT].attachPuller(puller)
    ch[PORT].attachPusher(pusher)
    ch.close()
    assert.equal(values.length, 5)
    assert.deepEqual(new Set(values), new Set([0, 1, 100, 2, 'end']))
    assert.equal(values.at(-1), 'end')
  })

  it('a guard looks at what sends bring, not at what pushers give', async () => {
    const ch = channel<number>(4)
    const remove = ch[PORT].guard(value => {
      if (typeof value !== 'number') throw new TypeError('a number, please')
    })
    const wrong = 'x' as unknown as number
    await assert.rejects(ch.send(wrong), /a number, please/)
    assert.throws(() => ch.trySend(wrong), /a number, please/)
    ch[PORT].attachPusher(new Giving([wrong]))
    assert.equal(ch.tryReceive()?.value, 'x')
    remove()
    assert.equal(ch.trySend(wrong), true)
  })
})
