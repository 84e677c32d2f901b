import type {
  AbortOptions,
  PeerId,
  PeerStore,
  StreamHandler,
  StreamHandlerRecord,
  StreamMiddleware,
  Topology
} from '@libp2p/interface'
import type { Registrar as RegistrarInterface } from '@libp2p/interface-internal'
import { DuplicateProtocolHandlerError, UnhandledProtocolError } from './errors.ts'
import type { ProtocolLimits } from './limits/limiter.ts'
import type { HandleOptions } from './swarm-types.ts'
import type { Topologies } from './topologies.ts'

/** Streams per protocol and connection, unless its handler says otherwise (as in js-libp2p). */
const STREAM_LIMITS = { maxInboundStreams: 32, maxOutboundStreams: 64 } as const

/** What a {@link Registrar} works with. */
export interface RegistrarContext {
  readonly peerId: PeerId
  readonly peerStore: PeerStore
  readonly topologies: Topologies
  /** Streams of a protocol that one peer may have open, where nothing else was said. */
  readonly maxInboundStreamsPerProtocol: number
}

/** Protocol handlers, middleware and topologies, as libp2p's services know them. */
export class Registrar implements RegistrarInterface {
  readonly [Symbol.toStringTag] = '@warren/swarm/registrar'
  readonly #context: RegistrarContext
  readonly #handlers = new Map<string, StreamHandlerRecord>()
  readonly #limits = new Map<string, ProtocolLimits>()
  readonly #middleware = new Map<string, readonly StreamMiddleware[]>()

  constructor(context: RegistrarContext) {
    this.#context = context
  }

  getProtocols(): string[] {
    return [...this.#handlers.keys()].sort()
  }

  /** @throws {UnhandledProtocolError} when nobody handles the protocol */
  getHandler(protocol: string): StreamHandlerRecord {
    const record = this.#handlers.get(protocol)
    if (record === undefined) {
      throw new UnhandledProtocolError(`no handler is registered for ${protocol}`)
    }
    return record
  }

  /**
   * Gives inbound streams of a protocol to `handler`, and announces the protocol to peers.
   *
   * @throws {DuplicateProtocolHandlerError} when it has a handler and `force` is not set
   */
  async handle(
    protocol: string,
    handler: StreamHandler,
    options: HandleOptions = {}
  ): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#handlers.has(protocol) && options.force !== true) {
      throw new DuplicateProtocolHandlerError(
        `${protocol} has a handler already; unhandle it first, or pass force`
      )
    }
    this.#limits.set(protocol, this.#limitsIn(options))
    this.#handlers.set(protocol, { handler, options: { ...STREAM_LIMITS, ...options } })
    await this.#announce(options)
  }

  async unhandle(protocol: string | string[], options: AbortOptions = {}): Promise<void> {
    const protocols = Array.isArray(protocol) ? protocol : [protocol]
    for (const each of protocols) {
      this.#handlers.delete(each)
      this.#limits.delete(each)
    }
    await this.#announce(options)
  }

  /** The limits that a protocol was registered with. */
  limitsOf(protocol: string): ProtocolLimits {
    return this.#limits.get(protocol) ?? {}
  }

  use(protocol: string, middleware: StreamMiddleware[]): void {
    this.#middleware.set(protocol, [...middleware])
  }

  unuse(protocol: string): void {
    this.#middleware.delete(protocol)
  }

  /** A new array each time: callers append to what they get (as js-libp2p's connection does). */
  getMiddleware(protocol: string): StreamMiddleware[] {
    const own = this.#handlers.get(protocol)?.options.middleware ?? []
    return [...(this.#middleware.get(protocol) ?? []), ...own]
  }

  async register(protocol: string, topology: Topology): Promise<string> {
    return this.#context.topologies.register(protocol, topology)
  }

  unregister(id: string): void {
    this.#context.topologies.unregister(id)
  }

  getTopologies(protocol: string): Topology[] {
    return this.#context.topologies.get(protocol)
  }

  /** Who allows many streams on one connection means no fewer for the peer. */
  #limitsIn(options: HandleOptions): ProtocolLimits {
    const { maxInboundStreams = 0, maxBytesPerPeer } = options
    const usual = this.#context.maxInboundStreamsPerProtocol
    return {
      maxInboundStreamsPerPeer:
        options.maxInboundStreamsPerPeer ?? Math.max(maxInboundStreams, usual),
      maxBytesPerPeer
    }
  }

  /** Identify reads our protocols from the peer store, and pushes them when they change. */
  async #announce(options: AbortOptions): Promise<void> {
    const { peerId, peerStore } = this.#context
    const signal = options.signal === undefined ? {} : { signal: options.signal }
    await peerStore.patch(peerId, { protocols: this.getProtocols() }, signal)
  }
}
