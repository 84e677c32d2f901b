import type { SessionStats } from '../session/session-types.ts'

const NONE: SessionStats = {
  epoch: 0,
  sentBytes: 0,
  receivedBytes: 0,
  unackedBytes: 0,
  unreadBytes: 0,
  sendWindow: 0,
  receiveWindow: 0,
  resumes: 0,
  replayedBytes: 0
}

/** The counters of several sessions as one. */
export function addUp(all: readonly SessionStats[]): SessionStats {
  return all.reduce((sum, stats) => {
    const entries = Object.entries(sum) as [keyof SessionStats, number][]
    return Object.fromEntries(
      entries.map(([name, value]) => [name, value + stats[name]])
    ) as unknown as SessionStats
  }, NONE)
}
