/**
 * Go's worker pool on threads: each job goes to one of three workers, their results come together.
 * One worker leaves early: the jobs that had come to it and that it had not taken go to the others.
 *
 *     node examples/worker-threads.ts
 */
import { isMainThread, MessageChannel, Worker, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { channel, createExporter, importFrom } from '@warren/netchan'
import * as v from 'valibot'

const Job = v.object({ from: v.number(), to: v.number() })
const Result = v.object({ from: v.number(), primes: v.number() })

if (isMainThread) await main()
else await work(workerData as { port: MessagePort; jobs: number })

async function main(): Promise<void> {
  const jobs = channel<v.InferOutput<typeof Job>>()
  const results = channel<v.InferOutput<typeof Result>>(4)
  const exporter = createExporter()
  exporter.export('jobs', jobs, 'send', { schema: Job })
  exporter.export('results', results, 'recv', { schema: Result })

  for (const jobs of [3, Infinity, Infinity]) {
    const { port1, port2 } = new MessageChannel()
    new Worker(new URL(import.meta.url), {
      workerData: { port: port2, jobs },
      transferList: [port2]
    })
    void exporter.serveConn(port1)
  }

  const parts = 20
  const sending = (async () => {
    for (let part = 0; part < parts; part++) {
      await jobs.send({ from: part * 20_000, to: (part + 1) * 20_000 })
    }
    jobs.close()
  })()
  let primes = 0
  for (let part = 0; part < parts; part++) primes += (await results.receive()).value?.primes ?? 0
  await sending
  console.log(`${primes} primes below ${parts * 20_000}`) //=> 33860 primes below 400000
  await exporter.close()
}

async function work(data: { readonly port: MessagePort; readonly jobs: number }): Promise<void> {
  await using importer = await importFrom(data.port)
  const results = await importer.import('results', 'send', { schema: Result })
  const jobs = await importer.import('jobs', 'recv', { schema: Job, size: 2 })
  let done = 0
  for await (const { from, to } of jobs) {
    let primes = 0
    for (let number = from; number < to; number++) if (isPrime(number)) primes++
    await results.send({ from, primes })
    if (++done === data.jobs) break
  }
}

function isPrime(number: number): boolean {
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false
  return number > 1
}
