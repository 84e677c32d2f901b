import assert from 'node:assert/strict'
import { noise as stockNoise } from '@chainsafe/libp2p-noise'
import { identify, identifyPush } from '@libp2p/identify'
import type { PeerId, ServiceMap } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp as stockTcp } from '@libp2p/tcp'
import { yamux as stockYamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm, SwarmComponents, SwarmInit } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { createLibp2p } from 'libp2p'
import type { Libp2p, Libp2pOptions } from 'libp2p'

/** Any port of loopback: no test of this folder talks to anything else. */
export const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

/** The services that most others need, under the names by which those look for them. */
export const BASIC = {
  identify: identify(),
  identifyPush: identifyPush({ debounce: 50 }),
  ping: ping()
}

const ends: (() => Promise<unknown>)[] = []

/** Ends all nodes that the test has made, newest first. */
export async function cleanUp(): Promise<void> {
  while (ends.length > 0) await ends.pop()?.()
}

/** Has `end` run after the test, before the nodes made so far are ended. */
export function afterwards(end: () => Promise<unknown>): void {
  ends.push(end)
}

/** A swarm of our parts only, listening on loopback, that hosts `services`. */
export async function hosted<S extends ServiceMap>(
  services: NonNullable<SwarmInit<S>['services']>,
  init: Partial<Omit<SwarmInit<S>, 'services'>> = {}
): Promise<Swarm<S>> {
  const node = await createSwarm<S>({
    addresses: { listen: [LOOPBACK] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...init,
    services
  })
  ends.push(async () => node.close())
  return node
}

/** A stock js-libp2p node, listening on loopback, with the same services. */
export async function stock<S extends ServiceMap>(
  services: NonNullable<Libp2pOptions<S>['services']>,
  init: Omit<Libp2pOptions<S>, 'services'> = {}
): Promise<Libp2p<S>> {
  const node = await createLibp2p<S>({
    addresses: { listen: [LOOPBACK] },
    transports: [stockTcp()],
    connectionEncrypters: [stockNoise()],
    // Its window (16 MiB) is larger than its read buffer (4 MiB): a slow reader would be reset.
    streamMuxers: [stockYamux({ streamOptions: { maxReadBufferLength: 32 * 1024 * 1024 } })],
    connectionMonitor: { enabled: false },
    ...init,
    services
  })
  ends.push(async () => node.stop())
  return node
}

/** Either kind of node. */
export type Node = Swarm | Libp2p

/** Where a node can be dialled, with its id; relayed addresses last. */
export function addressesOf(node: Node): Multiaddr[] {
  return componentsOf(node).addressManager.getAddresses()
}

/** The first address of a node. */
export function addressOf(node: Node): Multiaddr {
  const [address] = addressesOf(node)
  if (address === undefined) throw new Error('the node listens nowhere')
  return address
}

/** The components of either kind of node; js-libp2p has them too, under the same names. */
export function componentsOf(node: Node): SwarmComponents {
  return (node as { components?: SwarmComponents }).components ?? assert.fail('no components')
}

/** What a node has learned that a peer speaks. */
export async function protocolsOf(node: Node, peer: PeerId): Promise<string[]> {
  const store = componentsOf(node).peerStore
  return (await store.has(peer)) ? (await store.get(peer)).protocols : []
}

/** The open connections of either kind of node with a peer. */
export function connectionsOf(node: Node, peer: PeerId) {
  return componentsOf(node).connectionManager.getConnections(peer)
}
