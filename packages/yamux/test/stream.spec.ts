import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Stream, StreamMuxer } from '@libp2p/interface'
import { byteStream, multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@warren/yamux'
import type { YamuxOptions } from '@warren/yamux'

const KiB = 1024

/** Two muxers on an in-memory connection. */
function pair(options: YamuxOptions = {}): { client: StreamMuxer; server: StreamMuxer } {
  const [outbound, inbound] = multiaddrConnectionPair()
  return {
    client: yamux(options)().createStreamMuxer(outbound),
    server: yamux(options)().createStreamMuxer(inbound)
  }
}

async function inboundOf(server: StreamMuxer): Promise<Stream> {
  const [event] = (await once(server, 'stream')) as [CustomEvent<Stream>]
  return event.detail
}

/** Sends until the stream has taken nothing for a while; returns how much it took. */
async function fill(stream: Stream, limit: number): Promise<number> {
  let sent = 0
  for (let quiet = 0; quiet < 5 && sent < limit; ) {
    if (stream.writableNeedsDrain) {
      quiet++
      await new Promise(resolve => setTimeout(resolve, 5))
    } else {
      quiet = 0
      stream.send(new Uint8Array(16 * KiB))
      sent += 16 * KiB
    }
  }
  return sent
}

describe('YamuxStream', () => {
  let client: StreamMuxer
  let server: StreamMuxer

  beforeEach(() => {
    ;({ client, server } = pair())
  })
  afterEach(async () => {
    client.abort(new Error('the test is over'))
    server.abort(new Error('the test is over'))
  })

  const readers: [name: string, stall: (stream: Stream) => unknown][] = [
    ['nobody reads', () => {}],
    [
      'the listener has paused',
      stream => {
        stream.addEventListener('message', () => {})
        stream.pause()
      }
    ],
    [
      'an iterator waits in its loop',
      async stream => {
        for await (const _chunk of stream) await new Promise(() => {})
      }
    ]
  ]
  for (const [name, stall] of readers) {
    it(`stalls its sender when ${name}: no more than the window is held`, async () => {
      const [stream, inbound] = await Promise.all([client.createStream(), inboundOf(server)])
      void stall(inbound)
      const sent = await fill(stream, 64 * 1024 * KiB)
      const held = inbound.readBufferLength
      assert.ok(held <= 256 * KiB, `${held} bytes are held`)
      assert.ok(sent < 1024 * KiB, `${sent} bytes were taken from a sender whose reader stalls`)
      assert.equal(inbound.status, 'open')
    })
  }

  it('goes on when the reader does', async () => {
    const [stream, inbound] = await Promise.all([client.createStream(), inboundOf(server)])
    inbound.pause()
    const sent = await fill(stream, 64 * 1024 * KiB)
    let got = 0
    const all = new Promise<void>(resolve => {
      inbound.addEventListener('message', ({ data }) => {
        got += data.byteLength
        if (got === sent) resolve()
      })
    })
    inbound.resume()
    await all
    await stream.onDrain()
    assert.equal(stream.writableNeedsDrain, false)
  })

  it('delivers what negotiation put back, then the end, to a handler that comes late', async () => {
    const [stream, inbound] = await Promise.all([client.createStream(), inboundOf(server)])
    stream.send(Buffer.from('headbody'))
    await stream.close()
    const bytes = byteStream(inbound)
    assert.equal(Buffer.from((await bytes.read({ bytes: 4 })).subarray()).toString(), 'head')
    bytes.unwrap()
    await new Promise(resolve => setTimeout(resolve, 10))
    const seen: string[] = []
    inbound.addEventListener('message', ({ data }) =>
      seen.push(Buffer.from(data.subarray()).toString())
    )
    await new Promise(resolve => inbound.addEventListener('end', resolve))
    assert.deepEqual(seen, ['body'])
    assert.equal(inbound.readableEnded, true)
  })

  it('tells the end also to a listener that comes after it', async () => {
    const [stream, inbound] = await Promise.all([client.createStream(), inboundOf(server)])
    inbound.addEventListener('message', () => {})
    await stream.close()
    await new Promise(resolve => inbound.addEventListener('end', resolve))
    await new Promise(resolve => inbound.addEventListener('end', resolve))
  })

  it('iterates to the end, and throws the reset of the peer', async () => {
    const [stream, inbound] = await Promise.all([client.createStream(), inboundOf(server)])
    stream.send(Buffer.from('abc'))
    await stream.close()
    const parts: Uint8Array[] = []
    for await (const chunk of inbound) parts.push(chunk.subarray())
    assert.equal(Buffer.concat(parts).toString(), 'abc')
    const [second, secondInbound] = await Promise.all([client.createStream(), inboundOf(server)])
    setTimeout(() => second.abort(Object.assign(new Error('enough'), { resetCode: 0x1002 })), 5)
    await assert.rejects(
      async () => {
        for await (const _chunk of secondInbound) {
          /* until it is reset */
        }
      },
      { name: 'StreamResetError', resetCode: 0x1002 }
    )
  })

  it('is reset, not ended, when its connection goes', async () => {
    const [outbound, inbound] = multiaddrConnectionPair()
    const muxers = [outbound, inbound].map(conn => yamux()().createStreamMuxer(conn))
    const [a, b] = muxers
    assert.ok(a && b)
    const [stream] = await Promise.all([a.createStream(), inboundOf(b)])
    const closed = once(stream, 'close') as Promise<[{ error?: Error }]>
    outbound.abort(new Error('cut'))
    const [event] = await closed
    assert.ok(event.error, 'an unfinished stream must not look finished')
  })

  it('waits with opening at the backlog of unacknowledged streams, in order, and can be called off', async () => {
    const [outbound] = multiaddrConnectionPair()
    const lonely = yamux({ ackBacklog: 3 })().createStreamMuxer(outbound)
    await Promise.all([1, 2, 3].map(async () => lonely.createStream()))
    const controller = new AbortController()
    const fourth = lonely.createStream({ signal: controller.signal })
    controller.abort(new Error('no more'))
    await assert.rejects(fourth, { message: 'no more' })
    lonely.abort(new Error('the test is over'))
    await assert.rejects(lonely.createStream(), { name: 'MuxerClosedError' })
  })

  it('opens 2,000 streams beyond the backlog when the peer acknowledges them', async () => {
    ;({ client, server } = pair({ maxInboundStreams: 5000, maxOutboundStreams: 5000 }))
    let seen = 0
    server.addEventListener('stream', () => seen++)
    await Promise.all(Array.from({ length: 2000 }, async () => client.createStream()))
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(seen, 2000)
  })

  it('refuses options that make no sense', () => {
    for (const options of [
      { ackBacklog: 0 },
      { maxStreamWindowSize: 1000 },
      { keepAliveInterval: -1 },
      { glitchBurst: 1.5 }
    ]) {
      assert.throws(() => yamux(options), { code: 'ERR_YAMUX_OPTION' })
    }
  })
})
