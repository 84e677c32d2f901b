import assert from 'node:assert/strict'
import { describeError, printable } from '@warren/utils'

describe('printable', () => {
  it('escapes control characters, line separators and bidirectional overrides', () => {
    const hostile = 'a\n\u001b[2J\u0085\u2028\u202eb'
    assert.equal(printable(hostile), 'a\\x0a\\x1b[2J\\x85\\u2028\\u202eb')
  })

  it('cuts what is too long and says so', () => {
    assert.equal(printable('x'.repeat(1000), 10), `${'x'.repeat(10)}…`)
    assert.equal(printable('x'.repeat(10), 10), 'x'.repeat(10))
  })

  it('leaves ordinary text alone', () => {
    assert.equal(printable('Straße 東京 👍'), 'Straße 東京 👍')
  })
})

describe('describeError', () => {
  it('shows the causes, once each', () => {
    const error = new Error('cannot dial', {
      cause: new Error('connection refused', { cause: new Error('refused') })
    })
    assert.equal(describeError(error), 'cannot dial: connection refused')
  })

  it('ends on a circle of causes', () => {
    const error = new Error('a')
    error.cause = error
    assert.equal(describeError(error), 'a')
  })
})
