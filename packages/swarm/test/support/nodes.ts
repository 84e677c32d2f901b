import { noise } from '@chainsafe/libp2p-noise'
import type { Connection, ServiceMap, Stream } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p, Libp2pOptions } from 'libp2p'
import { createSwarm } from '../../src/index.ts'
import type { Swarm, SwarmInit } from '../../src/index.ts'

/** Any port of loopback. */
export const LOOPBACK = multiaddr('/ip4/127.0.0.1/tcp/0')
/** Nothing listens there, and the refusal comes at once. */
export const REFUSED = multiaddr('/ip4/127.0.0.1/tcp/1')

/** Ends of what a test made, run by {@link cleanUp}. */
const ends: (() => Promise<unknown>)[] = []

/** Has `end` run after the test. */
export function afterwards(end: () => Promise<unknown>): void {
  ends.push(end)
}

/** Ends all that the test has made, newest first. */
export async function cleanUp(): Promise<void> {
  while (ends.length > 0) await ends.pop()?.()
}

/** A swarm over TCP, stock Noise, and stock yamux or mplex; `init` overrides. */
export async function swarm<S extends ServiceMap = Record<never, never>>(
  init: Partial<SwarmInit<S>> = {},
  muxer: 'yamux' | 'mplex' = 'yamux'
): Promise<Swarm<S>> {
  const made = await createSwarm<S>({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer === 'yamux' ? yamux() : mplex()],
    ...init
  })
  afterwards(async () => made.close())
  return made
}

/** A swarm that listens on loopback. */
export async function listening<S extends ServiceMap = Record<never, never>>(
  init: Partial<SwarmInit<S>> = {},
  muxer: 'yamux' | 'mplex' = 'yamux'
): Promise<Swarm<S>> {
  return swarm<S>({ addresses: { listen: [LOOPBACK] }, ...init }, muxer)
}

/** A swarm without cryptography, for tests of many. */
export async function plainSwarm(init: Partial<SwarmInit> = {}): Promise<Swarm> {
  return swarm({ connectionEncrypters: [plaintext()], ...init })
}

/** A node of stock js-libp2p, listening on loopback. */
export async function stockNode<S extends ServiceMap>(
  options: Libp2pOptions<S> = {},
  muxer: 'yamux' | 'mplex' = 'yamux'
): Promise<Libp2p<S>> {
  const node = await createLibp2p<S>({
    addresses: { listen: [LOOPBACK.toString()] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer === 'yamux' ? yamux() : mplex()],
    connectionMonitor: { enabled: false },
    ...options
  })
  afterwards(async () => node.stop())
  return node
}

/** Where a swarm listens, with its id. */
export function addressOf(node: Swarm): Multiaddr {
  const address = node.listenAddrs()[0]
  if (address === undefined) throw new Error('the swarm listens nowhere')
  return address.encapsulate(`/p2p/${node.peerId.toString()}`)
}

/** Sends back what comes, with back-pressure, and ends when the peer ends. */
export function echo(stream: Stream): void {
  stream.addEventListener('message', ({ data }) => {
    if (!stream.send(data)) {
      stream.pause()
      stream.addEventListener('drain', () => stream.resume(), { once: true })
    }
  })
  stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}))
}

/** Sends `text`, ends the write side, and resolves with all that comes back. */
export async function exchange(stream: Stream, text: string): Promise<string> {
  const chunks: Uint8Array[] = []
  const ended = new Promise<void>((resolve, reject) => {
    stream.addEventListener('remoteCloseWrite', () => resolve())
    stream.addEventListener('close', ({ error }) => {
      if (error === undefined) resolve()
      else reject(error)
    })
  })
  stream.addEventListener('message', ({ data }) => {
    chunks.push(data instanceof Uint8Array ? data : data.subarray())
  })
  stream.send(new TextEncoder().encode(text))
  await stream.close()
  await ended
  return Buffer.concat(chunks).toString()
}

/** Resolves when `target` dispatches `type`. */
export async function nextEvent(target: EventTarget, type: string): Promise<Event> {
  return new Promise(resolve => {
    target.addEventListener(type, resolve, { once: true })
  })
}

/** Resolves once `check` holds; looks again after each turn of the event loop. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + 5_000
  while (!check()) {
    if (performance.now() > limit) throw new Error(`waited 5 s in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** The connections of both ends, by id of the remote. */
export function remotes(connections: readonly Connection[]): string[] {
  return connections.map(({ remotePeer }) => remotePeer.toString())
}
