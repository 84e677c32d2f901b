import assert from 'node:assert/strict'
import { unref } from '../src/index.ts'

describe('unref', () => {
  it('lets go of a timer of Node', () => {
    const timer = setTimeout(() => {}, 60_000)
    assert.equal(timer.hasRef(), true)
    unref(timer)
    assert.equal(timer.hasRef(), false)
    clearTimeout(timer)
  })

  it('leaves a timer of a browser, which is a number, alone', () => {
    unref(7 as unknown as NodeJS.Timeout)
  })
})
