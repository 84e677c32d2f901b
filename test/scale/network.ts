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
import { TrafficCounter } from './traffic.ts'

const KAD = '/warren/kad/1.0.0'
const TUNNEL = '/warren/tunnel/1.0.0'
const IDENTIFY = '/ipfs/id/1.0.0'
const PING = '/ipfs/ping/1.0.0'

/** As `createNode({ dht })` has them: for a network of known programs, not for the open internet. */
const CHANNEL_DHT = { clientMode: false, kBucketSize: 8, alpha: 3, disjointPaths: 1 }

/** Nodes started, stored or refreshed at once: a process has no more hands than that. */
const BATCH = 20

/** Milliseconds for one step of all nodes. */
const PATIENCE = 1_800_000

const SERVICES = {
  identify: identify(),
  ping: ping(),
  dht: kadDHT({ protocol: KAD, peerInfoMapper: passthroughMapper, ...CHANNEL_DHT })
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
  readonly traffic = new TrafficCounter()
  readonly #init: NetworkInit
  readonly #token = generateToken()
  readonly #id = networks++
  #provided = 0

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

  /** Messages of the DHT so far: each is a stream of its own. */
  get lookupMessages(): number {
    return this.traffic.total(KAD).streams
  }

  /** Bytes that all nodes have sent so far to keep the network, without sessions. */
  get controlBytes(): number {
    return this.traffic.total().bytes
  }

  get links(): number {
    return this.nodes.reduce((sum, { tunnel }) => sum + tunnel.links().length, 0)
  }

  get connections(): number {
    return this.nodes.reduce((sum, { swarm }) => sum + swarm.connections().length, 0)
  }

  /** Links the nodes: all with all, or each with 4 others that it picks, and so 8 on average. */
  async join(): Promise<void> {
    const { size, by } = this.#init
    for (const [i, { tunnel }] of this.nodes.entries()) {
      const others = by === 'links' ? range(i) : i < 4 ? range(i) : sample(4, i)
      tunnel.setNodes(others.map(other => this.#at(other).address))
    }
    await inBatches(size, i => this.#at(i).tunnel.connect())
    const expected = this.nodes.reduce(
      (sum, _node, i) => sum + (by === 'links' ? i : Math.min(i, 4)),
      0
    )
    await until(() => this.links === 2 * expected, 'all are linked', PATIENCE)
    if (by === 'dht') await inBatches(size, i => this.#refresh(i))
  }

  /** Everyone listens on its channel; resolves when the DHT has all of them. */
  async listen(): Promise<void> {
    const { size, by } = this.#init
    await inBatches(size, async i => {
      const listener = await this.#at(i).tunnel.listen(`channel ${i}`)
      void serve(listener)
      if (by === 'dht')
        await until(() => this.#provided > i - BATCH, 'records are stored', PATIENCE)
    })
    if (by === 'dht') await until(() => this.#provided >= size, 'all records are stored', PATIENCE)
    else
      await until(
        () => this.nodes.every(({ tunnel }) => tunnel.channels().length === size),
        'all know all channels',
        PATIENCE
      )
  }

  /** Node `from` dials the channel of `to`, and has a nonce come back; who has sent it back. */
  async exchange(from: number, to: number): Promise<string> {
    const nonce = new Uint8Array(randomBytes(16))
    const session = await this.#at(from).tunnel.dial(`channel ${to}`, { timeout: 60_000 })
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
    this.traffic.watch(swarm, [KAD, TUNNEL, IDENTIFY, PING])
    const { contentRouting } = swarm.components
    const tunnel = createTunnel(swarm, {
      token: this.#token,
      linkConnections: !dht,
      ...(dht
        ? {
            directories: [
              dhtDirectory({
                contentRouting: {
                  provide: async (key, options) => {
                    await contentRouting.provide(key, options)
                    this.#provided++
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
    this.nodes[i] = {
      swarm,
      tunnel,
      address: address.encapsulate(`/p2p/${swarm.peerId.toString()}`)
    }
  }

  #at(i: number): Node {
    const node = this.nodes[i]
    if (node === undefined) throw new Error(`there is no node ${i}`)
    return node
  }

  async #refresh(i: number): Promise<void> {
    const { dht } = this.#at(i).swarm.services as unknown as Services
    await dht.refreshRoutingTable()
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

/** `count` different numbers below `below`. */
export function sample(count: number, below: number): number[] {
  const picked = new Set<number>()
  while (picked.size < Math.min(count, below)) picked.add(Math.floor(Math.random() * below))
  return [...picked]
}
