import type {
  ContentRouting,
  Libp2pEvents,
  Logger,
  PeerDiscovery,
  PeerId,
  PeerInfo,
  PeerRouting,
  PeerStore,
  TypedEventTarget
} from '@libp2p/interface'
import {
  contentRoutingSymbol,
  isStartable,
  peerDiscoverySymbol,
  peerRoutingSymbol,
  serviceCapabilities,
  serviceDependencies
} from '@libp2p/interface'
import { deadline, waitFor } from '@warren/utils'
import {
  CloseTimeoutError,
  ServiceStartError,
  UnmetServiceDependenciesError,
  toError
} from '../errors.ts'
import type { ComponentSet } from './components.ts'
import type { ContentRoutings, PeerRoutings } from './routing.ts'

/** The phases of libp2p's `Startable`, in order. */
type Phase = 'beforeStart' | 'start' | 'afterStart' | 'beforeStop' | 'stop' | 'afterStop'

/** What a {@link ServiceHost} works with. */
export interface ServiceHostContext {
  readonly components: ComponentSet
  readonly contentRouting: ContentRoutings
  readonly peerRouting: PeerRoutings
  readonly peerStore: PeerStore
  readonly self: PeerId
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly log: Logger
  /** Milliseconds for each phase of stopping. */
  readonly closeTimeout: number
}

/** Starts, stops and wires everything in the swarm that has a life of its own. */
export class ServiceHost {
  readonly #context: ServiceHostContext
  readonly #parts = new Map<string, unknown>()
  readonly #discoveries: PeerDiscovery[] = []
  #started = false

  constructor(context: ServiceHostContext) {
    this.#context = context
    context.events.addEventListener('peer:update', ({ detail: { peer, previous } }) => {
      // New in the peer store, by whatever way: services wait for this to look at it.
      if (previous !== undefined) return
      const multiaddrs = peer.addresses.map(address => address.multiaddr)
      context.events.safeDispatchEvent('peer:discovery', { detail: { id: peer.id, multiaddrs } })
    })
  }

  /** Registers a part by name: started and stopped, and wired by what symbols it bears. */
  add(name: string, part: unknown): void {
    this.#parts.set(name, part)
    if (!isObject(part)) return
    const { contentRouting, peerRouting } = this.#context
    const content = part[contentRoutingSymbol]
    if (content !== undefined) contentRouting.add(content as ContentRouting)
    const peers = part[peerRoutingSymbol]
    if (peers !== undefined) peerRouting.add(peers as PeerRouting)
    const discovery = part[peerDiscoverySymbol] as PeerDiscovery | undefined
    if (discovery !== undefined && typeof discovery.addEventListener === 'function') {
      discovery.addEventListener('peer', this.#onPeer)
      this.#discoveries.push(discovery)
    }
  }

  /** @throws {UnmetServiceDependenciesError} naming the service and what it lacks */
  checkDependencies(): void {
    const parts = [...this.#parts.values(), ...this.#context.components.entries().map(([, v]) => v)]
    const provided = new Set(parts.flatMap(part => namesUnder(part, serviceCapabilities)))
    for (const [name, part] of this.#parts) {
      for (const wanted of namesUnder(part, serviceDependencies)) {
        if (provided.has(wanted)) continue
        throw new UnmetServiceDependenciesError(
          `the service "${name}" needs ${wanted}, which no service provides; add it to \`services\``
        )
      }
    }
  }

  /** @throws {ServiceStartError} naming the part that failed; those started are left to `stop` */
  async start(afterBegin: () => Promise<void>): Promise<void> {
    this.#started = true
    await this.#phase('beforeStart')
    await this.#phase('start')
    await afterBegin()
    await this.#phase('afterStart')
  }

  /** The phase in which everything else still runs. */
  async beforeStop(): Promise<void> {
    for (const each of this.#discoveries) each.removeEventListener('peer', this.#onPeer)
    await this.#phase('beforeStop')
  }

  async stop(): Promise<void> {
    await this.#phase('stop')
    await this.#phase('afterStop')
  }

  async #phase(phase: Phase): Promise<void> {
    if (!this.#started) return
    const starting = phase.endsWith('Start') || phase === 'start'
    await Promise.all(
      [...this.#parts].map(async ([name, part]) => {
        if (!isStartable(part)) return
        try {
          if (starting) await part[phase]?.()
          else await this.#bounded(name, async () => part[phase]?.())
        } catch (cause) {
          const { message } = toError(cause)
          if (!starting) this.#context.log.error('%s failed to stop - %e', name, cause)
          else throw new ServiceStartError(`"${name}" did not start: ${message}`, { cause })
        }
      })
    )
  }

  async #bounded(name: string, stop: () => Promise<void>): Promise<void> {
    const { closeTimeout } = this.#context
    const limit = deadline(
      closeTimeout,
      () => new CloseTimeoutError(`"${name}" did not stop within ${closeTimeout} ms`)
    )
    try {
      await waitFor(stop(), limit.signal)
    } finally {
      limit.clear()
    }
  }

  /** A discovered peer's addresses are kept; whether to dial it is for others to say. */
  readonly #onPeer = (event: CustomEvent<PeerInfo>): void => {
    const { id, multiaddrs } = event.detail
    const { self, peerStore, log } = this.#context
    if (id.equals(self)) return
    peerStore.merge(id, { multiaddrs }).catch(error => {
      log.error('could not keep the addresses of a discovered peer - %e', error)
    })
  }
}

function namesUnder(part: unknown, symbol: symbol): string[] {
  const names = isObject(part) ? part[symbol] : undefined
  return Array.isArray(names) ? names.filter(name => typeof name === 'string') : []
}

function isObject(value: unknown): value is Record<symbol, unknown> {
  return typeof value === 'object' && value !== null
}
