// Many tunnels that keep a link to one node, to be run in a process of its own: see hub.ts.
import { subscribe } from 'node:diagnostics_channel'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

let swarms: Swarm[] = []
let tunnels: Tunnel[] = []
/** When each dial of a TCP connection began, refused ones too, by the machine's clock. */
const dials: number[] = []
subscribe('net.client.socket', () => dials.push(performance.timeOrigin + performance.now()))

/** Makes the tunnels, each with an identity of its own, and starts their links. */
export async function start(count: number, hub: string, token: string): Promise<void> {
  const parts = {
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  }
  swarms = await Promise.all(Array.from({ length: count }, () => createSwarm(parts)))
  tunnels = swarms.map(swarm => createTunnel(swarm, { token, nodes: [multiaddr(hub)] }))
  await Promise.all(tunnels.map(tunnel => tunnel.connect()))
}

/** The first `count` open a session on the hub. */
export async function openSessions(count: number): Promise<void> {
  await Promise.all(tunnels.slice(0, count).map(tunnel => tunnel.dial('hub', { timeout: 30_000 })))
}

/** How many have a link. */
export function linked(): number {
  return tunnels.filter(tunnel => tunnel.links().length > 0).length
}

/** When each dial since the last call began, in milliseconds since 1970. */
export function dialled(): number[] {
  return dials.splice(0)
}

/** Closes them all. */
export async function close(): Promise<void> {
  await Promise.all(tunnels.map(tunnel => tunnel.close()))
  await Promise.all(swarms.map(swarm => swarm.close()))
}
