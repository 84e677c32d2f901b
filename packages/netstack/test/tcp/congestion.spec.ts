import assert from 'node:assert/strict'
import type { AckSample } from '../../src/tcp/congestion/congestion.ts'
import { Cubic } from '../../src/tcp/congestion/cubic.ts'
import { HyStart } from '../../src/tcp/congestion/hystart.ts'
import { NewReno } from '../../src/tcp/congestion/newreno.ts'

const MSS = 1000

function sample(acked: number, now = 0, rtt = -1, una = 0, nxt = 0): AckSample {
  return { acked, rtt, una, nxt, now }
}

describe('NewReno', () => {
  it('doubles in slow start and adds one segment per window after it (RFC 5681 §3.1)', () => {
    const reno = new NewReno(MSS, 10)
    assert.equal(reno.window, 10 * MSS)
    for (let i = 0; i < 10; i++) reno.acked(sample(MSS))
    assert.equal(reno.window, 20 * MSS)
    reno.lost(reno.window)
    assert.equal(reno.threshold, 10 * MSS)
    reno.window = reno.threshold
    for (let i = 0; i < 10; i++) reno.acked(sample(MSS))
    assert.equal(reno.window, 11 * MSS)
  })

  it('never falls below two segments, or one after a timeout', () => {
    const reno = new NewReno(MSS, 10)
    reno.lost(2 * MSS)
    assert.equal(reno.threshold, 2 * MSS)
    reno.timedOut(2 * MSS)
    assert.equal(reno.window, MSS)
    reno.undo()
    assert.equal(reno.window, 10 * MSS)
  })
})

describe('CUBIC', () => {
  /** Acknowledges a window per round trip for so many seconds. */
  function run(cubic: Cubic, from: number, seconds: number, rtt: number): number {
    let now = from
    for (; now < from + 1000 * seconds; now += rtt) {
      const segments = Math.floor(cubic.window / MSS)
      for (let i = 0; i < segments; i++) cubic.acked(sample(MSS, now), rtt)
    }
    return now
  }

  it('follows W(t) = C (t - K)³ + W_max (RFC 9438 §4.2)', () => {
    const cubic = new Cubic(MSS, 10)
    cubic.window = 1000 * MSS
    cubic.lost()
    assert.equal(cubic.threshold, 700 * MSS)
    cubic.window = cubic.threshold
    // Round trips of 100 ms: far above what Reno would do.
    const k = Math.cbrt((1000 - 700) / 0.4)
    for (const t of [2, 5, k, 12]) {
      const other = new Cubic(MSS, 10)
      other.window = 1000 * MSS
      other.lost()
      other.window = other.threshold
      run(other, 5000, t, 100)
      const expected = 0.4 * (t - k) ** 3 + 1000
      assert.ok(
        Math.abs(other.window / MSS - expected) < 0.02 * expected,
        `at ${t} s: ${other.window}`
      )
    }
  })

  it('is no worse than Reno where that is faster (§4.3)', () => {
    const cubic = new Cubic(MSS, 10)
    cubic.window = 10 * MSS
    cubic.lost()
    cubic.window = cubic.threshold
    run(cubic, 0, 0.4, 10)
    // 40 round trips of 0.53 segments, and of one beyond the window before.
    const expected = 7 + 3 + (40 - 3 / 0.529)
    assert.ok(cubic.window / MSS > 0.8 * expected, String(cubic.window))
  })

  it('gives way below its last maximum (fast convergence, §4.7)', () => {
    const cubic = new Cubic(MSS, 10)
    cubic.window = 1000 * MSS
    cubic.lost()
    cubic.window = 800 * MSS
    cubic.lost()
    cubic.window = cubic.threshold
    // The plateau is now 800 × 0.85 = 680, not 800.
    const k = Math.cbrt((680 - 560) / 0.4)
    run(cubic, 0, k, 100)
    assert.ok(Math.abs(cubic.window / MSS - 680) < 14, String(cubic.window))
  })

  it('takes a reduction back, curve and all', () => {
    const cubic = new Cubic(MSS, 10)
    cubic.window = 100 * MSS
    cubic.threshold = 50 * MSS
    cubic.timedOut()
    assert.equal(cubic.window, MSS)
    cubic.undo()
    assert.deepEqual([cubic.window, cubic.threshold], [100 * MSS, 50 * MSS])
  })

  it('does not grow on while idle (§5.8)', () => {
    const still = new Cubic(MSS, 10)
    still.window = 100 * MSS
    still.lost()
    still.window = still.threshold
    const now = run(still, 0, 1, 100)
    const before = still.window
    still.idled(60_000)
    still.acked(sample(MSS, now + 60_000), 100)
    assert.ok(still.window - before < MSS)
  })
})

describe('HyStart++', () => {
  /** One round of `samples` ACKs with one round trip time; returns the bytes that it grew. */
  function round(hystart: HyStart, number: number, rtt: number, samples = 10): number {
    let grown = 0
    for (let i = 0; i < samples; i++) {
      const una = number * 100_000 + i + 1
      const growth = hystart.grow(sample(MSS, 0, rtt, una, (number + 1) * 100_000), MSS)
      if (growth < 0) return -1
      grown += growth
    }
    return grown
  }

  it('grows by what is acknowledged while the round trip stays (RFC 9406 §4.2)', () => {
    const hystart = new HyStart()
    for (let n = 0; n < 20; n++) assert.equal(round(hystart, n, 20), 10 * MSS)
  })

  it('grows by a quarter when it has grown by an eighth, and ends after five such rounds', () => {
    const hystart = new HyStart()
    round(hystart, 0, 40)
    assert.ok(round(hystart, 1, 46) < 10 * MSS)
    for (let n = 2; n < 6; n++) assert.equal(round(hystart, n, 46), 2.5 * MSS)
    assert.equal(round(hystart, 6, 46), -1)
  })

  it('goes back to slow start when the delay was not its own', () => {
    const hystart = new HyStart()
    round(hystart, 0, 40)
    round(hystart, 1, 46)
    assert.equal(round(hystart, 2, 46), 2.5 * MSS)
    round(hystart, 3, 40)
    assert.equal(round(hystart, 4, 40), 10 * MSS)
  })

  it('needs eight samples, and four milliseconds', () => {
    const few = new HyStart()
    round(few, 0, 40, 7)
    assert.equal(round(few, 1, 80, 7), 7 * MSS)
    const small = new HyStart()
    round(small, 0, 1)
    assert.equal(round(small, 1, 4.9), 10 * MSS)
  })
})
