import assert from 'node:assert/strict'
import { WarrenError } from '@warren/interface'

class ExampleError extends WarrenError {
  readonly code = 'ERR_EXAMPLE'
}

describe('WarrenError', () => {
  it('has the name of its class, a code, and its cause', () => {
    const cause = new Error('why')
    const error = new ExampleError('what', { cause })
    assert.equal(error.name, 'ExampleError')
    assert.equal(error.code, 'ERR_EXAMPLE')
    assert.equal(error.cause, cause)
    assert.match(String(error.stack), /ExampleError: what/)
  })
})
