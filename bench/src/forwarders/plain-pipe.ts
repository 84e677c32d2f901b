import { Child } from '../harness/child.ts'
import type { Forwarder } from './index.ts'

/** Two processes that pipe sockets into each other with `node:net` alone. */
export async function plainPipe(target: number): Promise<Forwarder> {
  const far = new Child('pipe', [])
  const near = new Child('pipe', [])
  const middle = await far.ask<number>({ op: 'listen', target })
  const port = await near.ask<number>({ op: 'listen', target: middle })
  return {
    port,
    pids: [near.pid, far.pid],
    stop: async () => void (await Promise.all([near.stop(), far.stop()]))
  }
}
