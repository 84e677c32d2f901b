import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Intervals, MAX_INTERVALS } from '../../src/tcp/intervals.ts'

/** Close to the wrap, so that the arithmetic has to be modular. */
const BASE = 0x7fff_ffc0

const at = (n: number): number => (BASE + n) | 0
const from = (seq: number): number => (seq - BASE) | 0

describe('out-of-order intervals', () => {
  it('are what a set of numbers would be', () => {
    const range = fc.tuple(fc.nat({ max: 120 }), fc.integer({ min: 1, max: 20 }))
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), fc.nat({ max: 150 }), (ranges, reached) => {
        const intervals = new Intervals()
        const held = new Set<number>()
        const duplicate = new Int32Array(2)
        for (const [start, length] of ranges) {
          const before = new Set(held)
          assert.ok(intervals.add(at(start), at(start + length), duplicate))
          for (let i = start; i < start + length; i++) held.add(i)
          const [first, last] = [from(duplicate[0] as number), from(duplicate[1] as number)]
          const repeated = [...Array(length).keys()].some(i => before.has(start + i))
          assert.equal(first < last, repeated)
          for (let i = first; i < last; i++) assert.ok(before.has(i) && i >= start)
          const blocks = new Int32Array(8)
          const count = intervals.newest(4, blocks, 0)
          assert.equal(count, Math.min(4, intervals.count))
          // The first block holds what came last.
          assert.ok(from(blocks[0] as number) <= start)
          assert.ok(from(blocks[1] as number) >= start + length)
          for (let b = 0; b < count; b++) {
            const [low, high] = [from(blocks[2 * b] as number), from(blocks[2 * b + 1] as number)]
            for (let i = low; i < high; i++) assert.ok(held.has(i))
            assert.ok(!held.has(low - 1) && !held.has(high))
          }
        }
        let end = reached
        while (held.has(end)) end++
        const touches = [...held].some(i => i <= reached) ? end : reached
        assert.equal(from(intervals.advance(at(reached))), Math.max(touches, reached))
        const left = [...held].filter(i => i > end)
        let runs = 0
        for (const i of left) if (!held.has(i - 1)) runs++
        assert.equal(intervals.count, runs)
      })
    )
  })

  it('are bounded', () => {
    const intervals = new Intervals()
    const duplicate = new Int32Array(2)
    for (let i = 0; i < MAX_INTERVALS; i++) {
      assert.ok(intervals.add(at(2 * i), at(2 * i + 1), duplicate))
    }
    assert.ok(!intervals.add(at(-5), at(-4), duplicate))
    assert.ok(intervals.add(at(1), at(2), duplicate), 'one that joins two needs no place')
    assert.equal(intervals.count, MAX_INTERVALS - 1)
  })
})
