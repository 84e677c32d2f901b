import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { yamux } from '@warren/yamux'

export { multiaddr } from '@multiformats/multiaddr'

/** A browser's peer of our parts: what is measured, and what runs in Chromium. */
export const createPeer = async () =>
  createSwarm({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  })
