// Many swarms that dial one address, to be run in a process of its own: see start-peer.ts.
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'

/** Milliseconds for one dial. */
const PATIENCE = 60_000

let swarms: Swarm[] = []
let dials: Promise<PromiseSettledResult<unknown>[]> = Promise.resolve([])

/** Makes the swarms, each with an identity of its own. */
export async function create(count: number): Promise<void> {
  const parts = {
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // None may be lost; how fast a loaded machine carries out so many handshakes is not the point.
    options: { dialTimeout: PATIENCE, addressDialTimeout: PATIENCE },
    upgrader: { upgradeTimeout: PATIENCE }
  }
  swarms = await Promise.all(Array.from({ length: count }, () => createSwarm(parts)))
}

/** All begin to dial. */
export function dial(address: string): void {
  dials = Promise.allSettled(swarms.map(swarm => swarm.dial(multiaddr(address))))
}

/** How many have a capable connection. */
export function capable(): number {
  return swarms.filter(swarm => swarm.connections().length > 0).length
}

/** Waits for all: why those failed that did. */
export async function failures(): Promise<string[]> {
  const settled = await dials
  return settled.flatMap(each => (each.status === 'rejected' ? [String(each.reason)] : []))
}

/** Closes them all. */
export async function close(): Promise<void> {
  await Promise.all(swarms.map(swarm => swarm.close()))
}
