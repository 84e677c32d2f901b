// A peer of the real stack, to be run in a process of its own: see start-peer.ts.
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { yamux as stockYamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { open as openPort, share as sharePort } from '@warren/gateway'
import type { GatewayStats, GatewayTunnel, Opening, Share, ShareStats } from '@warren/gateway'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { netstack } from '@warren/transport-netstack'
import { tcp } from '@warren/transport-tcp'
import { createTunnel } from '@warren/tunnel'
import type { ByteSession, SessionStats, Tunnel, TunnelDebug, TunnelOptions } from '@warren/tunnel'
import type { UpgraderStats, WarrenUpgrader } from '@warren/upgrader'
import { yamux } from '@warren/yamux'

/** What a peer is made of. */
export interface PeerOptions {
  readonly token: string
  /** @default 'tcp' */
  readonly transport?: 'tcp' | 'netstack'
  readonly muxer?: PeerMuxer
  /** Milliseconds of silence after which our yamux pings. */
  readonly keepAliveInterval?: number
  /** No security at all, to see that a test sees what security hides. */
  readonly plaintext?: boolean
  /** Multiaddrs to keep links to. */
  readonly nodes?: readonly string[]
  readonly tunnel?: Pick<
    TunnelOptions,
    'probeInterval' | 'probeTimeout' | 'probeMisses' | 'resumeTimeout' | 'reconnect'
  >
  readonly upgrader?: { readonly acceptQueueLength: number; readonly maxParallelUpgrades: number }
  /** Connections that it takes; none of them is trimmed. */
  readonly maxConnections?: number
}

export type PeerMuxer = 'our yamux' | 'stock yamux' | 'mplex'

interface Running {
  readonly swarm: Swarm
  readonly tunnel: Tunnel
}

let running: Running | undefined
let shared: Share | undefined
let opened: Opening | undefined
/** Byte sessions of shares, openings and of what is read and written here, in the order they began. */
const sessions: ByteSession[] = []
/** How often sessions went on over a new connection. */
let resumes = 0

function peer(): Running {
  if (running === undefined) throw new Error('start() was not called')
  return running
}

const LISTEN = {
  tcp: '/ip4/127.0.0.1/tcp/0',
  netstack: '/ip4/127.0.0.1/udp/0/netstack'
} as const

/** Starts; its address with its peer id. */
export async function start(options: PeerOptions): Promise<string> {
  const { keepAliveInterval, upgrader, maxConnections, transport = 'tcp' } = options
  const muxers = {
    'our yamux': () => yamux(keepAliveInterval === undefined ? {} : { keepAliveInterval }),
    'stock yamux': () => stockYamux(),
    mplex: () => mplex()
  }
  const swarm = await createSwarm({
    addresses: { listen: [LISTEN[transport]] },
    transports: [transport === 'tcp' ? tcp() : netstack()],
    connectionEncrypters: [options.plaintext === true ? plaintext() : noise()],
    streamMuxers: [muxers[options.muxer ?? 'our yamux']()],
    ...(upgrader === undefined ? {} : { upgrader }),
    ...(maxConnections === undefined
      ? {}
      : {
          options: { maxConnections, lowWatermark: maxConnections, highWatermark: maxConnections }
        })
  })
  const tunnel = createTunnel(swarm, {
    token: options.token,
    nodes: (options.nodes ?? []).map(node => multiaddr(node)),
    ...options.tunnel
  })
  running = { swarm, tunnel }
  await tunnel.connect()
  return `${String(swarm.listenAddrs()[0])}/p2p/${swarm.peerId.toString()}`
}

/** Replaces the nodes that links are kept to. */
export function setNodes(nodes: readonly string[]): void {
  peer().tunnel.setNodes(nodes.map(node => multiaddr(node)))
}

export function links(): number {
  return peer().tunnel.links().length
}

// ── ports ──────────────────────────────────────────────────────────────────────────────────────

/** The tunnel as the gateway sees it; its sessions are remembered. */
const watched: GatewayTunnel = {
  dial: async (channel, options) => remember(await peer().tunnel.dial(channel, options)),
  listen: async (channel, options) => {
    const listener = await peer().tunnel.listen(channel, options)
    return {
      channel: listener.channel,
      accept: async accept => remember(await listener.accept(accept)),
      setPeers: peers => listener.setPeers(peers),
      close: () => listener.close(),
      [Symbol.asyncDispose]: () => listener.close(),
      async *[Symbol.asyncIterator]() {
        for await (const session of listener) yield remember(session)
      }
    }
  }
}

function remember(session: ByteSession): ByteSession {
  sessions.push(session)
  session.on('resumed', () => resumes++)
  void session.closed.then(() => sessions.splice(sessions.indexOf(session), 1))
  return session
}

export async function share(channel: string, target: number): Promise<void> {
  shared = await sharePort(watched, { channel, target: `127.0.0.1:${target}` })
}

/** The port of 127.0.0.1 on which the channel is open. */
export async function open(channel: string): Promise<number> {
  opened = await openPort(watched, { channel, listen: 0 })
  return opened.port ?? 0
}

export function forwarded(): { readonly share?: ShareStats; readonly opening?: GatewayStats } {
  return {
    ...(shared === undefined ? {} : { share: shared.stats() }),
    ...(opened === undefined ? {} : { opening: opened.stats() })
  }
}

/** Of each session that has not ended; and how many have no link now. */
export function sessionStats(): {
  readonly resumes: number
  readonly detached: number
  readonly open: SessionStats[]
} {
  return {
    resumes,
    detached: sessions.filter(({ link }) => link === undefined).length,
    open: sessions.map(session => session.stats())
  }
}

// ── sessions ───────────────────────────────────────────────────────────────────────────────────

/** Accepts one session and reads `bytes` of it; then nothing, until {@link readOn}. */
export async function readOnly(channel: string, bytes: number): Promise<void> {
  const listener = await peer().tunnel.listen(channel, { bytes: true })
  void listener.accept().then(async session => {
    remember(session)
    let left = bytes
    session.onReadable = () => {
      while (left > 0) {
        const chunk = session.read(left)
        if (chunk === undefined) return
        left -= chunk.length
      }
    }
  })
}

/** Reads the oldest session to its end; how many bytes that were. */
export async function readOn(): Promise<number> {
  const [session] = sessions
  let read = 0
  for await (const chunk of session ?? []) read += chunk.length
  await session?.close()
  return read
}

let written = 0
let stopWriting = false

/** Dials, and writes as long as the session takes it, until {@link stopWriter}. */
export async function writeWithoutEnd(channel: string): Promise<void> {
  const session = remember(await peer().tunnel.dial(channel, { bytes: true }))
  written = 0
  stopWriting = false
  const pour = async (): Promise<void> => {
    while (!stopWriting) {
      // A fresh one each time: what is kept twice shows in the memory.
      const chunk = new Uint8Array(16_384)
      written += chunk.length
      if (!session.write(chunk)) await session.drained()
    }
    await session.close()
  }
  void pour()
}

/** Ends the writer after what it waits for; what it has written. */
export async function stopWriter(): Promise<number> {
  stopWriting = true
  while (sessions.length > 0) await sleep(5)
  return written
}

export function writtenSoFar(): number {
  return written
}

// ── what it holds ──────────────────────────────────────────────────────────────────────────────

/** Bytes in use after collecting garbage. */
export async function memory(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await sleep(10)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes that streams hold unread, below sessions. */
export function unreadInStreams(): number {
  let bytes = 0
  for (const connection of peer().swarm.connections()) {
    for (const { readBufferLength } of connection.streams) bytes += readBufferLength
  }
  return bytes
}

/** What may be open, and every table that has a size. */
export interface Resources {
  readonly active: Readonly<Record<string, number>>
  readonly sockets: number
  readonly descriptors: number
  readonly connections: number
  readonly streams: number
  readonly peers: number
  readonly sessions: number
  readonly tunnel: TunnelDebug
  readonly upgrader: Pick<UpgraderStats, 'waiting' | 'slots' | 'queued' | 'sources'>
}

export function resources(): Resources {
  const { swarm, tunnel } = peer()
  const { waiting, slots, queued, sources } = upgrades()
  const active: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) active[name] = (active[name] ?? 0) + 1
  // One-shot timers come and go with upkeep; what they belong to is in the tables.
  delete active['Timeout']
  delete active['Immediate']
  const descriptors = readdirSync('/proc/self/fd').map(readLink)
  return {
    active,
    sockets: descriptors.filter(isSocket).length,
    descriptors: descriptors.length,
    connections: swarm.connections().length,
    streams: swarm.connections().reduce((sum, { streams }) => sum + streams.length, 0),
    peers: swarm.peers().length,
    sessions: sessions.length,
    tunnel: tunnel.debug(),
    upgrader: { waiting, slots, queued, sources }
  }
}

/** What keeps the process alive, and its sockets. */
export function handles(): string[] {
  const sockets = readdirSync('/proc/self/fd').map(readLink).filter(isSocket)
  return [...process.getActiveResourcesInfo(), ...sockets.map(() => 'socket')].sort()
}

function isSocket(link: string): boolean {
  return link.startsWith('socket:')
}

function readLink(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`)
  } catch {
    return 'the directory itself, closed again'
  }
}

// ── the swarm ──────────────────────────────────────────────────────────────────────────────────

export function pause(): void {
  peer().swarm.pause()
}

export function resume(): void {
  peer().swarm.resume()
}

export function connections(): number {
  return peer().swarm.connections().length
}

export function upgrades(): UpgraderStats {
  return (peer().swarm.components.upgrader as WarrenUpgrader).stats()
}

/** Ends it all in order; the process may end by itself afterwards. */
export async function stop(): Promise<void> {
  opened?.abort()
  shared?.abort()
  await running?.tunnel.close()
  await running?.swarm.close()
}
