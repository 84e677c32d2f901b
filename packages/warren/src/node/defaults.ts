import { identify } from '@libp2p/identify'
import { mplex } from '@libp2p/mplex'
import { ping } from '@libp2p/ping'
import { noise } from '@warren/noise'
import type { SwarmInit } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { relayTransport } from '../relay/relay-transport.ts'

/** Sessions that a tunnel carries per peer (4,096), each on a stream of its own, and the node's other streams. */
const STREAMS_PER_CONNECTION = 4_096 + 64

/**
 * What a node's connections are made of: the one place where transports, security and muxers are
 * chosen. The first that both ends know is used.
 */
export const STACK: Pick<
  SwarmInit,
  'transports' | 'connectionEncrypters' | 'streamMuxers' | 'services'
> = {
  transports: [tcp(), relayTransport()],
  connectionEncrypters: [noise()],
  streamMuxers: [
    yamux({
      maxInboundStreams: STREAMS_PER_CONNECTION,
      maxOutboundStreams: STREAMS_PER_CONNECTION
    }),
    // The default ends a connection over six new streams in a second, or over six messages that were
    // under way to a stream when that was reset.
    mplex({ disconnectThreshold: 250 })
  ],
  services: { identify: identify(), ping: ping() }
}
