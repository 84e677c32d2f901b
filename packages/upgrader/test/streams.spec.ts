import assert from 'node:assert/strict'
import type {
  Connection,
  MultiaddrConnection,
  Stream,
  StreamCloseEvent,
  TypedEventTarget
} from '@libp2p/interface'
import { StreamResetError, isConnection } from '@libp2p/interface'
import * as mss from '@libp2p/multistream-select'
import { mplex } from '@libp2p/mplex'
import { yamux } from '@libp2p/yamux'
import { startStreams } from '../src/index.ts'
import { connect, echo, never, rawPair, readAll, roundTrip } from './support/pair.ts'
import { MUXERS, createPeer } from './support/peer.ts'
import type { Peer } from './support/peer.ts'
import { until } from './support/tcp.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array): string => new TextDecoder().decode(data)
const closed = async (
  target: TypedEventTarget<{ close: StreamCloseEvent }>
): Promise<Error | undefined> =>
  new Promise(resolve => target.addEventListener('close', ({ error }) => resolve(error)))

describe('capable conn', () => {
  let a: Peer
  let b: Peer
  const open: Connection[] = []

  beforeEach(async () => {
    ;[a, b] = await Promise.all([createPeer(), createPeer()])
  })

  afterEach(() => {
    for (const connection of open.splice(0)) connection.abort(new Error('the test is over'))
  })

  async function joined(from = a, to = b) {
    const pair = await connect(from, to)
    open.push(pair.outbound, pair.inbound)
    return pair
  }

  /** Upgrades both ends and starts the dialler only. */
  async function unstarted(from = a, to = b) {
    // Roomy, so that no answer has to wait for another's `drain`.
    const raw = rawPair(undefined, undefined, 1_000)
    const [outbound, , inbound] = await Promise.all([
      from.upgrader.upgradeOutbound(raw.outbound, { signal: never() }),
      to.upgrader.upgradeInbound(raw.inbound, { signal: never() }),
      to.upgrader.queue.accept()
    ])
    startStreams(outbound)
    open.push(outbound, inbound)
    return { outbound, inbound }
  }

  it('is what libp2p calls a connection', async () => {
    const { outbound, inbound } = await joined()
    for (const connection of [outbound, inbound]) {
      assert.ok(isConnection(connection))
      assert.equal(connection.status, 'open')
      assert.equal(connection.encryption, '/noise')
      assert.equal(connection.multiplexer, '/yamux/1.0.0')
      assert.equal(connection.direct, true)
      assert.equal(connection.limits, undefined)
      assert.ok((connection.timeline.upgraded ?? 0) >= connection.timeline.open)
    }
    assert.equal(outbound.direction, 'outbound')
    assert.equal(inbound.direction, 'inbound')
    assert.equal(inbound.remoteAddr.toString(), `/ip4/127.0.0.1/tcp/4321/p2p/${a.id.toString()}`)
    assert.notEqual(outbound.id, inbound.id)
  })

  it('keeps streams that come early, paused and in order, until it is started', async () => {
    const { outbound, inbound } = await unstarted()
    const handled: string[] = []
    const note = (stream: Stream): void => {
      handled.push(stream.id)
      echo(stream)
    }
    b.registrar.handle('/note', note, { maxInboundStreams: 100 })
    // More than the ten that stock muxers keep without a listener.
    const opening = Array.from({ length: 40 }, async () => outbound.newStream('/note'))
    await until(
      () =>
        inbound.streams.length === 40 && inbound.streams.every(held => held.readBufferLength > 0)
    )
    const held = [...inbound.streams]
    assert.deepEqual(handled, [])
    for (const { readStatus, protocol } of held) {
      assert.equal(readStatus, 'paused')
      assert.equal(protocol, '')
    }
    startStreams(inbound)
    startStreams(inbound)
    await Promise.all(opening)
    assert.deepEqual(
      handled,
      held.map(({ id }) => id)
    )
    assert.equal(
      text(await roundTrip(outbound, '/note', bytes('and later ones'))),
      'and later ones'
    )
  })

  it('keeps no more early streams than it may, and aborts the others', async () => {
    b = await createPeer({ maxHeldStreams: 3 })
    b.registrar.handle('/echo', echo)
    const { outbound, inbound } = await unstarted()
    const results = Promise.allSettled(
      Array.from({ length: 5 }, async () => outbound.newStream('/echo'))
    )
    await until(() => outbound.streams.length === 3)
    startStreams(inbound)
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']
    )
  })

  it('holds a sender back while its connection waits to be taken', async () => {
    const { outbound, inbound } = await unstarted()
    b.registrar.handle('/sink', readAllQuietly)
    const opening = outbound.newStream('/sink')
    await until(() => inbound.streams.length === 1)
    const [held] = inbound.streams
    const [sending] = outbound.streams
    assert.ok(held !== undefined && sending !== undefined)
    for (let i = 0; i < 16; i++) sending.send(new Uint8Array(65_536))
    await until(() => held.readBufferLength >= 262_144)
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(held.readBufferLength, 262_144)
    assert.equal(held.status, 'open')
    const ended = assert.rejects(opening)
    outbound.abort(new Error('over'))
    await ended
  })

  it('negotiates the first protocol that the peer speaks', async () => {
    const { outbound } = await joined()
    b.registrar.handle('/echo/1', echo)
    const stream = await outbound.newStream(['/echo/2', '/echo/1'])
    assert.equal(stream.protocol, '/echo/1')
    await assert.rejects(outbound.newStream('/nothing'), { name: 'UnsupportedProtocolError' })
    await assert.rejects(outbound.newStream(['/no', '/nothing']), {
      name: 'UnsupportedProtocolError'
    })
    await until(() => outbound.streams.length === 1)
  })

  it('gives a stream up when its signal fires or its time is over', async () => {
    a = await createPeer({ streamNegotiationTimeout: 40 })
    const { outbound } = await unstarted()
    const reason = new Error('never mind')
    const controller = new AbortController()
    const opening = outbound.newStream('/echo', { signal: controller.signal })
    await until(() => outbound.streams.length === 1)
    controller.abort(reason)
    await assert.rejects(opening, error => error === reason)
    await assert.rejects(outbound.newStream('/echo'), { code: 'ERR_STREAM_NEGOTIATION_TIMEOUT' })
    await assert.rejects(
      outbound.newStream('/echo', { signal: AbortSignal.abort(reason) }),
      /never/
    )
    assert.equal(outbound.streams.length, 0)
    assert.equal(outbound.status, 'open')
  })

  it('aborts an inbound stream that never says its protocol', async () => {
    b = await createPeer({ streamNegotiationTimeout: 30 })
    b.registrar.handle('/echo', echo)
    const raw = rawPair()
    const accepted = b.upgrader.queue.accept()
    void b.upgrader.upgradeInbound(raw.inbound, { signal: never() })
    const muxer = await muxerOf(raw.outbound)
    const inbound = await accepted
    open.push(inbound)
    startStreams(inbound)
    const stream = await muxer.createStream()
    await until(() => inbound.streams.length === 1)
    await closed(stream)
    assert.equal(inbound.streams.length, 0)
    assert.equal(inbound.status, 'open')
  })

  it('limits the streams of each protocol, either direction, and counts exactly', async () => {
    b.registrar.handle('/echo', echo, { maxInboundStreams: 2 })
    b.registrar.handle('/free', echo)
    const { outbound, inbound } = await joined()
    const [one, two] = await Promise.all([outbound.newStream('/echo'), outbound.newStream('/echo')])
    // Reset, either before the peer's answer has left or right behind it.
    await assert.rejects(
      async () => {
        const third = await outbound.newStream('/echo')
        await until(() => third.status === 'reset')
        throw new StreamResetError()
      },
      { name: 'StreamResetError' }
    )
    await roundTrip(outbound, '/free', bytes('x'))
    await one.close()
    await until(() => inbound.streams.filter(s => s.protocol === '/echo').length === 1)
    assert.equal(text(await roundTrip(outbound, '/echo', bytes('y'))), 'y')
    two.abort(new Error('over'))

    const limited = { maxOutboundStreams: 1 }
    const only = await outbound.newStream('/free', limited)
    await assert.rejects(outbound.newStream('/free', limited), {
      name: 'TooManyOutboundProtocolStreamsError'
    })
    await assert.rejects(outbound.newStream(['/none', '/free'], limited), {
      name: 'TooManyOutboundProtocolStreamsError'
    })
    const ended = closed(only)
    await only.close()
    await ended
    await (await outbound.newStream('/free', limited)).close()
  })

  it('gives the place of a stream back that could not be opened', async () => {
    a = await createPeer({ muxers: [yamux({ maxOutboundStreams: 1 })] })
    b.registrar.handle('/echo', echo)
    const { outbound } = await joined()
    const only = await outbound.newStream('/echo', { maxOutboundStreams: 2 })
    for (let i = 0; i < 3; i++) {
      await assert.rejects(
        outbound.newStream('/echo', { maxOutboundStreams: 2 }),
        /max outbound streams exceeded/
      )
    }
    await only.close()
    await until(() => outbound.streams.length === 0)
    await outbound.newStream('/echo', { maxOutboundStreams: 2 })
  })

  it('has room for 64 outbound and 32 inbound streams of a protocol by default', async () => {
    b.registrar.handle('/echo', echo, { maxInboundStreams: 100 })
    a.registrar.handle('/few', echo)
    const { outbound, inbound } = await joined()
    for (let i = 0; i < 64; i++) await outbound.newStream('/echo')
    await assert.rejects(outbound.newStream('/echo'), {
      name: 'TooManyOutboundProtocolStreamsError'
    })
    for (let i = 0; i < 32; i++) await inbound.newStream('/few')
    const over = await inbound.newStream('/few')
    await until(() => over.status === 'reset')
  })

  it('opens on limited connections only what may run there, both ends', async () => {
    b.registrar.handle('/echo', echo)
    b.registrar.handle('/limited', echo, { runOnLimitedConnection: true })
    const raw = rawPair()
    const limits = { seconds: 10 }
    const [outbound, , inbound] = await Promise.all([
      a.upgrader.upgradeOutbound(raw.outbound, { signal: never(), limits }),
      b.upgrader.upgradeInbound(raw.inbound, { signal: never(), limits }),
      b.upgrader.queue.accept()
    ])
    open.push(outbound, inbound)
    startStreams(inbound)
    assert.deepEqual([outbound.limits, inbound.limits], [limits, limits])
    await assert.rejects(outbound.newStream('/limited'), { name: 'LimitedConnectionError' })
    const options = { runOnLimitedConnection: true }
    const refused = await outbound.newStream('/echo', options)
    await until(() => refused.status === 'reset')
    const stream = await outbound.newStream('/limited', options)
    assert.equal(stream.protocol, '/limited')
  })

  it('aborts the stream whose handler fails, and nothing else', async () => {
    b.registrar.handle('/throws', () => {
      throw new Error('sync')
    })
    b.registrar.handle('/rejects', async () => {
      await Promise.resolve()
      throw new Error('async')
    })
    b.registrar.handle('/echo', echo)
    const { outbound, inbound } = await joined()
    for (const protocol of ['/throws', '/rejects']) {
      const stream = await outbound.newStream(protocol)
      await until(() => stream.status === 'reset')
    }
    assert.equal(inbound.status, 'open')
    assert.equal(text(await roundTrip(outbound, '/echo', bytes('still here'))), 'still here')
  })

  it('calls each handler once per stream, whatever the middleware', async () => {
    const calls: string[] = []
    b.registrar.use('/echo', [
      (stream, connection, next) => {
        calls.push('first')
        next(stream, connection)
      },
      async (stream, connection, next) => {
        await Promise.resolve()
        calls.push('second')
        next(stream, connection)
      }
    ])
    a.registrar.use('/echo', [
      (stream, connection, next) => {
        calls.push('outbound')
        next(stream, connection)
      }
    ])
    b.registrar.handle('/echo', stream => {
      calls.push('handler')
      echo(stream)
    })
    const { outbound } = await joined()
    for (let i = 0; i < 4; i++) await roundTrip(outbound, '/echo', bytes('x'))
    assert.equal(calls.filter(call => call === 'handler').length, 4)
    assert.equal(calls.filter(call => call === 'outbound').length, 4)
    assert.deepEqual(calls.filter(call => call !== 'outbound').slice(0, 3), [
      'first',
      'second',
      'handler'
    ])
    assert.equal(b.registrar.getMiddleware('/echo').length, 2)

    b.registrar.use('/echo', [
      () => {
        throw new Error('no')
      }
    ])
    const stream = await outbound.newStream('/echo')
    await until(() => stream.status === 'reset')
  })

  it('tells the peer store and the metrics what it should', async () => {
    const merged: string[] = []
    const tracked: string[] = []
    const conns: MultiaddrConnection[] = []
    const store = {
      merge: async (peer: unknown, { protocols = [] }: { protocols?: string[] }) => {
        merged.push(`${String(peer)} ${protocols.join()}`)
        if (protocols.includes('/broken')) throw new Error('disk full')
      }
    }
    b = await createPeer({
      peerStore: store as never,
      metrics: {
        trackMultiaddrConnection: conn => void conns.push(conn),
        trackProtocolStream: stream => void tracked.push(stream.protocol)
      }
    })
    b.registrar.handle('/echo', echo)
    b.registrar.handle('/broken', echo)
    const { outbound } = await joined()
    await roundTrip(outbound, '/echo', bytes('x'))
    await roundTrip(outbound, '/echo', bytes('x'))
    assert.equal(text(await roundTrip(outbound, '/broken', bytes('z'))), 'z')
    assert.deepEqual(merged, [`${a.id.toString()} /echo`, `${a.id.toString()} /broken`])
    assert.deepEqual(tracked, ['/echo', '/echo', '/broken'])
    assert.equal(conns.length, 1)
  })

  it('reports the progress of upgrades and streams', async () => {
    const events: string[] = []
    const onProgress = ({ type }: { type: string }): void => void events.push(type)
    b.registrar.handle('/echo', echo)
    b = await createPeer({ muxers: [MUXERS.yamux, MUXERS.mplex] })
    b.registrar.handle('/echo', echo)
    const raw = rawPair()
    const [outbound] = await Promise.all([
      a.upgrader.upgradeOutbound(raw.outbound, { signal: never(), onProgress }),
      b.upgrader.upgradeInbound(raw.inbound, { signal: never() })
    ])
    const inbound = await b.upgrader.queue.accept()
    open.push(outbound, inbound)
    startStreams(inbound)
    await outbound.newStream('/echo', { onProgress })
    assert.deepEqual(events, [
      'upgrader:encrypt-outbound-connection',
      'upgrader:multiplex-outbound-connection',
      'connection:open-stream',
      'connection:opened-stream'
    ])
  })

  describe('ends', () => {
    for (const [name, muxer] of Object.entries(MUXERS)) {
      it(`in peace over ${name}: streams first, then 'close' once, at both ends`, async () => {
        ;[a, b] = await Promise.all([
          createPeer({ muxers: [muxer] }),
          createPeer({ muxers: [muxer] })
        ])
        b.registrar.handle('/echo', echo)
        const { outbound, inbound } = await joined()
        const order: string[] = []
        for (const connection of [outbound, inbound]) {
          connection.addEventListener('close', ({ error }) => {
            assert.equal(error, undefined)
            order.push(connection.direction)
          })
        }
        const stream = await outbound.newStream('/echo')
        const received = readAll(stream)
        stream.addEventListener('close', () => order.push('stream'))
        stream.send(bytes('last words'))
        const other = closed(inbound)
        await Promise.all([outbound.close(), outbound.close(), other])
        await outbound.close()
        assert.equal(text(await received), 'last words')
        assert.deepEqual([outbound.status, inbound.status], ['closed', 'closed'])
        assert.deepEqual([outbound.streams.length, inbound.streams.length], [0, 0])
        assert.deepEqual(order.toSorted(), ['inbound', 'outbound', 'stream'])
        assert.ok(order.indexOf('stream') < order.indexOf('outbound'))
        await assert.rejects(outbound.newStream('/echo'), { name: 'ConnectionClosedError' })
      })
    }

    it('by abort: at once, with every stream, and once', async () => {
      b.registrar.handle('/echo', echo)
      const { outbound, inbound } = await joined()
      const stream = await outbound.newStream('/echo')
      let closes = 0
      outbound.addEventListener('close', () => closes++)
      const streamEnd = closed(stream)
      const error = new Error('enough')
      outbound.abort(error)
      outbound.abort(error)
      assert.equal(await streamEnd, error)
      assert.equal(outbound.status, 'aborted')
      assert.equal(outbound.streams.length, 0)
      await until(() => inbound.status !== 'open')
      assert.equal(inbound.streams.length, 0)
      assert.equal(closes, 1)
    })

    it('aborts what does not close in time', async () => {
      a = await createPeer({ closeTimeout: 30 })
      b.registrar.handle('/stays', () => {})
      const { outbound } = await joined()
      const stream = await outbound.newStream('/stays')
      const end = closed(stream)
      await outbound.close()
      assert.equal(outbound.status, 'aborted')
      assert.ok(await end)
    })

    it('rejects with the reason of a signal that gives up the closing, and aborts', async () => {
      b.registrar.handle('/stays', () => {})
      const { outbound } = await joined()
      await outbound.newStream('/stays')
      const controller = new AbortController()
      const closing = outbound.close({ signal: controller.signal })
      assert.equal(outbound.status, 'closing')
      const reason = new Error('no time')
      controller.abort(reason)
      await assert.rejects(closing, error => error === reason)
      await until(() => outbound.status === 'aborted')
    })

    it('takes no streams while it closes', async () => {
      b.registrar.handle('/stays', () => {})
      a.registrar.handle('/echo', echo)
      const { outbound, inbound } = await joined()
      await outbound.newStream('/stays')
      void outbound.close().catch(() => {})
      await assert.rejects(outbound.newStream('/stays'), { name: 'ConnectionClosedError' })
      await assert.rejects(inbound.newStream('/echo'))
      outbound.abort(new Error('over'))
    })

    it('ends when its muxer does', async () => {
      const strict = mplex({ disconnectThreshold: 3 })
      ;[a, b] = await Promise.all([
        createPeer({ muxers: [MUXERS.mplex] }),
        createPeer({ muxers: [strict] })
      ])
      b.registrar.handle('/echo', echo)
      const { outbound, inbound } = await joined()
      const ended = closed(inbound)
      await Promise.allSettled(Array.from({ length: 10 }, async () => outbound.newStream('/echo')))
      await ended
      assert.equal(inbound.status, 'aborted')
      await until(() => outbound.status !== 'open')
    })

    it('carries no streams without a muxer, and says so', async () => {
      ;[a, b] = await Promise.all([createPeer({ muxers: [] }), createPeer({ muxers: [] })])
      const { outbound } = await joined()
      assert.equal(outbound.multiplexer, undefined)
      assert.deepEqual(outbound.streams, [])
      await assert.rejects(outbound.newStream('/echo'), { code: 'ERR_CONNECTION_NOT_MUXED' })
      await outbound.close()
      assert.equal(outbound.status, 'closed')
    })
  })
})

async function readAllQuietly(stream: Stream): Promise<void> {
  await readAll(stream).catch(() => {})
}

/** The muxer of a peer that is made of stock parts alone. */
async function muxerOf(conn: MultiaddrConnection) {
  const peer = await createPeer()
  await mss.select(conn, '/noise')
  const [encrypter] = peer.upgrader.getConnectionEncrypters().values()
  const secured = await encrypter?.secureOutbound(conn, { skipStreamMuxerNegotiation: true })
  assert.ok(secured !== undefined)
  await mss.select(secured.connection, '/yamux/1.0.0')
  const [factory] = peer.upgrader.getStreamMuxers().values()
  assert.ok(factory !== undefined)
  return factory.createStreamMuxer(secured.connection)
}
