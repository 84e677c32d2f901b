import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  Connection,
  Libp2pEvents,
  Logger,
  PeerId,
  PeerStore,
  ServiceMap,
  TypedEventTarget
} from '@libp2p/interface'
import { setMaxListeners } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { persistentPeerStore } from '@libp2p/peer-store'
import { dns } from '@multiformats/dns'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { createUpgrader, startStreams, type WarrenUpgrader } from '@warren/upgrader'
import { TypedEventEmitter } from 'main-event'
import { AddressManager } from './address-manager.ts'
import { Announcer } from './announcer.ts'
import { ConnectionManager } from './connection-manager.ts'
import { AcceptGate } from './connections/accept-gate.ts'
import { Acceptors } from './connections/acceptors.ts'
import { Admission } from './connections/admission.ts'
import { ConnectionTable } from './connections/connection-table.ts'
import { PeerWatch } from './connections/peer-watch.ts'
import { Privileges } from './connections/privileges.ts'
import { Reception } from './connections/reception.ts'
import { Trimmer } from './connections/trimmer.ts'
import { CopyingDatastore } from './datastore.ts'
import { DIAL_BACKOFF, LOBBY } from './defaults.ts'
import { judgeCandidate } from './dial/candidates.ts'
import { DialBackoff } from './dial/dial-backoff.ts'
import { DialSlots } from './dial/dial-slots.ts'
import { withoutPeer } from './dial/dial-target.ts'
import { Dialler, type DiallerContext } from './dial/dialler.ts'
import { lookupHost } from './dial/lookup-host.ts'
import { resolveAddress } from './dial/resolve.ts'
import { ConnectionLimitError, SwarmOptionsError } from './errors.ts'
import { knownAddresses } from './known-addresses.ts'
import { Limiter } from './limits/limiter.ts'
import type { ResolvedSwarmOptions } from './options.ts'
import { Registrar } from './registrar.ts'
import { SelfAddresses } from './self-addresses.ts'
import { ComponentSet } from './services/components.ts'
import { RandomWalk } from './services/random-walk.ts'
import { ContentRoutings, PeerRoutings } from './services/routing.ts'
import { ServiceHost } from './services/service-host.ts'
import type { SwarmFacade } from './swarm.ts'
import type { Factory, SwarmInit } from './swarm-init.ts'
import type { SwarmEvents } from './swarm-types.ts'
import { Topologies } from './topologies.ts'
import { TransportManager } from './transport-manager.ts'

/** The parts of a swarm, wired to each other and not yet started. */
export interface SwarmParts {
  readonly options: ResolvedSwarmOptions
  readonly log: Logger
  readonly peerId: PeerId
  readonly peerStore: PeerStore
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly components: ComponentSet
  readonly services: ServiceMap
  readonly host: ServiceHost
  readonly upgrader: WarrenUpgrader
  readonly acceptors: Acceptors
  readonly admission: Admission
  readonly reception: Reception
  readonly privileges: Privileges
  readonly limiter: Limiter
  readonly table: ConnectionTable
  readonly watch: PeerWatch
  readonly trimmer: Trimmer
  readonly dialler: Dialler
  readonly transports: TransportManager
  readonly registrar: Registrar
  readonly randomWalk: RandomWalk
  readonly selfAddresses: SelfAddresses
  /** What to listen on from the start. */
  readonly listen: readonly Multiaddr[]
}

/**
 * Makes every part and gives each what it needs: the one place that knows them all. In order: who
 * we are, what stores and tells, connections, dialling, and what the factories of the options make.
 */
