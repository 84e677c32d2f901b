import assert from 'node:assert/strict'
import { Fifo } from '../src/fifo.ts'
import { seeded } from './seeded.ts'

describe('Fifo', () => {
  it('does what an array does, whatever is done to it', () => {
    const random = seeded(5)
    const fifo = new Fifo<number>()
    const model: number[] = []
    let next = 0
    for (let step = 0; step < 20_000; step++) {
      // It grows for a while, then shrinks, so that it wraps around at every size.
      const pushes = Math.floor(step / 2_500) % 2 === 0 ? 0.6 : 0.4
      const dice = random()
      if (dice < pushes) {
        fifo.push(next)
        model.push(next++)
      } else if (dice < 0.98) assert.equal(fifo.shift(), model.shift())
      else if (dice < 0.999) {
        const items = Array.from({ length: random() * 40 }, () => next++)
        fifo.unshift(items)
        model.unshift(...items)
      } else assert.deepEqual(fifo.drain(), model.splice(0))
      assert.equal(fifo.length, model.length)
      assert.equal(fifo.peek(), model[0])
    }
    const some = model[3] ?? -1
    assert.equal(
      fifo.some(item => item === some),
      model.length > 3
    )
    assert.equal(
      fifo.some(item => item === -1),
      false
    )
    assert.deepEqual(fifo.drain(), model)
  })
})
