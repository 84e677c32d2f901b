import { simulate } from './simulate.ts'

const SEEDS = Number(process.env.WARREN_SIM_SEEDS ?? 60)
const ONLY = process.env.WARREN_SIM_SEED

describe('simulation of two stacks', () => {
  it(`delivers everything or says why it cannot, and leaves nothing (${ONLY ?? SEEDS} seeds)`, function () {
    this.timeout(0)
    const first = ONLY === undefined ? 0 : Number(ONLY)
    const end = ONLY === undefined ? SEEDS : first + 1
    for (let seed = first; seed < end; seed++) {
      try {
        simulate(seed)
      } catch (error) {
        throw new Error(`seed ${seed} failed; replay it with WARREN_SIM_SEED=${seed}`, {
          cause: error
        })
      }
    }
  })
})
