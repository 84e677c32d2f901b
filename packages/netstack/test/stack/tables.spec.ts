import assert from 'node:assert/strict'
import { seededRandom } from '../../src/link/seeded-random.ts'
import { DeadlineHeap, type Timed } from '../../src/stack/deadline-heap.ts'
import { type FlowEntry, FlowTable } from '../../src/stack/flow-table.ts'
import { VirtualClock } from '../../src/stack/virtual-clock.ts'

describe('deadline heap', () => {
  it('gives entries in the order of their deadlines, whatever was moved or taken out', () => {
    const random = seededRandom(5)
    const heap = new DeadlineHeap<Timed & { due: number }>()
    const entries = Array.from({ length: 500 }, () => ({ deadline: Infinity, place: -1, due: 0 }))
    for (const entry of entries) {
      entry.due = random() * 1000
      heap.arm(entry, entry.due)
    }
    for (const entry of entries) {
      const draw = random()
      if (draw < 0.3) {
        heap.remove(entry)
        entry.due = Infinity
      } else if (draw < 0.6) {
        entry.due /= 2
        heap.arm(entry, entry.due)
      } else heap.arm(entry, entry.due * 2)
    }
    const expected = entries.filter(entry => entry.due < Infinity).map(entry => entry.due)
    const got: number[] = []
    for (let first = heap.first; first !== undefined; first = heap.first) {
      assert.equal(first.deadline, first.due)
      got.push(first.due)
      heap.remove(first)
    }
    assert.deepEqual(
      got,
      expected.toSorted((a, b) => a - b)
    )
  })
})

describe('flow table', () => {
  const entry = (i: number, v6: boolean): FlowEntry => ({
    local: v6 ? Int32Array.of(0xfd00, 0, 0, 1) : Int32Array.of(0, 0, 0xffff, 1),
    localPort: 80,
    remote: v6 ? Int32Array.of(0xfd00, i >>> 8, 0, 2) : Int32Array.of(0, 0, 0xffff, i >>> 8),
    remotePort: i & 0xff,
    nextInBucket: undefined
  })

  it('finds what is in it and nothing else, for both versions', () => {
    const table = new FlowTable<FlowEntry>(12_345)
    const all = Array.from({ length: 5000 }, (_, i) => entry(i, i % 2 === 0))
    for (const one of all) table.add(one)
    assert.equal(table.size, 5000)
    const find = (one: FlowEntry): FlowEntry | undefined =>
      table.get(one.local.slice(), one.localPort, one.remote.slice(), one.remotePort)
    for (const one of all) assert.equal(find(one), one)
    assert.equal(find(entry(1, true)), undefined)
    for (const [i, one] of all.entries()) if (i % 3 !== 0) assert.ok(table.remove(one))
    for (const [i, one] of all.entries()) assert.equal(find(one), i % 3 === 0 ? one : undefined)
    assert.equal(table.remove(entry(0, true)), false)
    assert.equal([...table.values()].length, table.size)
  })
})

describe('virtual clock', () => {
  it('runs events in order, and timers only as they were last set', () => {
    const clock = new VirtualClock(100)
    const log: string[] = []
    const timer = clock.timer(() => log.push(`timer at ${clock.now()}`))
    timer.set(150)
    timer.set(120)
    clock.at(130, () => log.push('b'))
    clock.at(110, () => {
      log.push('a')
      clock.soon(() => log.push('soon'))
    })
    const cleared = clock.timer(() => log.push('never'))
    cleared.set(115)
    cleared.clear()
    clock.run(125)
    assert.deepEqual(log, ['a', 'soon', 'timer at 120'])
    assert.equal(clock.now(), 125)
    assert.equal(clock.pending, 1)
    clock.run()
    assert.deepEqual(log.at(-1), 'b')
    assert.equal(clock.pending, 0)
  })
})
