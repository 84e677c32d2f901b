import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DeadlineQueue, type Expiring } from '../../src/session/deadline-queue.ts'

describe('deadline queue', () => {
  it('gives every item at its earliest deadline, in order, and keeps nothing', () => {
    const step = fc.record({
      item: fc.nat(15),
      at: fc.nat(1_000),
      remove: fc.boolean()
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), steps => {
        const queue = new DeadlineQueue()
        const items: Expiring[] = Array.from({ length: 16 }, () => ({ onDeadline() {} }))
        const model = new Map<Expiring, number>()
        for (const { item: index, at, remove } of steps) {
          const item = items[index] as Expiring
          if (remove) {
            queue.delete(item)
            model.delete(item)
          } else {
            queue.set(item, at)
            model.set(item, Math.min(model.get(item) ?? at, at))
          }
          assert.equal(queue.size, model.size)
          const earliest = model.size === 0 ? undefined : Math.min(...model.values())
          assert.equal(queue.next, earliest)
        }
        for (let now = 0; model.size > 0; now += 7) {
          for (let item = queue.takeDue(now); item !== undefined; item = queue.takeDue(now)) {
            const at = model.get(item)
            assert.ok(at !== undefined && at <= now, 'due, and given once')
            model.delete(item)
          }
          for (const at of model.values()) assert.ok(at > now, 'nothing due is left')
        }
        assert.equal(queue.size, 0)
        assert.equal(queue.next, undefined)
      })
    )
  })
})
