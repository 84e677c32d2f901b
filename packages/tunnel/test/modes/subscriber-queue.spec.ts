import assert from 'node:assert/strict'
import type { OverloadPolicy } from '../../src/index.ts'
import { MessageReader, encodeGap, encodeMessage } from '../../src/session/message-codec.ts'
import { SubscriberQueue } from '../../src/modes/subscriber-queue.ts'
import { UnconfirmedRecords } from '../../src/modes/unconfirmed-records.ts'

/** Messages of one byte each, told apart by it. */
function queueOf(policy: OverloadPolicy, messages: number, bytes = 1_000) {
  const queue = new SubscriberQueue<Uint8Array>(policy, { messages, bytes }, ({ length }) => length)
  return {
    queue,
    push: (...values: number[]) => values.map(value => queue.push(Uint8Array.of(value))),
    /** All that waits, each as [gap, value], and the gap behind. */
    drain: (): unknown[] => {
      const all: unknown[] = []
      for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
        all.push([next.gap, next.record[0]])
        queue.shift()
      }
      return [...all, queue.takeTailGap()]
    }
  }
}

describe('queue of a subscriber', () => {
  it('block: keeps everything, and says when it is over', () => {
    const { queue, push, drain } = queueOf('block', 2)
    assert.deepEqual(push(1, 2, 3), ['taken', 'taken', 'over'])
    assert.equal(queue.isOver, true)
    queue.shift()
    assert.equal(queue.isOver, false)
    assert.deepEqual(drain(), [[0, 2], [0, 3], 0])
    assert.equal(queue.dropped, 0)
  })

  it('drop-oldest: what is left out is told before the next one', () => {
    const { queue, push, drain } = queueOf('drop-oldest', 2)
    assert.deepEqual(push(1, 2, 3, 4, 5), Array(5).fill('taken'))
    assert.equal(queue.dropped, 3)
    assert.deepEqual(drain(), [[3, 4], [0, 5], 0])
  })

  it('drop-newest: what is left out is told behind what waits', () => {
    const { queue, push, drain } = queueOf('drop-newest', 2)
    assert.deepEqual(push(1, 2, 3, 4), ['taken', 'taken', 'dropped', 'dropped'])
    queue.shift()
    push(5, 6)
    assert.equal(queue.dropped, 3)
    assert.deepEqual(drain(), [[0, 2], [2, 5], 1])
  })

  it('latest: keeps one', () => {
    const { queue, push, drain } = queueOf('latest', 8)
    push(1, 2, 3)
    assert.equal(queue.size, 1)
    assert.equal(queue.dropped, 2)
    assert.deepEqual(drain(), [[2, 3], 0])
  })

  it('counts bytes as well; one message always fits', () => {
    const { queue } = queueOf('drop-newest', 8, 10)
    assert.equal(queue.push(new Uint8Array(100)), 'taken')
    assert.equal(queue.push(new Uint8Array(1)), 'dropped')
    queue.shift()
    assert.equal(queue.push(new Uint8Array(6)), 'taken')
    assert.equal(queue.push(new Uint8Array(5)), 'dropped')
    assert.equal(queue.push(new Uint8Array(4)), 'taken')
  })

  it('takes a message out again wherever it waits, and tells of it in its place', () => {
    const { queue, push, drain } = queueOf('block', 8)
    push(1, 2)
    const third = Uint8Array.of(3)
    queue.push(third)
    push(4)
    queue.remove(third)
    assert.equal(queue.has(third), false)
    queue.remove(third)
    assert.deepEqual(drain(), [[0, 1], [0, 2], [1, 4], 0])
    queue.push(third)
    queue.remove(third)
    assert.deepEqual(drain(), [1])
  })
})

describe('unconfirmed messages', () => {
  it('are those behind the offset that was confirmed', () => {
    const records = new UnconfirmedRecords()
    const all = Array.from({ length: 5_000 }, (_, i) => Uint8Array.of(i & 0xff))
    all.forEach((record, i) => records.add(record, (i + 1) * 10))
    records.confirm(9)
    assert.equal(records.size, 5_000)
    records.confirm(30_005)
    assert.equal(records.size, 2_000)
    records.add(Uint8Array.of(1), 50_010)
    assert.deepEqual(records.takeAll().slice(0, -1), all.slice(3_000))
    assert.equal(records.size, 0)
    records.confirm(1)
  })
})

describe('gaps between messages', () => {
  const limits = { maxMessageBytes: 100, headerBytes: 100 }
  const bytes = Buffer.concat([
    encodeGap(3),
    encodeMessage({ body: Uint8Array.of(1) }, limits),
    encodeGap(0x7fff_ffff),
    encodeGap(1),
    encodeMessage({ body: Uint8Array.of(2) }, limits),
    encodeGap(4)
  ])

  it('are counted, in every split', () => {
    for (let split = 0; split <= bytes.length; split++) {
      const reader = new MessageReader(limits, true)
      let [at, end] = [0, split]
      const read = (max: number): Uint8Array | undefined => {
        const part = bytes.subarray(at, Math.min(end, at + max))
        at += part.length
        return part.length === 0 ? undefined : part
      }
      const got: unknown[] = []
      for (end of [split, bytes.length]) {
        for (let m = reader.next(read); m !== undefined; m = reader.next(read)) {
          got.push([reader.missed, m.body[0]])
        }
      }
      assert.deepEqual(got, [
        [3, 1],
        [3 + 2 ** 31, 2]
      ])
      assert.equal(reader.missed, 7 + 2 ** 31)
      assert.equal(reader.isBetween, true)
    }
  })

  it('are a protocol error where nobody may leave anything out, or when they are none', () => {
    const read = (data: Uint8Array) => {
      let at = 0
      return (max: number): Uint8Array | undefined => {
        const part = data.subarray(at, at + max)
        at += part.length
        return part.length === 0 ? undefined : part
      }
    }
    const fault = { code: 'ERR_SESSION_PROTOCOL' }
    assert.throws(() => new MessageReader(limits).next(read(encodeGap(1))), fault)
    for (const text of ['800000000000', '800000010001']) {
      assert.throws(
        () => new MessageReader(limits, true).next(read(Buffer.from(text, 'hex'))),
        fault
      )
    }
  })
})
