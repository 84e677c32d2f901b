import assert from 'node:assert/strict'
import type { Impairments } from '../../src/link/impairments.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { PacketBatch } from '../../src/link/packet-batch.ts'
import { VirtualClock } from '../../src/stack/virtual-clock.ts'

interface Arrival {
  readonly at: number
  readonly number: number
  readonly bytes: Uint8Array
}

/** Sends `count` numbered packets of 100 bytes, one each `gap` ms, and tells what arrives when. */
function send(forward: Impairments, count: number, gap = 1, seed = 7): Arrival[] {
  const clock = new VirtualClock()
  const [from, to] = memoryLinkPair({ forward, clock, seed })
  const arrivals: Arrival[] = []
  to.start({
    onPackets: batch => {
      for (let i = 0; i < batch.count; i++) {
        const bytes = batch.packet(i).slice()
        const number = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
        arrivals.push({ at: clock.now(), number, bytes })
      }
    },
    onLinkClosed: () => {}
  })
  const batch = PacketBatch.of(1, 100)
  for (let number = 0; number < count; number++) {
    clock.at(number * gap, () => {
      const packet = new Uint8Array(100).fill(number)
      packet[0] = number >>> 8
      packet[1] = number
      batch.clear()
      batch.push(packet)
      from.send(batch)
    })
  }
  clock.run()
  return arrivals
}

const numbers = (arrivals: Arrival[]): number[] => arrivals.map(({ number }) => number)
const ordered = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('memory link', () => {
  it('delivers everything in order without impairments', () => {
    assert.deepEqual(numbers(send({}, 1000)), ordered(1000))
  })

  it('loses as many as it is told to', () => {
    const { length } = send({ loss: 0.2 }, 5000)
    assert.ok(length > 3800 && length < 4200, `${length} of 5000 arrived`)
  })

  it('delays, and keeps the order under jitter', () => {
    const arrivals = send({ delay: 50, jitter: 10 }, 500)
    assert.deepEqual(numbers(arrivals), ordered(500))
    for (const { at, number } of arrivals) {
      assert.ok(at >= number + 50 && at <= number + 61, `${number} arrived at ${at}`)
    }
  })

  it('reorders some and loses none', () => {
    const arrived = numbers(send({ reorder: 0.1, reorderDelay: 20 }, 1000))
    assert.notDeepEqual(arrived, ordered(1000))
    assert.deepEqual(
      arrived.toSorted((a, b) => a - b),
      ordered(1000)
    )
  })

  it('duplicates', () => {
    const arrived = numbers(send({ duplicate: 0.5 }, 1000))
    assert.ok(arrived.length > 1400 && arrived.length < 1600)
    assert.deepEqual([...new Set(arrived)], ordered(1000))
  })

  it('flips single bits', () => {
    const arrived = send({ corrupt: 0.5, delay: 1 }, 1000)
    const bad = arrived.filter(({ bytes, at }) => {
      const number = at - 1
      const flipped = bytes.reduce((bits, byte, i) => {
        const right = i === 0 ? number >>> 8 : number & 0xff
        return bits + ((byte ^ right).toString(2).match(/1/g)?.length ?? 0)
      }, 0)
      assert.ok(flipped <= 1)
      return flipped === 1
    })
    assert.ok(bad.length > 400 && bad.length < 600)
  })

  it('lets no more through than its rate, and drops what its queue cannot hold', () => {
    const arrivals = send({ rate: 10_000, queue: 1000 }, 1000)
    // 100 bytes at 10,000 bytes/s are 10 ms each; in 1000 ms some 100 pass, and 10 from the queue.
    assert.ok(arrivals.length >= 100 && arrivals.length <= 111, `${arrivals.length} arrived`)
    const gaps = arrivals.slice(1).map(({ at }, i) => at - (arrivals[i]?.at ?? 0))
    assert.ok(Math.min(...gaps) > 9.99)
  })

  it('swallows what is larger than a black hole', () => {
    assert.equal(send({ blackHole: 99 }, 10).length, 0)
    assert.equal(send({ blackHole: 100 }, 10).length, 10)
  })

  it('does the same again with the same seed', () => {
    const how = { loss: 0.1, reorder: 0.1, jitter: 5, duplicate: 0.1, delay: 3 }
    assert.deepEqual(send(how, 500, 1, 3), send(how, 500, 1, 3))
    assert.notDeepEqual(numbers(send(how, 500, 1, 3)), numbers(send(how, 500, 1, 4)))
  })

  it('holds no more than its capacity', () => {
    const clock = new VirtualClock()
    const [from, to] = memoryLinkPair({ clock, capacity: 1000, forward: { delay: 10 } })
    let arrived = 0
    to.start({ onPackets: ({ count }) => (arrived += count), onLinkClosed: () => {} })
    const batch = PacketBatch.of(20, 100)
    for (let i = 0; i < 20; i++) batch.push(new Uint8Array(100))
    from.send(batch)
    clock.run()
    assert.equal(arrived, 10)
    assert.equal(from.stats.dropped, 10)
    from.send(batch)
    clock.run()
    assert.equal(arrived, 20)
  })
})
