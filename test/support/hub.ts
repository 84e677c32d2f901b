// A tunnel that many link to, to be run in a process of its own: see test/faults/hub-returns.spec.ts.
import { subscribe } from 'node:diagnostics_channel'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

/** Room for so many clients. */
const CLIENTS = 2_000

let tunnel: Tunnel | undefined
/** When each TCP connection arrived, by this process's monotonic clock. */
const arrivals: number[] = []
subscribe('net.server.socket', () => arrivals.push(performance.now()))

/** Starts; its address with its peer id. */
export async function start(options: {
  readonly key: Uint8Array
  readonly token: string
  readonly port: number
}): Promise<string> {
  const swarm = await createSwarm({
    privateKey: privateKeyFromRaw(options.key),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${options.port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    options: { maxConnections: CLIENTS, lowWatermark: CLIENTS, highWatermark: CLIENTS }
  })
  tunnel = createTunnel(swarm, { token: options.token, limits: { links: CLIENTS } })
  await tunnel.listen('hub')
  return `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`
}

export function links(): number {
  return tunnel?.links().length ?? 0
}

/** When each TCP connection arrived, in milliseconds. */
export function arrived(): number[] {
  return arrivals
}
