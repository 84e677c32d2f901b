import { Child } from '../harness/child.ts'
import type { Forwarder } from './index.ts'

/** Two processes that splice sockets into streams of stock js-libp2p: what one writes without Warren. */
export async function stockForward(target: number): Promise<Forwarder> {
  const far = new Child('libp2p-forward', [])
  const near = new Child('libp2p-forward', [])
  const address = await far.ask<string>({ op: 'share', target })
  const port = await near.ask<number>({ op: 'open', address })
  return {
    port,
    pids: [near.pid, far.pid],
    stop: async () => void (await Promise.all([near.stop(), far.stop()]))
  }
}
