import assert from 'node:assert/strict'
import { Ewma, LinkMetrics } from '../../src/links/link-metrics.ts'

describe('link metrics', () => {
  it('average 0.8 old and 0.2 new, the first sample as it is', () => {
    const average = new Ewma()
    assert.equal(average.value, undefined)
    average.add(10)
    assert.equal(average.value, 10)
    average.add(20)
    assert.equal(average.value, 12)
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1]) average.add(wrong)
    assert.equal(average.value, 12)
  })

  it('count eight bits per byte, and idle time', () => {
    const metrics = new LinkMetrics()
    metrics.carried(0, 0)
    metrics.carried(0, 1_000)
    assert.equal(metrics.rate, undefined, 'nothing was carried yet')
    metrics.carried(1_000, 2_000)
    assert.equal(metrics.rate, 8_000)
    metrics.carried(1_000, 3_000)
    assert.equal(metrics.rate, 6_400)
    metrics.carried(0, 4_000)
    assert.equal(Math.round(metrics.rate ?? 0), 5_120, 'sessions that ended count as nothing')
  })

  it('call a link failed after four errors in a row', () => {
    const metrics = new LinkMetrics()
    assert.deepEqual(
      [1, 2, 3].map(() => metrics.error()),
      [false, false, false]
    )
    metrics.success()
    assert.deepEqual(
      [1, 2, 3, 4].map(() => metrics.error()),
      [false, false, false, true]
    )
    assert.equal(metrics.failed, true)
  })
})
