import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'

/** Every process that the benchmark has started and that has not ended. */
const running = new Set<ChildProcess>()

/** Remembers a process, so that nothing outlives the benchmark. */
export function track(child: ChildProcess): ChildProcess {
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

/** Ends a process and waits until it is gone. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Ends whatever still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stopProcess))
}

/** `sysconf(_SC_CLK_TCK)`, which is 100 wherever Linux runs. */
const TICKS_PER_SECOND = 100

/** CPU seconds that these processes and their descendants have used; `NaN` where there is no /proc. */
export function cpuSeconds(pids: readonly number[]): number {
  const parents = new Map<number, { parent: number; seconds: number }>()
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const stat = readStat(entry)
      if (stat !== undefined) parents.set(Number(entry), stat)
    }
  } catch {
    return Number.NaN
  }
  let sum = 0
  for (const [pid, { seconds }] of parents) {
    for (let at: number | undefined = pid; at !== undefined; at = parents.get(at)?.parent) {
      if (!pids.includes(at)) continue
      sum += seconds
      break
    }
  }
  return sum
}

function readStat(pid: string): { parent: number; seconds: number } | undefined {
  try {
    // The name in parentheses may hold anything, so count from behind it (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number)
    return { parent: parent ?? 0, seconds: ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND }
  } catch {
    return undefined // It has ended meanwhile.
  }
}
