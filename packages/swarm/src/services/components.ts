import type {
  ComponentLogger,
  ConnectionGater,
  ConnectionProtector,
  ContentRouting,
  Libp2pEvents,
  Metrics,
  NodeInfo,
  PeerId,
  PeerRouting,
  PeerStore,
  PrivateKey,
  TypedEventTarget,
  Upgrader
} from '@libp2p/interface'
import type {
  AddressManager,
  ConnectionManager,
  RandomWalk,
  Registrar,
  TransportManager
} from '@libp2p/interface-internal'
import type { DNS } from '@multiformats/dns'
import type { ResourceLimiter } from '@warren/interface'
import type { Datastore } from '../datastore.ts'
import { MissingServiceError } from '../errors.ts'

/**
 * What transports, encrypters, muxers and services are given: libp2p's own components, by libp2p's
 * own names, and each service under its key. Reading one that is not there throws
 * `MissingServiceError`, except for the optional ones.
 */
export interface SwarmComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly nodeInfo: NodeInfo
  readonly logger: ComponentLogger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly addressManager: AddressManager
  readonly peerStore: PeerStore
  readonly upgrader: Upgrader
  readonly randomWalk: RandomWalk
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
  readonly transportManager: TransportManager
  readonly connectionGater: ConnectionGater
  readonly contentRouting: ContentRouting
  readonly peerRouting: PeerRouting
  readonly datastore: Datastore
  /** Wraps every connection in the pre-shared key, if there is one. */
  readonly connectionProtector?: ConnectionProtector
  readonly metrics?: Metrics
  /** Counts what connections hold; Warren's own, for the upgrader. */
  readonly limiter?: ResourceLimiter
  /** Resolves `/dnsaddr`, if the options brought their own. */
  readonly dns?: DNS
}

const OPTIONAL = new Set<string>(['connectionProtector', 'metrics', 'dns', 'limiter'])
/** Asked for by `await` and by printing, never by a service. */
const NEVER = new Set<string>(['then', 'toJSON', 'constructor', 'inspect'])

/** The components as they are collected; `set` adds one, `view` is what the others are given. */
export class ComponentSet {
  readonly #values = new Map<string, unknown>()
  /** Throws for what is missing; see {@link SwarmComponents}. */
  readonly view: SwarmComponents

  constructor() {
    const values = this.#values
    this.view = new Proxy(Object.create(null) as SwarmComponents, {
      get: (_target, name) => {
        if (typeof name !== 'string' || NEVER.has(name)) return undefined
        const value = values.get(name)
        if (value !== undefined || OPTIONAL.has(name)) return value
        throw new MissingServiceError(
          `the component "${name}" is not there; add it to the swarm's options, under that name`
        )
      },
      has: (_target, name) => typeof name === 'string' && values.has(name),
      // Assigned by libp2p's compliance suites to put a double in the place of a component.
      set: (_target, name, value) => {
        if (typeof name === 'string') values.set(name, value)
        return true
      },
      ownKeys: () => [...values.keys()],
      getOwnPropertyDescriptor: (_target, name) =>
        typeof name === 'string' && values.has(name)
          ? { configurable: true, enumerable: true, writable: true, value: values.get(name) }
          : undefined
    })
  }

  set(name: string, value: unknown): void {
    this.#values.set(name, value)
  }

  entries(): [string, unknown][] {
    return [...this.#values]
  }
}