export async function assemble(
  init: SwarmInit,
  options: ResolvedSwarmOptions,
  bus: TypedEventTarget<SwarmEvents>,
  facade: SwarmFacade
): Promise<SwarmParts> {
  const privateKey = init.privateKey ?? (await generateKeyPair('Ed25519'))
  const peerId = peerIdFromPrivateKey(privateKey)
  const logger = init.logger ?? defaultLogger()
  const log = logger.forComponent('warren:swarm')
  const events = new TypedEventEmitter<Libp2pEvents>()
  // One listener per service, transport and relay: their number is ours, not a leak.
  setMaxListeners(Number.POSITIVE_INFINITY, events)
  const listen = addressesOf(init.addresses?.listen, 'listen')
  const announce = addressesOf(init.addresses?.announce, 'announce')

  const components = new ComponentSet()
  const make = <T>(factory: Factory<T>): T => factory(components.view as never)
  const gater = init.connectionGater ?? {}
  const name = init.nodeInfo?.name ?? 'warren'
  const version = init.nodeInfo?.version ?? '0.1.0'
  const userAgent = init.nodeInfo?.userAgent ?? `${name}/${version} ${runtime()}`
  components.set('peerId', peerId)
  components.set('privateKey', privateKey)
  components.set('nodeInfo', { name, version, userAgent })
  components.set('logger', logger)
  components.set('events', events)
  components.set('datastore', init.datastore ?? new CopyingDatastore())
  components.set('connectionGater', gater)
  components.set('dns', init.dns)
  components.set('metrics', init.metrics && make(init.metrics))

  const peerStore = persistentPeerStore(
    components.view,
    gater.filterMultiaddrForPeer === undefined
      ? {}
      : { addressFilter: gater.filterMultiaddrForPeer.bind(gater) }
  )
  components.set('peerStore', peerStore)
  const topologies = new Topologies(events, log)
  const { maxInboundStreamsPerProtocol } = options
  const registrar = new Registrar({ peerId, peerStore, topologies, maxInboundStreamsPerProtocol })
  const limiter = new Limiter(options, protocol => registrar.limitsOf(protocol))
  components.set('limiter', limiter)
  components.set('registrar', registrar)
  const contentRouting = new ContentRoutings(peerStore)
  components.set('contentRouting', contentRouting)
  const peerRouting = new PeerRoutings(peerId, peerStore)
  components.set('peerRouting', peerRouting)
  const randomWalk = new RandomWalk(peerRouting, bytes =>
    globalThis.crypto.getRandomValues(new Uint8Array(bytes))
  )
  components.set('randomWalk', randomWalk)

  const backoff = new DialBackoff(DIAL_BACKOFF)
  const gate = new AcceptGate()
  const admission = new Admission(gate, options.maxConnections)
  const privileges = new Privileges(gater, () => admission.screen(privileges.exist))
  admission.screen(privileges.exist)
  const watch = new PeerWatch(log)
  const announcer = new Announcer({
    events,
    bus,
    watch,
    peerStore,
    log,
    reached: connection => {
      backoff.clear(connection.remotePeer.toString())
      dialler.arrived(connection)
    },
    resized: size => {
      admission.resized(size)
      trimmer.check()
      reception.roomChanged()
    }
  })
  const table = new ConnectionTable(
    {
      self: peerId,
      limiter,
      crossedDialWindow: options.crossedDialWindow,
      closeTimeout: options.closeTimeout
    },
    announcer
  )
  const trimmer = new Trimmer(
    {
      low: options.lowWatermark,
      high: options.highWatermark,
      grace: options.trimGrace,
      closeTimeout: options.closeTimeout
    },
    {
      table,
      peerStore,
      privileges,
      trimming: connections => {
        events.safeDispatchEvent('connection:prune', { detail: connections })
      }
    }
  )
  /** Registers a connection, tells of it, and only then lets its streams begin. */
  const adopt = (connection: Connection, forced: boolean): void => {
    const { remotePeer, remoteAddr } = connection
    const keptFor = admission.full && privileges.has(remotePeer, remoteAddr)
    table.adopt(connection, { forced })
    if (keptFor && trimmer.canMakeRoom()) trimmer.makeRoom()
    startStreams(connection)
  }
  const reception = new Reception({
    admission,
    privileges,
    trimmer,
    limiter,
    log,
    places: init.upgrader?.acceptQueueLength ?? LOBBY.places,
    timeout: init.upgrader?.acceptTimeout ?? LOBBY.timeout,
    adopt: connection => adopt(connection, false)
  })
  const upgrader = (): WarrenUpgrader => madeUpgrader
  const acceptors = new Acceptors({
    upgrader,
    gate,
    take: connection => reception.take(connection)
  })
  const transports = new TransportManager({
    events,
    upgrader,
    createAcceptor: () => acceptors.create(),
    adopt: connection => adopt(connection, false),
    dialTimeout: options.addressDialTimeout,
    closeTimeout: options.closeTimeout
  })
  components.set('transportManager', transports)
  const addressManager = new AddressManager({
    peerId,
    listen,
    announce,
    transportAddrs: () => transports.getAddrs(),
    changed: () => selfAddresses.update()
  })
  components.set('addressManager', addressManager)
  const selfAddresses = new SelfAddresses({
    self: peerId,
    peerStore,
    log,
    events,
    bus,
    announced: () => addressManager.getAddresses()
  })

  const nameServers = lazy(() => init.dns ?? dns())
  const diallerContext: DiallerContext = {
    self: peerId,
    gater,
    backoff,
    slots: new DialSlots({
      total: options.maxDials,
      perPeer: options.maxDialsPerPeer,
      queue: options.maxDialQueue
    }),
    now: () => performance.now(),
    ownAddresses: () => transports.getAddrs(),
    transportFor: address => transports.dialTransportForMultiaddr(address),
    connect: async (address, attempt) => transports.connect(address, attempt),
    knownAddresses: async (peer, signal) => knownAddresses(peer, signal, peerStore, peerRouting),
    resolve: async (address, signal) =>
      resolveAddress(address, {
        dns: nameServers,
        lookup: lookupHost,
        timeout: options.resolveTimeout,
        signal
      }),
    existing: ({ peer, addresses }) => {
      if (peer !== undefined) return table.best(peer)
      return table
        .connections()
        .find(
          ({ direction, status, remoteAddr }) =>
            direction === 'outbound' &&
            status === 'open' &&
            addresses.some(address => withoutPeer(remoteAddr).equals(address))
        )
    },
    assertRoom: peer => {
      if (!admission.full) return
      if (peer !== undefined && privileges.has(peer) && trimmer.canMakeRoom()) return
      throw new ConnectionLimitError(
        `there are ${table.size} connections, as many as maxConnections allows; close some first`
      )
    },
    ended: report => bus.safeDispatchEvent('dialled', { detail: report }),
    adopt: (connection, { force }) => {
      adopt(connection, force)
      const { remotePeer, remoteAddr } = connection
      peerStore.merge(remotePeer, { multiaddrs: [withoutPeer(remoteAddr)] }).catch(error => {
        log.error('could not keep the address of a dialled peer - %e', error)
      })
    },
    ...options
  }
  const dialler = new Dialler(diallerContext)
  components.set(
    'connectionManager',
    new ConnectionManager({
      table,
      dialler,
      openStream: async (target, protocols, given) => facade.newStream(target, protocols, given),
      closePeer: async (peer, given) => facade.closePeer(peer, given),
      getMaxConnections: () => admission.max,
      setMaxConnections: max => {
        limiter.setMaxConnections(max)
        admission.setMax(max)
        reception.roomChanged()
      },
      dialable: async (address, signal = new AbortController().signal) => {
        const resolved = await diallerContext.resolve(address, signal).catch(() => [])
        const target = { peer: undefined, key: '', ignoreBackoff: true }
        const judged = await Promise.all(
          resolved.map(async one => judgeCandidate(one, target, diallerContext))
        )
        return judged.flatMap(each => (each.type === 'dial' ? [each.address] : []))
      }
    })
  )

  const host = new ServiceHost({
    components,
    contentRouting,
    peerRouting,
    peerStore,
    self: peerId,
    events,
    log,
    closeTimeout: options.closeTimeout
  })
  const part = <T>(name: string, factory: Factory<T>): T => {
    const made = make(factory)
    host.add(name, made)
    return made
  }
  const { connectionProtector: protector } = init
  components.set('connectionProtector', protector && part('connectionProtector', protector))
  const encrypters = init.connectionEncrypters.map((factory, index) =>
    part(`connectionEncrypter ${index}`, factory)
  )
  const muxers = init.streamMuxers.map((factory, index) => part(`streamMuxer ${index}`, factory))
  const madeUpgrader = createUpgrader(components.view, {
    closeTimeout: options.closeTimeout,
    ...init.upgrader,
    connectionEncrypters: encrypters,
    streamMuxers: muxers
  })
  components.set('upgrader', madeUpgrader)
  init.transports.forEach((factory, index) => transports.add(part(`transport ${index}`, factory)))
  host.add('metrics', components.view.metrics)
  const services: Record<string, unknown> = {}
  for (const [key, factory] of Object.entries(init.services ?? {})) {
    const service = part(key, factory)
    services[key] = service
    components.set(key, service)
  }
  host.checkDependencies()

  return {
    options,
    log,
    peerId,
    peerStore,
    events,
    components,
    services,
    host,
    upgrader: madeUpgrader,
    acceptors,
    admission,
    reception,
    privileges,
    limiter,
    table,
    watch,
    trimmer,
    dialler,
    transports,
    registrar,
    randomWalk,
    selfAddresses,
    listen
  }
}

function addressesOf(list: readonly (Multiaddr | string)[] | undefined, name: string): Multiaddr[] {
  return (list ?? []).map(each => {
    try {
      return typeof each === 'string' ? multiaddr(each) : each
    } catch (cause) {
      throw new SwarmOptionsError(`addresses.${name} has ${String(each)}, which is no multiaddr`, {
        cause
      })
    }
  })
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** `node/24.21.0`, or `browser` where there is no Node. */
function runtime(): string {
  // Bundlers put a `process` without versions in a browser's page.
  const { process } = globalThis as { process?: { versions?: { node?: string } } }
  const node = process?.versions?.node
  return node === undefined ? 'browser' : `node/${node}`
}
