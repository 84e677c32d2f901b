import { createHash } from 'node:crypto'
import { noise as chainsafeNoise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Stream, StreamMuxerFactory } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { noise as libp2pNoise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp as stockTcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux as stockYamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { createLibp2p } from 'libp2p'

/** Protocol of the echo that both kinds of node serve. */
export const ECHO = '/test/echo/1.0.0'
export const HASH = '/test/hash/1.0.0'
export const RESET = '/test/reset/1.0.0'
const MANY = 1000

/** Our parts and the stock ones, by the names the tests show. */
export const SECURITY = {
  'our Noise': () => noise(),
  'stock Noise': () => chainsafeNoise(),
  'stock Noise (@libp2p)': () => libp2pNoise(),
  TLS: () => tls()
}
/**
 * Stock yamux resets a stream that is slow to be read, because its window (16 MiB) is larger than its read
 * buffer (4 MiB): so it gets a buffer as large as its window.
 */
export const MUXERS: Record<Muxer, () => () => StreamMuxerFactory> = {
  'our yamux': () => yamux(),
  'stock yamux': () => stockYamux({ streamOptions: { maxReadBufferLength: 32 * 1024 * 1024 } }),
  mplex: () => mplex({ disconnectThreshold: Infinity })
}

export type Security = keyof typeof SECURITY
export type Muxer = 'our yamux' | 'stock yamux' | 'mplex'

/** Sends back what comes, and ends when the other side has ended; stalls when it is not read. */
export function echo(stream: Stream): void {
  stream.addEventListener('message', ({ data }) => {
    if (!stream.send(data)) stream.pause()
  })
  stream.addEventListener('drain', () => {
    if (stream.readStatus === 'paused') stream.resume()
  })
  onEnd(stream, () => {
    stream.close().catch(() => {})
  })
}

/**
 * Calls `listener` once the peer has ended and everything was read. Stock streams tell their end once,
 * and perhaps to the protocol negotiation, before a handler listens: so their state is looked at too.
 */
function onEnd(stream: Stream, listener: () => void): void {
  let told = false
  const check = (): void => {
    if (told || stream.remoteWriteStatus === 'writable' || stream.readBufferLength > 0) return
    told = true
    listener()
  }
  stream.addEventListener('message', check)
  stream.addEventListener('end', check)
  check()
}

/** Takes everything, and answers with its SHA-256 only after the other side has ended its direction. */
export function hash(stream: Stream): void {
  const sum = createHash('sha256')
  stream.addEventListener('message', ({ data }) => {
    sum.update(data.subarray())
  })
  onEnd(stream, () => {
    if (stream.writeStatus !== 'writable') return
    stream.send(sum.digest())
    stream.close().catch(() => {})
  })
}

/** Resets the stream on its first byte. */
export function reset(stream: Stream): void {
  stream.addEventListener('message', () => stream.abort(new Error('reset as asked')), {
    once: true
  })
}

/** A Warren swarm that serves identify, ping and echo on loopback. */
export async function warrenNode(security: Security, muxer: Muxer) {
  const swarm = await createSwarm({
    transports: [tcp()],
    connectionEncrypters: [SECURITY[security]()],
    streamMuxers: [MUXERS[muxer]()],
    services: { identify: identify(), ping: ping() }
  })
  await swarm.handle(ECHO, echo, { maxInboundStreams: MANY, maxOutboundStreams: MANY })
  await swarm.handle(HASH, hash)
  await swarm.handle(RESET, reset)
  await swarm.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  return swarm
}

/** A stock js-libp2p node that serves the same. */
export async function stockNode(security: Security, muxer: Muxer) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [stockTcp()],
    connectionEncrypters: [SECURITY[security]()],
    streamMuxers: [MUXERS[muxer]()],
    services: { identify: identify(), ping: ping() },
    connectionMonitor: { enabled: false }
  })
  await node.handle(ECHO, echo, { maxInboundStreams: MANY, maxOutboundStreams: MANY })
  return node
}

/** Sends `bytes` through an echo and compares the hash of what comes back. */
export async function echoByHash(stream: Stream, bytes: number): Promise<void> {
  const [sent, received] = [createHash('sha256'), createHash('sha256')]
  let left = bytes
  let counter = 0
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  let got = 0
  stream.addEventListener('message', ({ data }) => {
    const flat = data.subarray()
    received.update(flat)
    got += flat.length
    if (got === bytes) resolve()
  })
  stream.addEventListener('close', ({ error }) => {
    if (got < bytes) reject(error ?? new Error(`the stream ended after ${got} of ${bytes} bytes`))
  })
  while (left > 0) {
    const chunk = Buffer.alloc(Math.min(left, 60_000), `chunk ${counter++};`)
    sent.update(chunk)
    left -= chunk.length
    if (!stream.send(chunk)) await drained(stream, ended)
  }
  await ended
  await stream.close()
  const [a, b] = [sent.digest('hex'), received.digest('hex')]
  if (a !== b) throw new Error(`what came back differs: ${a} was sent, ${b} came back`)
}

async function drained(stream: Stream, failed: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => resolve()
  stream.addEventListener('drain', done)
  try {
    await Promise.race([promise, failed])
  } finally {
    stream.removeEventListener('drain', done)
  }
}
