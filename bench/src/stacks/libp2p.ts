import type { Libp2pInit } from 'libp2p'
import { noise as stockNoise } from '@chainsafe/libp2p-noise'
import { tcp as stockTcp } from '@libp2p/tcp'
import { yamux as stockYamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { fromStream } from './message-stream.ts'
import type { Stack } from './stack.ts'

const PROTOCOL = '/bench/1.0.0'
const MANY = 1_000_000

/** Stock js-libp2p, with its limits out of the way. */
export function stockLibp2p(): Stack {
  const init = (): Libp2pInit => ({
    transports: [stockTcp()],
    connectionEncrypters: [stockNoise()],
    streamMuxers: [stockYamux({ maxInboundStreams: MANY, maxOutboundStreams: MANY })],
    connectionManager: {
      maxConnections: MANY,
      maxIncomingPendingConnections: MANY,
      inboundConnectionThreshold: MANY
    },
    connectionMonitor: { enabled: false }
  })
  return {
    async listen(onStream) {
      const node = await createLibp2p({
        ...init(),
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }
      })
      let connections = 0
      node.addEventListener('connection:open', () => connections++)
      await node.handle(PROTOCOL, stream => onStream(fromStream(stream)), {
        maxInboundStreams: MANY
      })
      return { address: String(node.getMultiaddrs()[0]), connections: () => connections }
    },
    async client() {
      const node = await createLibp2p(init())
      return {
        async dial(address) {
          const connection = await node.dial(multiaddr(address), { force: true })
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
