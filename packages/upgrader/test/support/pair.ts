import type { Connection, MultiaddrConnection, Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { startStreams } from '../../src/index.ts'
import type { Peer } from './peer.ts'

export const never = (): AbortSignal => new AbortController().signal

/** Two raw conns, joined in memory; each names the other end as given. */
export function rawPair(
  to = '/ip4/127.0.0.1/tcp/1234',
  from = '/ip4/127.0.0.1/tcp/4321',
  /** Messages that a conn takes before it asks to wait for `drain`; few, by default. */
  capacity?: number
): { outbound: MultiaddrConnection; inbound: MultiaddrConnection } {
  const [outbound, inbound] = multiaddrConnectionPair({
    ...(capacity === undefined ? {} : { capacity }),
    outbound: { remoteAddr: multiaddr(to) },
    inbound: { remoteAddr: multiaddr(from) }
  })
  return { outbound, inbound }
}

export interface ConnectedPair {
  readonly outbound: Connection
  readonly inbound: Connection
}

/** Two peers connected over `raw`, both started. */
export async function connect(
  dialler: Peer,
  listener: Peer,
  raw = rawPair(`/ip4/127.0.0.1/tcp/1234/p2p/${listener.id.toString()}`)
): Promise<ConnectedPair> {
  const [outbound, , inbound] = await Promise.all([
    dialler.upgrader.upgradeOutbound(raw.outbound, { signal: never() }),
    listener.upgrader.upgradeInbound(raw.inbound, { signal: never() }),
    listener.upgrader.queue.accept()
  ])
  startStreams(outbound)
  startStreams(inbound)
  return { outbound, inbound }
}

/** Everything that a stream carries until its end, and no faster than it is read. */
export async function readAll(stream: Stream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      chunks.push(data instanceof Uint8Array ? data : data.subarray())
    })
    stream.addEventListener('remoteCloseWrite', () => resolve())
    stream.addEventListener('close', ({ error }) => {
      if (error === undefined) resolve()
      else reject(error)
    })
  })
  return Buffer.concat(chunks)
}

/** A handler that sends back what it gets, and ends when the peer does. */
export function echo(stream: Stream): void {
  stream.addEventListener('message', ({ data }) => {
    stream.send(data)
  })
  const end = (): void => void stream.close().catch(() => {})
  stream.addEventListener('remoteCloseWrite', end)
}

/** Sends `bytes` on a new stream and gives what comes back. */
export async function roundTrip(
  connection: Connection,
  protocol: string,
  bytes: Uint8Array
): Promise<Uint8Array> {
  const stream = await connection.newStream(protocol)
  const all = readAll(stream)
  stream.send(bytes)
  await stream.close()
  return all
}
