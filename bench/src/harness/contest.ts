import { Child } from './child.ts'
import { Results } from './report.ts'
import type { Metric } from './report.ts'

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
export async function withPair<T>(
  stack: string,
  measure: (pair: { server: Child; client: Child; address: string }) => Promise<T>
): Promise<T> {
  const server = new Child('server', [stack])
  const client = new Child('client', [stack])
  try {
    const address = await server.ask<string>({ op: 'listen' })
    return await measure({ server, client, address })
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
      if (process.stderr.isTTY)
        process.stderr.write(
          `\r${spec.title}: round ${round} of ${effort.rounds}, ${contestant}${' '.repeat(24)}`
        )
      const sample = await measure(contestant, results)
      if (round > 0) results.add(contestant, sample)
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return results
}
