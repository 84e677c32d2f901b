// The sending process of the benchmark of values.
import { answer, cpuMicros } from '../harness/child.ts'
import { MemoryWatch } from '../values/memory-watch.ts'
import { valuePeer } from '../values/index.ts'
import { valueAt } from '../values/value-peer.ts'

const peer = valuePeer(process.argv[2])
const memory = new MemoryWatch()
let send: ((value: unknown) => Promise<void> | undefined) | undefined

answer({
  connect: async ({ address }: { address: string }) => {
    send = await peer.connect(address)
  },
  // Resolves with the peaks of memory on the way.
  send: async ({ count }: { count: number }) => {
    if (send === undefined) throw new Error('connect first')
    memory.begin(count)
    for (let i = 0; i < count; i++) {
      const sent = send(valueAt(i))
      if (sent !== undefined) await sent
      memory.look(i)
    }
    return memory.peaks
  },
  cpu: () => cpuMicros()
})
