import assert from 'node:assert/strict'
import { FreeMarks, freeBuffer } from '../src/index.ts'

const BIG = 65_536

describe('free marks', () => {
  it('free what was marked, once', () => {
    const marks = new FreeMarks()
    const bytes = marks.mark(new Uint8Array(BIG))
    assert.ok(marks.has(bytes))
    marks.free(bytes)
    assert.equal(bytes.byteLength, 0)
    assert.equal(bytes.buffer.detached, true)
    marks.free(bytes)
  })

  it('leave alone what was not marked, or is unmarked again', () => {
    const marks = new FreeMarks()
    const never = new Uint8Array(BIG)
    const kept = marks.mark(new Uint8Array(BIG))
    marks.unmark(kept)
    const elsewhere = new FreeMarks().mark(new Uint8Array(BIG))
    for (const bytes of [never, kept, elsewhere]) {
      marks.free(bytes)
      assert.equal(bytes.byteLength, BIG)
    }
  })

  it('never mark a part of a buffer, nor a small one', () => {
    const marks = new FreeMarks()
    const whole = new Uint8Array(2 * BIG)
    for (const bytes of [whole.subarray(0, BIG), whole.subarray(BIG), new Uint8Array(100)]) {
      assert.equal(marks.has(marks.mark(bytes)), false)
      marks.free(bytes)
      assert.notEqual(bytes.byteLength, 0)
    }
  })

  it('are on one array object, not on its views', () => {
    const marks = new FreeMarks()
    const bytes = marks.mark(new Uint8Array(BIG))
    marks.free(bytes.subarray())
    assert.equal(bytes.byteLength, BIG)
  })

  it('move to the view that is handed on', () => {
    const marks = new FreeMarks()
    const bytes = marks.mark(new Uint8Array(BIG))
    const payload = bytes.subarray(12)
    marks.move(bytes, payload)
    assert.equal(marks.has(bytes), false)
    marks.free(payload)
    assert.equal(bytes.byteLength, 0)

    const unmarked = new Uint8Array(BIG)
    marks.move(unmarked, unmarked.subarray(12))
    assert.equal(marks.has(unmarked.subarray(12)), false)
  })

  it('freeBuffer frees without a mark', () => {
    const bytes = new Uint8Array(10)
    freeBuffer(bytes)
    assert.equal(bytes.byteLength, 0)
  })
})
