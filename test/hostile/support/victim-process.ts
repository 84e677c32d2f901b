// The module of a victim's process: a Warren node, told what to do by `Remote` calls (see victim.ts).
// It measures itself: memory after a forced collection, event-loop delay, the sizes of its tables.
import { readdirSync } from 'node:fs'
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { identify } from '@libp2p/identify'
import type { Connection, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import type { TcpListener } from '@warren/transport-tcp'
import { createTunnel } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import type { WarrenUpgrader } from '@warren/upgrader'
import { yamux } from '@warren/yamux'
import { Journal } from './journal.ts'
import { serveEcho, serveSink } from './handlers.ts'
import { ECHO, SINK } from './protocols.ts'
import { STALLED_READERS } from './readers.ts'
import type { Measured, Report, Tables, VictimAddress, VictimInit } from './victim-types.ts'

// The maps are loaded with the first stack that is read, and would count as memory that an attack holds.
process.setSourceMapsEnabled(false)

const SAMPLE_INTERVAL = 100
const TICK = 10
const MANY_STREAMS = 2_000

/** What the tests look at of a muxer of ours: the tables of its core. */
interface YamuxTables extends StreamMuxer {
  readonly session?: { debug(): { held: number; control: number } }
}

const journal = new Journal()
const muxers = new Set<YamuxTables>()
const delay = monitorEventLoopDelay({ resolution: TICK })
/** CPU time of this thread between two ticks, in microseconds: what of the delay is our own doing. */
const busy = createHistogram()
let ticker: NodeJS.Timeout | undefined
let swarm: Swarm
let tunnel: Tunnel | undefined
let sampler: NodeJS.Timeout | undefined
let measured: Measured = 'time'
let before = 0
let peak = 0
let startedAt = 0
let cpuBefore = 0

export async function start(init: VictimInit): Promise<VictimAddress> {
  const { listen = ['/ip4/127.0.0.1/tcp/0'], token } = init
  const upgrader = definedOf({
    upgradeTimeout: init.upgradeTimeout,
    streamNegotiationTimeout: init.streamNegotiationTimeout,
    acceptTimeout: init.acceptTimeout
  })
  const transport = definedOf({ writeStallTimeout: init.writeStallTimeout })
  swarm = await createSwarm({
    transports: [tcp(transport)],
    connectionEncrypters: [noise()],
    streamMuxers: [watched(yamux()), watched(mplex({ disconnectThreshold: 250 }))],
    services: { identify: identify(), ping: ping() },
    options: definedOf({ maxConnections: init.maxConnections }),
    upgrader,
    logger: journal
  })
  await swarm.handle(ECHO, serveEcho, { maxInboundStreams: MANY_STREAMS })
  await swarm.handle(SINK, serveSink, { maxInboundStreams: MANY_STREAMS })
  for (const [protocol, reader] of Object.entries(STALLED_READERS)) {
    await swarm.handle(protocol, reader)
  }
  if (token !== undefined) {
    tunnel = createTunnel(swarm, { token, handshakeTimeout: 3_000, headTimeout: 3_000 })
    tunnel.on('link-error', error => journal.note('tunnel', error))
    tunnel.on('unlink', (_link, error) => {
      if (error !== undefined) journal.note('tunnel', error)
    })
    const listener = await tunnel.listen('orders')
    void acceptAll(listener)
    await tunnel.listen('hidden', { peers: { allow: [] } })
    await tunnel.listen('sealed', { seal: true })
  }
  await swarm.listen(listen.map(each => multiaddr(each)))
  const addresses = swarm.listenAddrs().map(String)
  const port = Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1])
  return { peer: swarm.peerId.toString(), addresses, port }
}

/**
 * Starts measuring: memory, or time. Not both at once, since forced collections are what takes most
 * time of all.
 */
export async function begin(what: Measured): Promise<void> {
  journal.clear()
  clearInterval(sampler)
  clearInterval(ticker)
  measured = what
  if (what === 'memory') {
    before = await settledMemory()
    peak = before
    sampler = setInterval(sample, SAMPLE_INTERVAL)
  }
  startedAt = performance.now()
  cpuBefore = cpuTime()
  delay.enable()
  delay.reset()
  busy.reset()
  let last = threadCpu()
  ticker = setInterval(() => {
    const now = threadCpu()
    busy.record(Math.max(1, now - last))
    last = now
  }, TICK)
}

function threadCpu(): number {
  const { user, system } = process.threadCpuUsage()
  return Math.round(user + system)
}

/** Ends measuring, and tells what was seen since `begin`. */
export function finish(): Report {
  if (measured === 'memory') sample()
  clearInterval(sampler)
  clearInterval(ticker)
  delay.disable()
  return {
    before,
    peak,
    p99: delay.percentile(99) / 1e6,
    max: delay.max / 1e6,
    busy: busy.percentile(99) / 1e3,
    cpu: cpuTime() - cpuBefore,
    elapsed: performance.now() - startedAt,
    journal: journal.entries
  }
}

/** Sizes now; connections with `except` do not count. */
export function tables(except?: string): Tables {
  const connections = swarm
    .connections()
    .filter(({ remotePeer }) => remotePeer.toString() !== except)
  const { slots, waiting, queued } = upgraderStats()
  const open = [...muxers].filter(({ status }) => status !== 'closed')
  for (const muxer of muxers) if (muxer.status === 'closed') muxers.delete(muxer)
  const debug = open.map(({ session }) => session?.debug())
  const own = tunnel?.debug()
  return {
    connections: connections.length,
    streams: sum(connections, ({ streams }: Connection) => streams.length),
    muxers: open.length,
    held: sum(debug, each => each?.held ?? 0),
    control: sum(debug, each => each?.control ?? 0),
    slots,
    waiting,
    queued,
    sockets: sum(listeners(), listener => {
      const stats = listener.stats()
      return stats.open + stats.waiting
    }),
    links: own === undefined ? 0 : own.links + own.handshakes,
    sessions: own === undefined ? 0 : own.host.accepted + own.host.heads + own.host.closing,
    descriptors: readdirSync('/proc/self/fd').length - 1
  }
}

/** Milliseconds of CPU time that this process has used. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

export function listenerStats(): ReturnType<TcpListener['stats']>[] {
  return listeners().map(listener => listener.stats())
}

export function upgraderStats(): ReturnType<WarrenUpgrader['stats']> {
  return (swarm.components.upgrader as WarrenUpgrader).stats()
}

export async function stop(): Promise<void> {
  await tunnel?.close()
  await swarm.close()
}

/** Takes sessions and reads nothing of them. */
async function acceptAll(listener: AsyncIterable<unknown>): Promise<void> {
  for await (const _session of listener);
}

function listeners(): TcpListener[] {
  return swarm.components.transportManager.getListeners() as TcpListener[]
}

/** A muxer whose instances are remembered as long as they are open. */
function watched(make: () => StreamMuxerFactory): () => StreamMuxerFactory {
  return () => {
    const factory = make()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (...args) => {
      const muxer = create(...args)
      muxers.add(muxer)
      return muxer
    }
    return factory
  }
}

function memory(): number {
  globalThis.gc?.()
  // Buffers of the first collection are swept beside it, and done with when the next one begins.
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function sample(): void {
  peak = Math.max(peak, memory())
}

/** Memory once two collections in a row find about the same. */
export async function settledMemory(): Promise<number> {
  let last = memory()
  for (let i = 0; i < 10; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    const now = memory()
    if (Math.abs(now - last) < 32 * 1024) return now
    last = now
  }
  return last
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** An object without the keys whose value is `undefined`, as `exactOptionalPropertyTypes` wants it. */
function definedOf<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
