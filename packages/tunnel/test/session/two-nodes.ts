import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import type { Stream, StreamMuxerFactory } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { type Libp2p, createLibp2p } from 'libp2p'
import { MemoryBudget } from '../../src/session/memory-budget.ts'
import { SessionHost } from '../../src/session/session-host.ts'
import type {
  CarrierStream,
  SessionAcceptor,
  SessionHostOptions
} from '../../src/session/session-host-types.ts'

const PROTOCOL = '/warren/session/1.0.0'

/** A TCP forwarder between the two nodes whose connections a test destroys. */
export class CuttableWire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #held = false
  cuts = 0
  /** Bytes that went from the dialling side to the other. */
  forwarded = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async create(target: number): Promise<CuttableWire> {
    const server = createServer()
    const wire = new CuttableWire(server)
    server.on('connection', near => {
      const far = connect(target, '127.0.0.1')
      for (const [from, to] of [
        [near, far],
        [far, near]
      ] as const) {
        wire.#sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => {
          wire.#sockets.delete(from)
          to.destroy()
        })
        from.pipe(to)
      }
      near.on('data', (chunk: Buffer) => {
        wire.forwarded += chunk.length
      })
      if (wire.#held) near.pause()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets every connection that goes through. */
  cut(): void {
    if (this.#sockets.size === 0) return
    this.cuts++
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

const MUXERS: Record<string, () => () => StreamMuxerFactory> = {
  yamux: () => yamux() as () => StreamMuxerFactory,
  mplex: () => mplex() as () => StreamMuxerFactory
}

export type MuxerName = 'yamux' | 'mplex'

async function createNode(muxer: MuxerName, listen: boolean): Promise<Libp2p> {
  const factory = MUXERS[muxer]
  return createLibp2p({
    addresses: { listen: listen ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: factory === undefined ? [] : [factory()],
    connectionMonitor: { enabled: false },
    // By default a stock node refuses the sixth connection of a host within a second.
    connectionManager: { inboundConnectionThreshold: 1_000 }
  })
}

/** Two stock libp2p nodes with a session host each, and a wire between them that can be cut. */
export class TwoNodes {
  readonly #dialling: Libp2p
  readonly #listening: Libp2p
  readonly wire: CuttableWire
  readonly dialler: SessionHost
  acceptor: SessionHost
  readonly budget: MemoryBudget
  /** Streams opened so far. */
  opened = 0

  private constructor(
    dialling: Libp2p,
    listening: Libp2p,
    wire: CuttableWire,
    acceptor: SessionAcceptor,
    options: Partial<SessionHostOptions>
  ) {
    this.#dialling = dialling
    this.#listening = listening
    this.wire = wire
    this.budget = new MemoryBudget(1 << 26)
    const shared = { budget: this.budget, ...options }
    this.dialler = new SessionHost({ ...shared, acceptor: () => ({ refuse: 1 }) })
    this.acceptor = new SessionHost({ ...shared, acceptor })
  }

  static async create(
    muxer: MuxerName,
    acceptor: SessionAcceptor,
    options: Partial<SessionHostOptions> = {}
  ): Promise<TwoNodes> {
    const listening = await createNode(muxer, true)
    const dialling = await createNode(muxer, false)
    const address = listening.getMultiaddrs()[0]?.toString() ?? ''
    const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
    const wire = await CuttableWire.create(port)
    const nodes = new TwoNodes(dialling, listening, wire, acceptor, options)
    await listening.handle(
      PROTOCOL,
      (stream, connection) => {
        nodes.acceptor.accept(stream, connection.remotePeer.toString(), connection.id)
      },
      { maxInboundStreams: 4_096 }
    )
    return nodes
  }

  get peer(): string {
    return this.#listening.peerId.toString()
  }

  readonly openStream = async (signal: AbortSignal): Promise<CarrierStream> => {
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${this.wire.port}/p2p/${this.peer}`)
    const connection = await this.#dialling.dial(address, { signal })
    const stream: Stream = await connection.newStream(PROTOCOL, {
      signal,
      maxOutboundStreams: 4_096
    })
    this.opened++
    return { stream, linkId: connection.id }
  }

  async close(): Promise<void> {
    await Promise.all([this.dialler.close(), this.acceptor.close()])
    await this.#dialling.stop()
    await this.#listening.stop()
    await this.wire.close()
  }
}
