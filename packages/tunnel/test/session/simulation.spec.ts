import assert from 'node:assert/strict'
import { type SimulationReport, simulate } from './simulation.ts'

const only = process.env.WARREN_SIM_SEED
const seeds = Number(process.env.WARREN_SIM_SEEDS ?? 2_000)

describe('session simulation', function () {
  this.timeout(120_000)

  it(`loses nothing and doubles nothing in ${only ?? seeds} seeds with cuts at any byte`, () => {
    const sum: SimulationReport = {
      cuts: 0,
      resumes: 0,
      replayedBytes: 0,
      deliveredBytes: 0,
      fenced: 0,
      grown: 0,
      lingered: 0
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
    assert.ok(sum.cuts > seeds * 2, `${sum.cuts} cuts`)
    assert.ok(sum.resumes > seeds, `${sum.resumes} resumes`)
    assert.ok(sum.replayedBytes > seeds * 100, `${sum.replayedBytes} bytes were sent again`)
    assert.ok(sum.fenced > 0, 'bytes of fenced streams came')
    assert.ok(sum.grown > seeds / 20, `windows grew in ${sum.grown} seeds`)
  })
})
