import assert from 'node:assert/strict'
import { StallWatch, type Stallable } from '../src/stall-watch.ts'

describe('stall watch', () => {
  class Fake implements Stallable {
    pending = 100
    taken = 0
    stalled = 0
    readonly writeStallTimeout: number

    constructor(writeStallTimeout: number) {
      this.writeStallTimeout = writeStallTimeout
    }

    onStalled(): void {
      this.stalled++
    }
  }

  it('fires once, only for what makes no progress', () => {
    let now = 0
    const watch = new StallWatch(() => now)
    const [stuck, slow, done] = [new Fake(10), new Fake(10), new Fake(10)]
    for (const fake of [stuck, slow, done]) watch.add(fake)
    for (now = 1; now < 10; now++) {
      slow.taken++
      watch.add(stuck)
      watch.sweep()
    }
    assert.deepEqual([stuck.stalled, slow.stalled], [0, 0])
    done.pending = 0
    now = 10
    slow.taken++
    watch.sweep()
    now = 19
    watch.sweep()
    assert.deepEqual([stuck.stalled, slow.stalled, done.stalled], [1, 0, 0])
    now = 20
    watch.sweep()
    assert.deepEqual([stuck.stalled, slow.stalled], [1, 1])
    assert.equal(watch.size, 0)
  })

  it('leaves alone what has no limit, and forgets what is removed', () => {
    const watch = new StallWatch(() => 0)
    watch.add(new Fake(0))
    assert.equal(watch.size, 0)
    const fake = new Fake(5)
    watch.add(fake)
    watch.remove(fake)
    assert.equal(watch.size, 0)
  })
})
