// The receiving process of the benchmark of values: counts them, and looks at its own memory.
import { answer, cpuMicros } from '../harness/child.ts'
import { MemoryWatch } from '../values/memory-watch.ts'
import { valuePeer } from '../values/index.ts'

const peer = valuePeer(process.argv[2])
const memory = new MemoryWatch()

let received = 0
let wanted = 0
let begun = 0
let finished = Promise.withResolvers<number>()

function onValue(value: unknown): void {
  if (typeof (value as { id?: unknown }).id !== 'number') throw new Error('a value came out wrong')
  if (received++ === 0) begun = performance.now()
  memory.look(received)
  if (received === wanted) finished.resolve((performance.now() - begun) / 1_000)
}

answer({
  listen: async ({ address }: { address?: string }) => peer.receive(address, onValue),
  expect: ({ count }: { count: number }) => {
    received = 0
    wanted = count
    finished = Promise.withResolvers()
    memory.begin(count)
  },
  // Resolves with the seconds between the first and the last of the values that were expected.
  finish: async () => ({ seconds: await finished.promise, peaks: memory.peaks }),
  cpu: () => cpuMicros()
})
