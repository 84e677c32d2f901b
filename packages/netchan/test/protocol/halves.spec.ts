import assert from 'node:assert/strict'
import { ReceiveHalf } from '../../src/protocol/receive-half.ts'
import { SendHalf } from '../../src/protocol/send-half.ts'

const WINDOW = { items: 4, bytes: 100 }

describe('the receiving half', () => {
  it('keeps no more memory for an unread value than its own bytes', () => {
    const packet = new Uint8Array(65_536).fill(7)
    packet[10] = 3
    const half = new ReceiveHalf(WINDOW, 1_000, 0)
    half.add(packet.subarray(10, 14), packet.length)
    const value = half.take()
    assert.deepEqual([...(value ?? [])], [7, 7, 7])
    assert.equal(value?.buffer.byteLength, 4)
  })

  it('counts what is owed as held until the credit has left', () => {
    const half = new ReceiveHalf(WINDOW, 1_000, 0)
    half.add(Uint8Array.of(1, 9, 1, 9, 1, 9, 1, 9), 8)
    half.take()
    half.take()
    // The sender cannot know yet: for it the window is full.
    assert.throws(() => half.add(Uint8Array.of(1, 9), 2), /more values than the window/)
    assert.equal(half.takeOwed(), 2)
    half.add(Uint8Array.of(1, 9, 1, 9), 4)
    assert.equal(half.unread, 4)
  })

  it('checks a whole frame before it keeps any of it', () => {
    const half = new ReceiveHalf(WINDOW, 1_000, 0)
    assert.throws(() => half.add(Uint8Array.of(1, 9, 1, 9, 1, 9, 1, 9, 1, 9), 10))
    assert.equal(half.unread, 0)
    assert.equal(half.take(), undefined)
  })

  it('with a count takes no more than that', () => {
    const half = new ReceiveHalf(WINDOW, 1_000, 2)
    assert.throws(() => half.add(Uint8Array.of(0, 0, 0), 3), /more values/)
    half.add(Uint8Array.of(0, 0), 2)
    half.take()
    half.takeOwed()
    assert.throws(() => half.add(Uint8Array.of(0), 1), /more values/)
  })

  it('says when credit for half of the window is owed', () => {
    const half = new ReceiveHalf({ items: 10, bytes: 1_000 }, 1_000, 0)
    half.add(new Uint8Array(10), 10)
    for (let i = 0; i < 4; i++) half.take()
    assert.equal(half.isCreditDue, false)
    half.take()
    assert.equal(half.isCreditDue, true)
    half.takeOwed()
    for (let i = 0; i < 4; i++) half.take()
    assert.equal(half.isCreditDue, false)
    half.take()
    assert.equal(half.isCreditDue, true)
  })
})

describe('the sending half', () => {
  it('is ready while items and bytes are left, and gives back what was not confirmed', () => {
    const half = new SendHalf(0)
    assert.equal(half.ready, false)
    half.grant(WINDOW)
    for (const value of ['a', 'b', 'c']) half.record(value, 30)
    assert.equal(half.ready, true)
    half.record('d', 10)
    assert.equal(half.ready, false)
    half.confirm(1)
    assert.equal(half.ready, true)
    half.record('e', 31)
    assert.equal(half.ready, false)
    assert.throws(() => half.confirm(5), /a credit for 5 values, where 4 are in flight/)
    assert.deepEqual([half.sent, half.confirmed, half.inFlight], [5, 1, 4])
    assert.deepEqual(half.takeUnconfirmed(), ['b', 'c', 'd', 'e'])
  })

  it('ends when the last value is confirmed', () => {
    const half = new SendHalf(0)
    half.grant(WINDOW)
    half.record(1, 1)
    half.end()
    assert.equal(half.state, 'closing')
    half.confirm(1)
    assert.equal(half.state, 'over')
  })

  it('makes use of no window beyond its own limits', () => {
    const half = new SendHalf(0)
    half.grant({ items: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER })
    let sent = 0
    for (; half.ready; sent++) half.record(undefined, 0)
    assert.equal(sent, 65_536)
  })
})
