import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { Backoff, TokenBucket, deadline, waitFor } from '@warren/utils'

describe('TokenBucket', () => {
  it('gives the burst, then the rate', () => {
    const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, 1000)
    assert.deepEqual(
      [1000, 1000, 1000, 1000].map(now => bucket.take(now)),
      [true, true, true, false]
    )
    assert.equal(bucket.take(1499), false)
    assert.equal(bucket.take(1500), true)
    assert.equal(bucket.take(1500), false)
    assert.equal(bucket.tokens(100_000), 3)
  })

  it('gives nothing for a clock that goes back', () => {
    const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, 1000)
    assert.equal(bucket.take(1000), true)
    assert.equal(bucket.take(0), false)
  })
})

describe('Backoff', () => {
  it('draws from a ceiling that doubles up to the maximum, and starts anew after a success', () => {
    const backoff = new Backoff({ first: 250, factor: 2, max: 1000 }, () => 1)
    assert.deepEqual(
      [1, 2, 3, 4].map(() => backoff.next()),
      [250, 500, 1000, 1000]
    )
    assert.equal(backoff.attempts, 4)
    backoff.reset()
    assert.equal(backoff.next(), 250)
  })

  it('jitters over the whole range', () => {
    assert.equal(new Backoff({ first: 250, factor: 2, max: 1000 }, () => 0).next(), 0)
  })
})

describe('deadline', () => {
  it('fires with its reason, and leaves the parent alone', async () => {
    const parent = new AbortController()
    const late = new Error('late')
    const { signal } = deadline(1, () => late, parent.signal)
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    assert.equal(signal.reason, late)
    assert.equal(getEventListeners(parent.signal, 'abort').length, 0)
  })

  it('follows its parent, also one that has aborted before', () => {
    const reason = new Error('no more')
    const parent = new AbortController()
    const before = deadline(60_000, () => new Error('late'), parent.signal)
    parent.abort(reason)
    assert.equal(before.signal.reason, reason)
    assert.equal(deadline(60_000, () => new Error('late'), parent.signal).signal.reason, reason)
  })

  it('is silent once cleared', () => {
    const parent = new AbortController()
    const cleared = deadline(60_000, () => new Error('late'), parent.signal)
    cleared.clear()
    parent.abort()
    assert.equal(cleared.signal.aborted, false)
  })
})

describe('waitFor', () => {
  it('gives the value, or the reason of the signal, and leaves no listener', async () => {
    const controller = new AbortController()
    assert.equal(await waitFor(Promise.resolve(1), controller.signal), 1)
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    const pending = waitFor(new Promise(() => {}), controller.signal)
    controller.abort(new Error('enough'))
    await assert.rejects(pending, { message: 'enough' })
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  })

  it('does not leave a late rejection unhandled', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(waitFor(Promise.reject(new Error('late')), signal), { message: 'enough' })
  })
})
