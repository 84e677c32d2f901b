import assert from 'node:assert/strict'
import { DIAL_BACKOFF } from '../src/defaults.ts'
import { DialBackoff } from '../src/dial/dial-backoff.ts'
import { DialSlots } from '../src/dial/dial-slots.ts'

describe('dial back-off', () => {
  const address = '/ip4/1.2.3.1/tcp/1'

  it('waits 5 s + 1 s × n², at most 5 min', () => {
    const backoff = new DialBackoff(DIAL_BACKOFF)
    let now = 0
    const waits: number[] = []
    for (let n = 0; n < 20; n++) {
      backoff.failed('peer', address, now)
      const wait = backoff.wait('peer', address, now)
      waits.push(wait)
      now += wait
      assert.equal(backoff.wait('peer', address, now), 0)
    }
    assert.deepEqual(waits.slice(0, 5), [5_000, 6_000, 9_000, 14_000, 21_000])
    assert.equal(waits.at(-1), 300_000)
  })

  it('is per peer and address, and cleared per peer', () => {
    const backoff = new DialBackoff(DIAL_BACKOFF)
    backoff.failed('a', address, 0)
    backoff.failed('ab', address, 0)
    assert.equal(backoff.wait('b', address, 0), 0)
    assert.equal(backoff.wait('a', '/ip4/1.2.3.2/tcp/1', 0), 0)
    backoff.clear('a')
    assert.equal(backoff.wait('a', address, 0), 0)
    assert.equal(backoff.wait('ab', address, 0), 5_000)
  })

  it('remembers no more than its limit, the newest', () => {
    const backoff = new DialBackoff({ ...DIAL_BACKOFF, maxEntries: 3 })
    for (let i = 0; i < 10; i++) backoff.failed('peer', String(i), 0)
    assert.equal(backoff.size, 3)
    assert.equal(backoff.wait('peer', '9', 0), 5_000)
    assert.equal(backoff.wait('peer', '6', 0), 0)
  })
})

describe('dial slots', () => {
  const never = new AbortController().signal

  it('holds at most its total and its number per peer, and serves those who wait in order', async () => {
    const slots = new DialSlots({ total: 3, perPeer: 2, queue: 10 })
    const releases = [await slots.acquire('a', never), await slots.acquire('a', never)]
    const order: string[] = []
    const waiting = ['a', 'b', 'c'].map(async (peer, index) => {
      const release = await slots.acquire(peer, never)
      order.push(`${peer}${index}`)
      return release
    })
    // The full peer "a" does not hold up "b".
    const second = await waiting[1]
    assert.deepEqual(order, ['b1'])
    assert.equal(slots.taken, 3)
    assert.equal(slots.waiting, 2)
    releases[0]?.()
    releases[0]?.()
    ;(await waiting[0])?.()
    assert.deepEqual(order, ['b1', 'a0'])
    ;(await waiting[2])?.()
    second?.()
    releases[1]?.()
    assert.equal(slots.taken, 0)
    assert.equal(slots.waiting, 0)
  })

  it('refuses more than may wait, and lets go of who gives up', async () => {
    const slots = new DialSlots({ total: 1, perPeer: 1, queue: 1 })
    const release = await slots.acquire('a', never)
    const controller = new AbortController()
    const waiting = slots.acquire('b', controller.signal)
    await assert.rejects(slots.acquire('c', never), { code: 'ERR_DIAL_QUEUE_FULL' })
    controller.abort(new Error('gave up'))
    await assert.rejects(waiting, /gave up/)
    assert.equal(slots.waiting, 0)
    release()
    const again = await slots.acquire('d', never)
    again()
  })
})
