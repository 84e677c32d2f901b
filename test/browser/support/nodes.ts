import { noise as stockNoise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { yamux } from '@warren/yamux'
import { createLibp2p } from 'libp2p'
import { ECHO, HASH, MUXERS, echo, echoByHash, hash } from '../../interop/nodes.ts'

const LISTEN = '/ip4/127.0.0.1/tcp/0/ws'

/** A Node peer that a browser dials over WebSocket: it serves identify, ping, echo and hash. */
export interface NodePeer {
  readonly id: string
  /** Where it listens, with its id. */
  readonly address: string
  /** How it calls itself to identify. */
  readonly agent: RegExp
  /** Ids of the peers with an open connection. */
  connected(): string[]
  /** Sends `bytes` through the echo of a connected peer and compares the hash of what comes back. */
  echoTo(peer: string, bytes: number): Promise<void>
  close(): Promise<void>
}

/** A Warren swarm. */
export async function warrenNode(): Promise<NodePeer> {
  const swarm = await createSwarm({
    addresses: { listen: [LISTEN] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  })
  await swarm.handle(ECHO, echo)
  await swarm.handle(HASH, hash)
  return {
    id: swarm.peerId.toString(),
    address: `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`,
    agent: /^warren\//,
    connected: () => swarm.peers().map(String),
    async echoTo(peer, bytes) {
      const [connection] = swarm
        .connections()
        .filter(({ remotePeer }) => remotePeer.toString() === peer)
      if (connection === undefined) throw new Error(`${peer} is not connected`)
      await echoByHash(await swarm.newStream(connection, ECHO), bytes)
    },
    close: async () => swarm.close()
  }
}

/** A stock js-libp2p node. */
export async function stockNode(): Promise<NodePeer> {
  const node = await createLibp2p({
    addresses: { listen: [LISTEN] },
    transports: [webSockets()],
    connectionEncrypters: [stockNoise()],
    streamMuxers: [MUXERS['stock yamux']()],
    services: { identify: identify(), ping: ping() },
    connectionMonitor: { enabled: false }
  })
  await node.handle(ECHO, echo)
  await node.handle(HASH, hash)
  return {
    id: node.peerId.toString(),
    address: String(node.getMultiaddrs()[0]),
    agent: /libp2p/,
    connected: () => node.getPeers().map(String),
    async echoTo(peer, bytes) {
      const [connection] = node
        .getConnections()
        .filter(({ remotePeer }) => remotePeer.toString() === peer)
      if (connection === undefined) throw new Error(`${peer} is not connected`)
      await echoByHash(await connection.newStream(ECHO), bytes)
    },
    close: async () => node.stop()
  }
}
