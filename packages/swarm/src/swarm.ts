import type {
  AbortOptions,
  Connection,
  PeerId,
  ServiceMap,
  Stream,
  StreamHandler,
  Topology
} from '@libp2p/interface'
import { isConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { deadline } from '@warren/utils'
import { TypedEventEmitter } from 'main-event'
import { assemble, type SwarmParts } from './assemble.ts'
import { closeConnection } from './connections/close-connection.ts'
import { NewStreamTimeoutError, SwarmClosedError } from './errors.ts'
import type { SwarmResources } from './limits/limiter.ts'
import { resolveOptions } from './options.ts'
import { shutDown } from './shut-down.ts'
import type { ComponentsWith, SwarmInit } from './swarm-init.ts'
import type {
  DialOptions,
  DialTarget,
  HandleOptions,
  NewStreamOptions,
  Swarm,
  SwarmEvents
} from './swarm-types.ts'

/** What the parts call back into. */
export type SwarmFacade = Pick<Swarm, 'newStream' | 'closePeer'>

/** The public face of a swarm, in front of its parts. */
export class SwarmNode<Services extends ServiceMap>
  extends TypedEventEmitter<SwarmEvents>
  implements Swarm<Services>
{
  #parts: SwarmParts
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined

  private constructor(parts: SwarmParts | undefined) {
    super()
    this.#parts = parts as SwarmParts
  }

  /** Makes the parts, starts the services, and listens on the addresses of the options. */
  static async create<S extends ServiceMap>(init: SwarmInit<S>): Promise<SwarmNode<S>> {
    const options = resolveOptions(init.options)
    const node = new SwarmNode<S>(undefined)
    const parts = await assemble(init, options, node, node)
    node.#parts = parts
    parts.events.addEventListener('peer:identify', ({ detail }) => {
      node.safeDispatchEvent('peer:identify', { detail })
    })
    try {
      parts.acceptors.start()
      await parts.host.start(async () => {
        if (parts.listen.length > 0) await parts.transports.listen(parts.listen)
        parts.selfAddresses.update()
        await parts.selfAddresses.settled()
      })
    } catch (error) {
      await node.close()
      throw error
    }
    parts.events.safeDispatchEvent('start', { detail: node as never })
    return node
  }

  get peerId(): PeerId {
    return this.#parts.peerId
  }

  get status(): 'open' | 'closing' | 'closed' {
    return this.#state
  }

  get services(): Services {
    return this.#parts.services as Services
  }

  get components(): ComponentsWith<Services> {
    return this.#parts.components.view as ComponentsWith<Services>
  }

  async listen(addrs: Multiaddr | readonly Multiaddr[], options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#assertOpen()
    await this.#parts.transports.listen(Array.isArray(addrs) ? addrs : [addrs], options)
    // So that who is told of the address next finds it announced.
    await this.#parts.selfAddresses.settled()
  }

  listenAddrs(): Multiaddr[] {
    return this.#parts.transports.getAddrs()
  }

  async dial(target: DialTarget, options: DialOptions = {}): Promise<Connection> {
    options.signal?.throwIfAborted()
    this.#assertOpen()
    return this.#parts.dialler.dial(target, options)
  }

  async newStream(
    target: DialTarget | Connection,
    protocols: string | string[],
    options: NewStreamOptions = {}
  ): Promise<Stream> {
    options.signal?.throwIfAborted()
    this.#assertOpen()
    const { signal, force, ignoreBackoff, ...rest } = options
    const ms = this.#parts.options.newStreamTimeout
    const wanted = Array.isArray(protocols) ? [...protocols] : [protocols]
    const limit =
      signal === undefined
        ? deadline(
            ms,
            () => new NewStreamTimeoutError(`no stream for ${wanted.join(', ')} within ${ms} ms`)
          )
        : undefined
    const until = signal ?? limit?.signal
    const bounded = until === undefined ? {} : { signal: until }
    try {
      const connection = isConnection(target)
        ? target
        : await this.dial(target, { ...bounded, ...defined({ force, ignoreBackoff }) })
      return await connection.newStream(wanted, { ...rest, ...bounded })
    } finally {
      limit?.clear()
    }
  }

  async handle(protocol: string, handler: StreamHandler, options?: HandleOptions): Promise<void> {
    this.#assertOpen()
    await this.#parts.registrar.handle(protocol, handler, options)
  }

  async unhandle(protocol: string): Promise<void> {
    await this.#parts.registrar.unhandle(protocol)
  }

  connections(peer?: PeerId): Connection[] {
    return this.#parts.table.connections(peer)
  }

  peers(): PeerId[] {
    return this.#parts.table.peers()
  }

  async closePeer(peer: PeerId, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const { table, options: settings } = this.#parts
    await Promise.all(
      table
        .connections(peer)
        .map(async connection => closeConnection(connection, settings.closeTimeout, options))
    )
  }

  notify(topology: Topology): () => void {
    const { watch, table } = this.#parts
    return watch.add(topology, table.connections())
  }

  protect(peer: PeerId, tag: string): void {
    this.#parts.privileges.protect(peer, tag)
  }

  unprotect(peer: PeerId, tag: string): void {
    this.#parts.privileges.unprotect(peer, tag)
  }

  resources(): SwarmResources {
    return this.#parts.limiter.resources()
  }

  pause(): void {
    this.#parts.admission.pause()
  }

  resume(): void {
    this.#parts.admission.resume()
    this.#parts.reception.roomChanged()
  }

  async close(options: AbortOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(options: AbortOptions): Promise<void> {
    this.#state = 'closing'
    await shutDown(this.#parts, options)
    this.#state = 'closed'
    this.#parts.events.safeDispatchEvent('stop', { detail: this as never })
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new SwarmClosedError()
  }
}

/** `value` without the keys that are undefined. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
