import { noise as stockNoise } from '@chainsafe/libp2p-noise'
import { yamux as stockYamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { fromStream } from './message-stream.ts'
import type { BenchServer, Stack } from './stack.ts'

const PROTOCOL = '/bench/1.0.0'
const MANY = 1_000_000

/** A Warren swarm with its limits out of the way. */
export async function benchSwarm(parts: 'own' | 'stock'): Promise<Swarm> {
  const streams = { maxInboundStreams: MANY, maxOutboundStreams: MANY }
  return createSwarm({
    transports: [tcp()],
    connectionEncrypters: [parts === 'own' ? noise() : stockNoise()],
    streamMuxers: [parts === 'own' ? yamux(streams) : stockYamux(streams)],
    options: {
      maxConnections: MANY,
      maxConnectionsPerPeer: MANY,
      maxStreams: MANY,
      maxStreamsPerPeer: MANY,
      maxStreamsPerConnection: MANY,
      lowWatermark: MANY - 1,
      highWatermark: MANY
    }
  })
}

/** A swarm that listens on loopback, its address and how many connections it has taken. */
export async function listeningSwarm(
  parts: 'own' | 'stock'
): Promise<{ swarm: Swarm } & BenchServer> {
  const swarm = await benchSwarm(parts)
  let connections = 0
  swarm.addEventListener('connected', () => connections++)
  await swarm.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  const address = `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`
  return { swarm, address, connections: () => connections }
}

/** A Warren swarm, with our own security and muxer or with the stock ones. */
export function warrenSwarm(parts: 'own' | 'stock'): Stack {
  return {
    async listen(onStream) {
      const server = await listeningSwarm(parts)
      await server.swarm.handle(PROTOCOL, stream => onStream(fromStream(stream)), {
        maxInboundStreams: MANY
      })
      return server
    },
    async client() {
      const client = await benchSwarm(parts)
      return {
        async dial(address) {
          const connection = await client.dial(multiaddr(address), { force: true })
          return {
            open: async () =>
              fromStream(await connection.newStream(PROTOCOL, { maxOutboundStreams: MANY })),
            close: async () => connection.close()
          }
        }
      }
    }
  }
}
