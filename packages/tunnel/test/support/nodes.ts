import { noise } from '@chainsafe/libp2p-noise'
import { mplex } from '@libp2p/mplex'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { generateToken } from '../../src/index.ts'
import type { Tunnel, TunnelOptions } from '../../src/index.ts'
import { resolveOptions } from '../../src/options.ts'
import { SwarmTunnel } from '../../src/tunnel.ts'

/** The token of the network that tests use unless they say otherwise. */
export const TOKEN = generateToken()

const ends: (() => Promise<unknown> | undefined)[] = []

/** Has `end` run after the test. */
export function afterwards(end: () => Promise<unknown> | undefined): void {
  ends.push(end)
}

/** Ends all that the test has made, newest first. */
export async function cleanUp(): Promise<void> {
  while (ends.length > 0) await ends.pop()?.()
}

/** A tunnel with the swarm that it runs on. */
export interface Node {
  readonly swarm: Swarm
  readonly tunnel: Tunnel
  readonly peer: string
}

export type NodeOptions = Partial<TunnelOptions> & {
  readonly muxer?: 'yamux' | 'mplex'
  readonly listen?: boolean
  /** Milliseconds for the upgrade of a connection. */
  readonly upgradeTimeout?: number
  /** Seconds since 1970, as the tunnel sees them. */
  readonly wallClock?: () => number
}

/** A swarm on loopback: TCP, stock Noise, stock yamux or mplex. */
export async function swarmNode(options: NodeOptions = {}): Promise<Swarm> {
  const swarm = await createSwarm({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [options.muxer === 'mplex' ? mplex() : yamux()],
    ...(options.upgradeTimeout === undefined
      ? {}
      : { upgrader: { upgradeTimeout: options.upgradeTimeout } }),
    ...(options.listen === false ? {} : { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
  })
  afterwards(async () => swarm.close())
  return swarm
}

/** A node of the network of {@link TOKEN}; quick to reconnect. */
export async function node(options: NodeOptions = {}): Promise<Node> {
  return nodeOn(await swarmNode(options), options)
}

/** A tunnel on a swarm that is there. */
export function nodeOn(swarm: Swarm, options: NodeOptions = {}): Node {
  const { muxer: _muxer, listen: _listen, upgradeTimeout: _upgrade, wallClock, ...given } = options
  const proof = 'token' in given || 'tickets' in given || 'ticketKey' in given || 'open' in given
  const resolved = resolveOptions({
    reconnect: { first: 20, factor: 2, max: 200 },
    ...(proof ? {} : { token: TOKEN }),
    ...given
  })
  const tunnel = new SwarmTunnel(swarm, resolved, {
    now: () => performance.now(),
    wallClock: wallClock ?? (() => Date.now() / 1000),
    random: Math.random
  })
  afterwards(async () => tunnel.close())
  return { swarm, tunnel, peer: swarm.peerId.toString() }
}

/** Where a node listens, with its id. */
export function addressOf({ swarm }: { readonly swarm: Swarm }): Multiaddr {
  const [address] = swarm.listenAddrs()
  if (address === undefined) throw new Error('the swarm listens nowhere')
  return address.encapsulate(`/p2p/${swarm.peerId.toString()}`)
}

/** Two nodes, the first linked to the second, the second to the first. */
export async function pair(a: NodeOptions = {}, b: NodeOptions = {}): Promise<[Node, Node]> {
  const second = await node(b)
  const first = await node({ nodes: [addressOf(second)], ...a })
  await first.tunnel.connect()
  await linked(first, second)
  return [first, second]
}

/** Resolves when both nodes have a link to each other. */
export async function linked(a: Node, b: Node): Promise<void> {
  await until(
    () =>
      a.tunnel.links().some(link => link.peer === b.peer) &&
      b.tunnel.links().some(link => link.peer === a.peer),
    'the two are linked'
  )
}

/** Resolves once `check` holds. */
export async function until(check: () => boolean, what: string, ms = 5_000): Promise<void> {
  const limit = performance.now() + ms
  while (!check()) {
    if (performance.now() > limit) throw new Error(`waited ${ms} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** The first event of a kind, as its arguments. */
export function once<E extends 'link' | 'unlink' | 'channel' | 'link-error' | 'ticket-refused'>(
  tunnel: Tunnel,
  event: E
): Promise<unknown[]> {
  return new Promise(resolve => {
    const stop = tunnel.on(event, ((...args: unknown[]) => {
      stop()
      resolve(args)
    }) as never)
  })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A message with `text` as its body. */
export function message(text: string, headers?: Record<string, string>) {
  return headers === undefined
    ? { body: encoder.encode(text) }
    : { body: encoder.encode(text), headers }
}

/** The body of a message as text. */
export function textOf(received: { readonly body: Uint8Array } | undefined): string | undefined {
  return received === undefined ? undefined : decoder.decode(received.body)
}

/** `/ip4/127.0.0.1/tcp/port/p2p/peer` */
export function loopbackAddress(port: number, peer: string): Multiaddr {
  return multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`)
}
