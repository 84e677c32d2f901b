import type {
  AbortOptions,
  ContentRouting,
  PeerId,
  PeerInfo,
  PeerRouting,
  PeerStore,
  Provider,
  RoutingOptions
} from '@libp2p/interface'
import { PeerSet } from '@libp2p/peer-collections'
import { NoContentRoutersError, NoPeerRoutersError, PeerNotFoundError } from '../errors.ts'

type Cid = Parameters<ContentRouting['findProviders']>[0]

/** All content routers of the services as one. */
export class ContentRoutings implements ContentRouting {
  readonly [Symbol.toStringTag] = '@warren/swarm/content-routing'
  readonly #routers: ContentRouting[] = []
  readonly #peerStore: PeerStore

  constructor(peerStore: PeerStore) {
    this.#peerStore = peerStore
  }

  add(router: ContentRouting): void {
    this.#routers.push(router)
  }

  async *findProviders(key: Cid, options: RoutingOptions = {}): AsyncGenerator<Provider> {
    const seen = new PeerSet()
    const sources = this.#some().map(router => router.findProviders(key, options))
    for await (const provider of merged(sources)) {
      if (provider.multiaddrs.length > 0) {
        await this.#peerStore.merge(provider.id, { multiaddrs: provider.multiaddrs })
      }
      if (seen.has(provider.id)) continue
      seen.add(provider.id)
      yield provider
    }
  }

  async provide(key: Cid, options?: RoutingOptions): Promise<void> {
    await Promise.all(this.#some().map(async router => router.provide(key, options)))
  }

  async cancelReprovide(key: Cid, options?: AbortOptions): Promise<void> {
    await Promise.all(this.#some().map(async router => router.cancelReprovide(key, options)))
  }

  async put(key: Uint8Array, value: Uint8Array, options?: RoutingOptions): Promise<void> {
    await Promise.all(this.#some().map(async router => router.put(key, value, options)))
  }

  async get(key: Uint8Array, options?: RoutingOptions): Promise<Uint8Array> {
    return Promise.any(this.#some().map(async router => router.get(key, options)))
  }

  #some(): ContentRouting[] {
    if (this.#routers.length > 0) return this.#routers
    throw new NoContentRoutersError('no service routes content; add one, such as kad-dht')
  }
}

/** All peer routers of the services as one. */
export class PeerRoutings implements PeerRouting {
  readonly [Symbol.toStringTag] = '@warren/swarm/peer-routing'
  readonly #routers: PeerRouting[] = []
  readonly #peerStore: PeerStore
  readonly #self: PeerId

  constructor(self: PeerId, peerStore: PeerStore) {
    this.#self = self
    this.#peerStore = peerStore
  }

  /** Whether a service can look for peers. */
  get available(): boolean {
    return this.#routers.length > 0
  }

  add(router: PeerRouting): void {
    this.#routers.push(router)
  }

  async findPeer(peer: PeerId, options?: RoutingOptions): Promise<PeerInfo> {
    if (peer.equals(this.#self))
      throw new PeerNotFoundError(`${peer.toString()} is this swarm itself`)
    const searches = this.#some().map(async router => router.findPeer(peer, options))
    try {
      const found = await Promise.any(searches)
      if (found.multiaddrs.length > 0) {
        await this.#peerStore.merge(peer, { multiaddrs: found.multiaddrs })
      }
      return found
    } catch (cause) {
      throw new PeerNotFoundError(`no router knows where ${peer.toString()} is`, { cause })
    }
  }

  async *getClosestPeers(key: Uint8Array, options: RoutingOptions = {}): AsyncGenerator<PeerInfo> {
    const seen = new PeerSet()
    const sources = this.#some().map(router => router.getClosestPeers(key, options))
    for await (const peer of merged(sources)) {
      if (peer.multiaddrs.length > 0) {
        await this.#peerStore.merge(peer.id, { multiaddrs: peer.multiaddrs })
      }
      if (seen.has(peer.id)) continue
      seen.add(peer.id)
      yield peer
    }
  }

  #some(): PeerRouting[] {
    if (this.#routers.length > 0) return this.#routers
    throw new NoPeerRoutersError('no service routes peers; add one, such as kad-dht')
  }
}

/** The values of several sources as they come. A source that fails ends alone, unless all do. */
async function* merged<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]())
  const step = async (
    index: number
  ): Promise<{ index: number; result?: IteratorResult<T>; error?: unknown }> => {
    try {
      const result = await iterators[index]?.next()
      return result === undefined ? { index } : { index, result }
    } catch (error) {
      return { index, error }
    }
  }
  const waiting = new Map(iterators.map((_, index) => [index, step(index)]))
  const errors: unknown[] = []
  try {
    while (waiting.size > 0) {
      const { index, result, error } = await Promise.race(waiting.values())
      if (error !== undefined) errors.push(error)
      if (result === undefined || result.done === true) {
        waiting.delete(index)
        continue
      }
      waiting.set(index, step(index))
      yield result.value
    }
  } finally {
    for (const index of waiting.keys()) void iterators[index]?.return?.().catch(() => {})
  }
  if (errors.length === sources.length) throw errors[0]
}
