import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify } from '@libp2p/identify'
import type { KadDHT } from '@libp2p/kad-dht'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { memory } from '@libp2p/memory'
import type { Ping } from '@libp2p/ping'
import { ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { createTunnel, dhtDirectory, generateToken } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'
import { until } from '../support/until.ts'
import { Traffic } from './traffic.ts'

const KAD = '/warren/kad/1.0.0'
const TUNNEL = '/warren/tunnel/1.0.0'
const IDENTIFY = '/ipfs/id/1.0.0'
const PING = '/ipfs/ping/1.0.0'

/** What keeps a network: all but the sessions. */
const CONTROL = [KAD, TUNNEL, IDENTIFY, PING]

/** As `createNode({ dht })` has them: for a network of known programs, not for the open internet. */
const CHANNEL_DHT = { clientMode: false, kBucketSize: 8, alpha: 3, disjointPaths: 1 }

/** A node dials so many others, and so many dial it. */
const DIALLED = 4

/** Nodes started, stored or refreshed at once: a process has no more hands than that. */
const BATCH = 20

/** Milliseconds for one dial. */
const DIAL_TIMEOUT = 300_000

/** Milliseconds for one step of all nodes. */
const PATIENCE = 3_600_000

/** Milliseconds; nothing is stored twice while it is counted. */
const PROVIDE_INTERVAL = 86_400_000

/** A process that is a thousand nodes is slow to answer: that is no reason to take them for gone. */
const SLOW = { minTimeout: 60_000, maxTimeout: 120_000 }

const SERVICES = {
  identify: identify({ timeout: SLOW.minTimeout }),
  ping: ping({ timeout: SLOW.minTimeout }),
  dht: kadDHT({
    protocol: KAD,
    peerInfoMapper: passthroughMapper,
    ...CHANNEL_DHT,
    networkDialTimeout: SLOW,
    pingNewContactTimeout: SLOW,
    pingOldContactTimeout: SLOW,
    onPeerConnectTimeout: SLOW.minTimeout,
    incomingMessageTimeout: SLOW.minTimeout
  })
}

interface Services {
  readonly [name: string]: unknown
  readonly ping: Ping
  readonly dht: KadDHT
}

interface Node {
  readonly swarm: Swarm
  readonly tunnel: Tunnel
  readonly address: Multiaddr
  readonly traffic: Traffic
  /** Resolves when the DHT has its channel. */
  readonly stored: Promise<void>
}

/** How a network is made. */
export interface NetworkInit {
  readonly size: number
  /** `links`: a link between any two. `dht`: 8 neighbours each, and a DHT as directory. */
  readonly by: 'links' | 'dht'
}

let networks = 0

/** Tunnels in this process on the memory transport; node i listens on `channel i`. */
export class Network {
  readonly nodes: Node[] = []
  readonly #init: NetworkInit
  readonly #token = generateToken()
  readonly #id = networks++

  private constructor(init: NetworkInit) {
    this.#init = init
  }

  static async create(init: NetworkInit): Promise<Network> {
    const network = new Network(init)
    await inBatches(init.size, i => network.#add(i))
    return network
  }

  /** The id of a node. */
  peer(i: number): string {
    return this.#at(i).swarm.peerId.toString()
  }

  /** DHT messages that a node has sent so far: each has a stream of its own. */
  asked(i: number): number {
    return this.#at(i).traffic.opened(KAD)
  }

  /** DHT messages of all nodes so far. */
  get messages(): number {
    return this.nodes.reduce((sum, { traffic }) => sum + traffic.opened(KAD), 0)
  }

  /** Bytes that all nodes have sent so far to keep the network, without sessions. */
  get controlBytes(): number {
    return this.nodes.reduce((sum, { traffic }) => sum + traffic.bytes, 0)
  }

  get links(): number {
    return this.nodes.reduce((sum, { tunnel }) => sum + tunnel.links().length, 0)
  }

  get connections(): number {
    return this.nodes.reduce((sum, { swarm }) => sum + swarm.connections().length, 0)
  }

  /** Links the nodes: all with all, or each with its 8 neighbours in a ring of random order. */
  async join(): Promise<void> {
    const { size, by } = this.#init
    const order = by === 'links' ? range(size) : shuffled(range(size))
    const dialled = (place: number): number[] =>
      by === 'links' ? range(place) : range(DIALLED).map(i => (place + 1 + i) % size)
    for (const [place, node] of order.entries()) {
      const nodes = dialled(place).map(other => this.#at(order[other] ?? 0).address)
      this.#at(node).tunnel.setNodes(nodes)
    }
    await inBatches(size, i => this.#at(i).tunnel.connect())
    const links = by === 'links' ? size * (size - 1) : 2 * DIALLED * size
    await until(() => this.links === links, 'all are linked', PATIENCE)
    if (by === 'dht') await inBatches(size, i => this.#findPlace(i))
  }

  /** Everyone listens on its channel; resolves when the DHT, or everyone, knows of all of them. */
  async listen(): Promise<void> {
    const { size, by } = this.#init
    await inBatches(size, async i => {
      const { tunnel, stored } = this.#at(i)
      void serve(await tunnel.listen(`channel ${i}`))
      if (by === 'dht') await stored
    })
    if (by === 'dht') return
    const allKnown = (): boolean =>
      this.nodes.every(({ tunnel }) => tunnel.channels().length === size)
    await until(allKnown, 'all know all channels', PATIENCE)
  }

  /** Node `from` dials the channel of `to`, and has a nonce come back; who has sent it back. */
  async exchange(from: number, to: number): Promise<string> {
    const nonce = new Uint8Array(randomBytes(16))
    const session = await this.#at(from).tunnel.dial(`channel ${to}`, { timeout: DIAL_TIMEOUT })
    await session.send({ body: nonce })
    const answer = await session.receive()
    if (Buffer.compare(answer?.body ?? new Uint8Array(0), nonce) !== 0)
      throw new Error('another nonce')
    await session.close()
    return session.peer
  }

  /** Bytes that a node sends in an idle minute, measured for `ms` milliseconds. */
  async idleBytes(ms: number): Promise<number> {
    const before = this.controlBytes
    await sleep(ms)
    return ((this.controlBytes - before) / this.#init.size) * (60_000 / ms)
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(({ tunnel }) => tunnel.close()))
    await Promise.all(this.nodes.map(({ swarm }) => swarm.close()))
  }

  async #add(i: number): Promise<void> {
    const dht = this.#init.by === 'dht'
    const swarm = await createSwarm<Services>({
      addresses: { listen: [`/memory/scale-${this.#id}-${i}`] },
      transports: [memory()],
      // It is messages that are counted here, not cryptography that is measured.
      connectionEncrypters: [plaintext()],
      streamMuxers: [yamux()],
      services: (dht ? SERVICES : {}) as never,
      // Of the connections that queries make only few are kept beside the linked ones.
      ...(dht ? { options: { lowWatermark: 24, highWatermark: 40, trimGrace: 1_000 } } : {})
    })
    const traffic = new Traffic(swarm, CONTROL)
    const stored = Promise.withResolvers<void>()
    const { contentRouting } = swarm.components
    const tunnel = createTunnel(swarm, {
      token: this.#token,
      linkConnections: !dht,
      ...(dht
        ? {
            directories: [
              dhtDirectory({
                provideInterval: PROVIDE_INTERVAL,
                provideTimeout: PATIENCE,
                contentRouting: {
                  provide: async (key, options) => {
                    await contentRouting.provide(key, options)
                    stored.resolve()
                  },
                  findProviders: (key, options) => contentRouting.findProviders(key, options),
                  cancelReprovide: (key, options) => contentRouting.cancelReprovide(key, options)
                }
              })
            ]
          }
        : {})
    })
    const [address] = swarm.listenAddrs()
    if (address === undefined) throw new Error('it does not listen')
    const self = `/p2p/${swarm.peerId.toString()}`
    this.nodes[i] = {
      swarm,
      tunnel,
      traffic,
      stored: stored.promise,
      address: address.encapsulate(self)
    }
  }

  #at(i: number): Node {
    const node = this.nodes[i]
    if (node === undefined) throw new Error(`there is no node ${i}`)
    return node
  }

  /** Looks itself up, as a node of the DHT does at first and every five minutes, and so meets its neighbourhood. */
  async #findPlace(i: number): Promise<void> {
    const { swarm } = this.#at(i)
    const { dht } = swarm.services as unknown as Services
    const met = dht.getClosestPeers(swarm.peerId.toMultihash().bytes)
    for await (const _event of met) {
      // What it leads to is in the routing table.
    }
  }
}

async function serve(listener: Awaited<ReturnType<Tunnel['listen']>>): Promise<void> {
  for await (const session of listener) {
    const message = await session.receive()
    if (message !== undefined) await session.send(message)
    await session.close()
  }
}

async function inBatches(count: number, work: (i: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < count; at += BATCH) {
    await Promise.all(range(Math.min(BATCH, count - at)).map(i => work(at + i)))
  }
}

/** 0 to `count` - 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** The same in random order. */
export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map(value => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value)
}
