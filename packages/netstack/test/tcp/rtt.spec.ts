import assert from 'node:assert/strict'
import { RoundTrip } from '../../src/tcp/rtt.ts'

describe('round trip', () => {
  it('starts with one second (RFC 6298 §2.1)', () => {
    assert.equal(new RoundTrip(200, 60_000).timeout, 1000)
  })

  it('smooths by the formulas of RFC 6298 §2', () => {
    const trip = new RoundTrip(1, 60_000)
    trip.sample(100, 0)
    assert.deepEqual([trip.smoothed, trip.variation, trip.timeout], [100, 50, 300])
    trip.sample(60, 1)
    // The variation first, from the old smoothed value.
    assert.deepEqual([trip.variation, trip.smoothed], [47.5, 95])
    assert.equal(trip.timeout, 95 + 4 * 47.5)
  })

  it('keeps the least margin above the round trip', () => {
    const trip = new RoundTrip(200, 60_000)
    for (let i = 0; i < 100; i++) trip.sample(20, i)
    assert.ok(Math.abs(trip.timeout - 220) < 0.01)
  })

  it('doubles with each timeout up to the most, and forgets it', () => {
    const trip = new RoundTrip(200, 2000)
    trip.sample(20, 0)
    const waits = [0, 1, 2, 3, 4].map(() => {
      const wait = trip.timeout
      trip.backOff()
      return wait
    })
    assert.deepEqual(waits, [220, 440, 880, 1760, 2000])
    trip.backoffs = 0
    assert.equal(trip.timeout, 220)
  })

  it('remembers a minimum for five minutes', () => {
    const trip = new RoundTrip(200, 60_000)
    trip.sample(10, 0)
    trip.sample(30, 200_000)
    assert.equal(trip.minimum, 10)
    trip.sample(30, 300_001)
    assert.equal(trip.minimum, 30)
  })
})
