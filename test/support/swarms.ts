import type { ServiceMap, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm, SwarmInit } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'

/** Ends of what a test made, newest first. */
const ends: (() => Promise<unknown>)[] = []

/** Has `end` run by {@link closeSwarms}. */
export function afterwards(end: () => Promise<unknown>): void {
  ends.push(end)
}

/** Ends all that the test has made. */
export async function closeSwarms(): Promise<void> {
  await Promise.all(ends.splice(0).map(async end => end()))
}

/** A swarm of our own parts that only dials; closed by {@link closeSwarms}. */
export async function dialling<S extends ServiceMap = Record<never, never>>(
  init: Partial<SwarmInit<S>> = {}
): Promise<Swarm<S>> {
  const made = await createSwarm<S>({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...init
  })
  afterwards(async () => made.close())
  return made
}

/** The same, listening on loopback. */
export async function listening<S extends ServiceMap = Record<never, never>>(
  init: Partial<SwarmInit<S>> = {}
): Promise<Swarm<S>> {
  return dialling<S>({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, ...init })
}

/** Where a swarm listens, with its id. */
export function addressOf(swarm: Swarm): Multiaddr {
  const [address] = swarm.listenAddrs()
  if (address === undefined) throw new Error('the swarm listens nowhere')
  return address.encapsulate(`/p2p/${swarm.peerId.toString()}`)
}

/** The same through a proxy on `port`. */
export function addressThrough(port: number, swarm: Swarm): Multiaddr {
  return multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${swarm.peerId.toString()}`)
}

/** Sends back what comes. */
export async function echo(stream: Stream): Promise<void> {
  for await (const chunk of stream) stream.send(chunk)
  await stream.close()
}

/** Sends `text` and gives what comes back until the peer ends. */
export async function exchange(stream: Stream, text: string): Promise<string> {
  stream.send(new TextEncoder().encode(text))
  const closed = stream.close()
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk.subarray())
  await closed
  return Buffer.concat(chunks).toString()
}

/** The error with which a stream or connection ends; `undefined` when it ends in peace. */
export async function endOf(ending: EventTarget): Promise<Error | undefined> {
  return new Promise(resolve => {
    const onClose = (event: Event): void => {
      resolve('error' in event && event.error instanceof Error ? event.error : undefined)
    }
    ending.addEventListener('close', onClose, { once: true })
  })
}
