// A tunnel with one session, to be run in a process of its own and killed: see Remote.
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

/** What the process is started with. */
export interface SessionPeerOptions {
  /** Its private key, so that it can come back as the same peer. */
  readonly key: Uint8Array
  readonly token: string
  /** Port of 127.0.0.1; 0: any. */
  readonly port: number
  readonly nodes: readonly string[]
  readonly resumeTimeout: number
}

let tunnel: Tunnel | undefined

/** Starts and listens on `channel`; returns its address with its peer id. */
export async function start(options: SessionPeerOptions, channel: string): Promise<string> {
  const swarm = await createSwarm({
    privateKey: privateKeyFromProtobuf(options.key),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${options.port}`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  tunnel = createTunnel(swarm, {
    token: options.token,
    nodes: options.nodes.map(node => multiaddr(node)),
    resumeTimeout: options.resumeTimeout,
    reconnect: { first: 50, factor: 2, max: 500 }
  })
  const listener = await tunnel.listen(channel)
  // Sessions are taken, and what comes is not read.
  void (async () => {
    for (;;) await listener.accept()
  })().catch(() => {})
  await tunnel.connect()
  return `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`
}

/** Opens a session on a channel and sends a message that nobody has to read. */
export async function dial(channel: string): Promise<void> {
  const session = await tunnel?.dial(channel)
  await session?.send({ body: new Uint8Array(1_000) })
}
