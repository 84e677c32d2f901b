import type {
  Libp2pEvents,
  Listener,
  ServiceMap,
  StreamHandler,
  StreamHandlerOptions,
  Transport,
  TypedEventTarget,
  Upgrader
} from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { createSwarm } from '@warren/swarm'
import type { Factory, Swarm, SwarmInit } from '@warren/swarm'

/** What the compliance suites give to `createLibp2p`. */
interface FacadeInit extends SwarmInit {
  readonly addresses?: { readonly listen?: readonly string[] }
}

type UpgradeInbound = Upgrader['upgradeInbound']

/**
 * A swarm in the clothes of `createLibp2p`, as far as libp2p's compliance suites look at it. They
 * import it in the place of `libp2p`. A swarm does not start again: the facade makes another one
 * with the same key.
 */
export async function createLibp2p(init: FacadeInit): Promise<unknown> {
  const facade = new Facade(init)
  await facade.start()
  return facade
}

class Facade extends TypedEventEmitter<Libp2pEvents> {
  readonly #init: FacadeInit
  #swarm: Swarm | undefined
  /** The suites put a double of `upgradeInbound` here; each listener has a view of its own. */
  readonly #upgraderDouble: { upgradeInbound?: UpgradeInbound } = {}

  constructor(init: FacadeInit) {
    super()
    this.#init = init
  }

  async start(): Promise<void> {
    if (this.#swarm?.status === 'open') return
    const { logger, transports, connectionEncrypters, streamMuxers, connectionGater } = this.#init
    const { services, addresses } = this.#init
    const before = this.#swarm
    const swarm = await createSwarm({
      ...(before === undefined ? {} : { privateKey: before.components.privateKey }),
      ...(logger === undefined ? {} : { logger }),
      ...(connectionGater === undefined ? {} : { connectionGater }),
      transports: transports.map(factory => this.#watched(factory)),
      connectionEncrypters,
      streamMuxers,
      services: services as { [Name in keyof ServiceMap]: Factory<ServiceMap[Name]> }
    })
    this.#swarm = swarm
    this.#forward(swarm.components.events)
    await swarm.listen((addresses?.listen ?? []).map(text => multiaddr(text)))
  }

  async stop(): Promise<void> {
    await this.#swarm?.close()
  }

  get peerId() {
    return this.#open.peerId
  }

  get services() {
    return this.#open.services
  }

  get components() {
    const { transportManager } = this.#open.components
    return { transportManager, upgrader: this.#upgraderDouble }
  }

  dial: Swarm['dial'] = async (target, options) => this.#open.dial(target, options)

  dialProtocol: Swarm['newStream'] = async (target, protocols, options) =>
    this.#open.newStream(target, protocols, options)

  async handle(
    protocol: string,
    handler: StreamHandler,
    options?: StreamHandlerOptions
  ): Promise<void> {
    await this.#open.handle(protocol, handler, options)
  }

  getMultiaddrs() {
    return this.#open.components.addressManager.getAddresses()
  }

  getConnections: Swarm['connections'] = peer => this.#open.connections(peer)

  get #open(): Swarm {
    if (this.#swarm === undefined) throw new Error('the facade was not started')
    return this.#swarm
  }

  #forward(events: TypedEventTarget<Libp2pEvents>): void {
    for (const type of ['transport:listening', 'connection:open'] as const) {
      events.addEventListener(type, (event: CustomEvent<unknown>) => {
        this.dispatchEvent(new CustomEvent(type, { detail: event.detail }))
      })
    }
  }

  /** Listeners of the transport ask for the double of `upgradeInbound` first. */
  #watched(factory: Factory<Transport>): Factory<Transport> {
    return components => {
      const transport = factory(components)
      const createListener = transport.createListener.bind(transport)
      transport.createListener = (options): Listener => {
        const upgrader = new Proxy(options.upgrader, {
          get: (view, name) => {
            const { upgradeInbound } = this.#upgraderDouble
            if (name === 'upgradeInbound' && upgradeInbound !== undefined) return upgradeInbound
            const value: unknown = Reflect.get(view, name)
            return typeof value === 'function' ? value.bind(view) : value
          }
        })
        return createListener({ ...options, upgrader })
      }
      return transport
    }
  }
}
