import type { RefusalReason, UpgradeStep } from './errors.ts'
import type { UpgraderStats } from './types.ts'

interface Counts {
  attempts: number
  failures: number
}

interface StepCounts extends Counts {
  time: number
}

const step = (): StepCounts => ({ attempts: 0, failures: 0, time: 0 })

/** The counters of an upgrader. */
export class UpgradeCounters {
  readonly inbound: Counts = { attempts: 0, failures: 0 }
  readonly outbound: Counts = { attempts: 0, failures: 0 }
  readonly refused: Record<RefusalReason, number> = { rate: 0, penalty: 0, waiting: 0 }
  readonly steps: Record<UpgradeStep, StepCounts> = {
    gater: step(),
    psk: step(),
    security: step(),
    identity: step(),
    muxer: step()
  }

  /** A copy, with the gauges of now. */
  snapshot(
    gauges: Pick<UpgraderStats, 'waiting' | 'slots' | 'queued' | 'dropped' | 'sources'>
  ): UpgraderStats {
    const { inbound, outbound, refused, steps } = this
    return structuredClone({ inbound, outbound, refused, steps, ...gauges })
  }
}
