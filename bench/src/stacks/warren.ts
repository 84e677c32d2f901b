import { noise as stockNoise } from '@chainsafe/libp2p-noise'
import { yamux as stockYamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { fromStream } from './message-stream.ts'
import type { Stack } from './stack.ts'

const PROTOCOL = '/bench/1.0.0'
const MANY = 1_000_000

/** A Warren swarm, with our own security and muxer or with the stock ones. */
export function warrenSwarm(parts: 'own' | 'stock'): Stack {
  const swarm = async (): Promise<Swarm> =>
    createSwarm({
      transports: [tcp()],
      connectionEncrypters: [parts === 'own' ? noise() : stockNoise()],
      streamMuxers: [
        parts === 'own'
          ? yamux({ maxInboundStreams: MANY, maxOutboundStreams: MANY })
          : stockYamux({ maxInboundStreams: MANY, maxOutboundStreams: MANY })
      ],
      options: {
        maxConnections: MANY,
        maxConnectionsPerPeer: MANY,
        lowWatermark: MANY - 1,
        highWatermark: MANY
      }
    })
  return {
    async listen(onStream) {
      const server = await swarm()
      await server.handle(PROTOCOL, stream => onStream(fromStream(stream)), {
        maxInboundStreams: MANY
      })
      await server.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
      return `${String(server.listenAddrs()[0])}/p2p/${server.peerId.toString()}`
    },
    async dial(address) {
      const client = await swarm()
      const connection = await client.dial(multiaddr(address))
      return {
        open: async () =>
          fromStream(await connection.newStream(PROTOCOL, { maxOutboundStreams: MANY })),
        close: async () => client.close()
      }
    }
  }
}
