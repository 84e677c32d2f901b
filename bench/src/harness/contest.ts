import { Child } from './child.ts'
import { stopAll } from './processes.ts'
import { Results } from './report.ts'
import type { Metric } from './report.ts'

/** Longest time that one contestant may take for one round. */
const LIMIT_MS = 120_000

/** How much a run measures. */
export interface Effort {
  /** Rounds that count, after one that does not. */
  readonly rounds: number
  /** Share of the full amount of work, for quick looks. */
  readonly scale: number
}

/** One table of `docs/benchmarks.md`. */
export interface Benchmark {
  readonly name: string
  readonly about: string
  run(effort: Effort): Promise<Results>
}

/** A server and a client of one stack, in two processes, for one measurement. */
export interface Pair {
  readonly server: Child
  readonly client: Child
  readonly address: string
  /** CPU microseconds of both processes while `run` runs, and what it gives. */
  readonly cpuOf: <T>(run: () => Promise<T>) => Promise<{ result: T; server: number; both: number }>
}

/** Starts both processes, measures, and ends them. */
export async function withPair<T>(stack: string, measure: (pair: Pair) => Promise<T>): Promise<T> {
  const server = new Child('server', [stack])
  const client = new Child('client', [stack])
  const used = async (): Promise<readonly [number, number]> => [
    await server.ask<number>({ op: 'cpu' }),
    await client.ask<number>({ op: 'cpu' })
  ]
  try {
    const address = await server.ask<string>({ op: 'listen' })
    return await measure({
      server,
      client,
      address,
      async cpuOf(run) {
        const [serverBefore, clientBefore] = await used()
        const result = await run()
        const [serverAfter, clientAfter] = await used()
        const atServer = serverAfter - serverBefore
        return { result, server: atServer, both: atServer + clientAfter - clientBefore }
      }
    })
  } finally {
    await Promise.all([client.stop(), server.stop()])
  }
}

/** Measures every contestant once a round, in turn, so that a slow moment of the machine hits all. */
export async function contest(
  spec: {
    title: string
    about: string
    metrics: readonly Metric[]
    baseline: string
    contestants: readonly string[]
  },
  effort: Effort,
  measure: (contestant: string, results: Results) => Promise<Readonly<Record<string, number>>>
): Promise<Results> {
  const results = new Results(spec.title, spec.about, spec.metrics, spec.baseline)
  for (let round = 0; round <= effort.rounds; round++) {
    for (const contestant of spec.contestants) {
      const what = `${spec.title}: round ${round} of ${effort.rounds}, ${contestant}`
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}`)
      const sample = await inTime(what, async () => measure(contestant, results))
      if (round > 0) results.add(contestant, sample)
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return results
}

/** Runs one measurement; when it takes too long, all its processes are ended and it fails. */
async function inTime<T>(what: string, run: () => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`took longer than ${LIMIT_MS / 1000} s`)),
    LIMIT_MS
  )
  try {
    return await Promise.race([run(), late.promise])
  } catch (error) {
    await stopAll()
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error
    })
  } finally {
    clearTimeout(timer)
  }
}
