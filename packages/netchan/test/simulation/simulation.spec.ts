import assert from 'node:assert/strict'
import { type SimulationReport, simulate } from './simulate.ts'

const only = process.env.WARREN_SIM_SEED
/** All of them where everything is to be shown; while working, as many as do not hold anybody up. */
const full = process.env.WARREN_REQUIRE_ALL === undefined ? 2_000 : 80_000
const seeds = Math.ceil(Number(process.env.WARREN_SIM_SEEDS ?? full) / 8)

describe('netchan simulation', function () {
  this.timeout(300_000)

  it(`loses nothing and doubles nothing in ${only ?? seeds} seeds with cuts, hangups and leaving importers`, () => {
    const sum: SimulationReport = {
      sent: 0,
      taken: 0,
      cuts: 0,
      hangups: 0,
      redelivered: 0,
      again: 0
    }
    const first = only === undefined ? 1 : Number(only)
    const last = only === undefined ? seeds : first
    for (let seed = first; seed <= last; seed++) {
      let report: SimulationReport
      try {
        report = simulate(seed)
      } catch (cause) {
        const text = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`seed ${seed} (replay: WARREN_SIM_SEED=${seed}): ${text}`, { cause })
      }
      for (const key of Object.keys(sum) as (keyof SimulationReport)[]) sum[key] += report[key]
    }
    if (process.env.WARREN_SIM_PRINT !== undefined) console.log(sum)
    if (only !== undefined || seeds < 100) return
    // The runs met what they are for.
    assert.ok(sum.sent > seeds * 10, `${sum.sent} values were sent`)
    assert.ok(sum.cuts > seeds / 2, `${sum.cuts} cuts`)
    assert.ok(sum.hangups > seeds / 2, `${sum.hangups} hangups`)
    assert.ok(sum.redelivered > seeds, `${sum.redelivered} values were sent again`)
    assert.ok(sum.again < sum.redelivered / 4, `${sum.again} values were taken again`)
  })
})
