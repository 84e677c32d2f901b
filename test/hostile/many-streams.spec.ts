import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { MultiaddrConnection, StreamMuxer, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { multiaddr } from '@multiformats/multiaddr'

const MANY = 10_000
const SAMPLES = 400
/** The bar is 1.25, which `npm run bench` watches; here only growth with the number is looked for. */
const LENIENT = 3
const LIMITS = { maxInboundStreams: MANY * 2, maxOutboundStreams: MANY * 2 }

describe('many streams', () => {
  it(`opening one beside ${MANY} open ones takes as long as opening the first`, async () => {
    await using pair = await muxerPair()
    pair.server.addEventListener('stream', ({ detail: stream }) => {
      stream.addEventListener('message', ({ data }) => void stream.send(data))
    })
    const median = async (): Promise<number> => {
      const took: number[] = []
      for (let i = 0; i < SAMPLES; i++) {
        const began = performance.now()
        await openAndEcho(pair.client)
        took.push(performance.now() - began)
      }
      return took.toSorted((a, b) => a - b)[SAMPLES / 2] ?? Number.NaN
    }
    const open = async (count: number): Promise<void> => {
      while (pair.client.streams.length < count) {
        await Promise.all(Array.from({ length: 200 }, () => openAndEcho(pair.client)))
      }
    }
    await open(SAMPLES)
    const few = await median()
    await open(MANY)
    const many = await median()
    const ratio = many / few
    console.log(
      `        ${(few * 1_000).toFixed(0)} µs among ${2 * SAMPLES}, ${(many * 1_000).toFixed(0)} µs among ${MANY}: ${ratio.toFixed(2)} times`
    )
    assert.ok(ratio < LENIENT, `${ratio.toFixed(2)} times as long`)
  })
})

async function openAndEcho(muxer: StreamMuxer): Promise<void> {
  const stream = await muxer.createStream()
  const answer = once(stream, 'message')
  stream.send(new Uint8Array(16))
  await answer
}

interface MuxerPair extends AsyncDisposable {
  readonly client: StreamMuxer
  readonly server: StreamMuxer
}

/** Two muxers at the ends of a TCP connection. */
async function muxerPair(): Promise<MuxerPair> {
  const transport = tcp()({ logger: defaultLogger() })
  const accepted = Promise.withResolvers<MultiaddrConnection>()
  const raw = {
    upgradeInbound: async (conn: MultiaddrConnection) => accepted.resolve(conn),
    upgradeOutbound: async (conn: MultiaddrConnection) => conn
  } as unknown as Upgrader
  const listener = transport.createListener({ upgrader: raw })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  const [address] = listener.getAddrs()
  if (address === undefined) throw new Error('the listener has no address')
  const dialled = await transport.dial(address, {
    upgrader: raw,
    signal: AbortSignal.timeout(5_000)
  })
  const conns = [dialled as unknown as MultiaddrConnection, await accepted.promise] as const
  const [client, server] = conns.map(conn => yamux(LIMITS)().createStreamMuxer(conn))
  if (client === undefined || server === undefined) throw new Error('no muxers')
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      for (const conn of conns) conn.abort(new Error('the test is over'))
      await listener.close()
    }
  }
}
