import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ByteRing } from '../../src/tcp/byte-ring.ts'

describe('byte ring', () => {
  it('has no memory until it holds something, and gives it back', () => {
    const ring = new ByteRing()
    assert.equal(ring.capacity, 0)
    ring.push(new Uint8Array(5000), 0, 5000)
    assert.equal(ring.capacity, 8192)
    ring.release()
    assert.equal(ring.capacity, 0)
    assert.equal(ring.length, 0)
  })

  it('is a queue, whatever is pushed, placed behind the end, copied and dropped', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), n: fc.nat({ max: 3000 }) }),
      fc.record({ do: fc.constant('ahead' as const), n: fc.nat({ max: 3000 }) }),
      fc.record({ do: fc.constant('drop' as const), n: fc.nat({ max: 4000 }) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const ring = new ByteRing()
        let model: number[] = []
        let next = 0
        const bytes = (n: number): Uint8Array => Uint8Array.from({ length: n + 2 }, () => next++)
        for (const { do: what, n } of steps) {
          if (what === 'push') {
            const source = bytes(n)
            ring.push(source, 1, n)
            model.push(...source.subarray(1, n + 1))
          } else if (what === 'ahead') {
            // Two pieces, the later first, as after reordering.
            const first = bytes(n)
            const second = bytes(7)
            ring.place(n, second, 0, 7)
            ring.place(0, first, 0, n)
            ring.extend(n + 7)
            model.push(...first.subarray(0, n), ...second.subarray(0, 7))
          } else {
            const count = Math.min(n, model.length)
            ring.drop(count)
            model = model.slice(count)
          }
          assert.equal(ring.length, model.length)
          const out = new Uint8Array(model.length + 2)
          if (model.length > 0) ring.copy(0, model.length, out, 1)
          assert.deepEqual([...out.subarray(1, model.length + 1)], model)
          const peeked = ring.peek()
          assert.deepEqual([...peeked], model.slice(0, peeked.length))
          assert.equal(peeked.length === 0, model.length === 0)
        }
      }),
      { numRuns: 50 }
    )
  })
})
