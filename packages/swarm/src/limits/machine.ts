import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { Machine } from './limit-values.ts'

/** The machine as this process sees it: a container's memory counts, not its host's. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  return {
    memory: constrained > 0 ? Math.min(constrained, total) : total,
    descriptors: descriptorLimit()
  }
}

/** The soft limit of open files; Node raises it to the hard one when it starts. */
function descriptorLimit(): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return found === null ? Number.POSITIVE_INFINITY : Number(found[1])
  } catch {
    // Not Linux: what the transports refuse by themselves has to do.
    return Number.POSITIVE_INFINITY
  }
}
