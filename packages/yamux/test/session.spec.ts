import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  FLAG,
  FRAME,
  GO_AWAY,
  INITIAL_WINDOW,
  MAX_DATA_BYTES,
  RESET
} from '../src/core/constants.ts'
import { Core, frame } from './pair.ts'

const { syn, ack, fin, rst } = FLAG
const KiB = 1024

function types(core: Core): string[] {
  return core.events.map(event => event.type)
}

/** Feeds and returns the error that ended the session. */
function failure(core: Core, bytes: Uint8Array): { code: string } {
  try {
    core.session.receive(bytes, 0)
  } catch (error) {
    return error as { code: string }
  }
  throw new Error('nothing was thrown')
}

/** The GOAWAY code in the output. */
function goAwayCode(core: Core): number {
  const out = Buffer.from(core.output())
  assert.equal(out[1], FRAME.goAway)
  return out.readUInt32BE(8)
}

describe('YamuxSession', () => {
  it('opens with the first bytes in one frame, acknowledges, and closes both ways', () => {
    const client = new Core('client')
    const server = new Core('server')
    const stream = client.session.open()
    client.session.write(stream, Buffer.from('hello'))
    client.session.end(stream)
    const out = client.output()
    assert.deepEqual(
      Buffer.from(out),
      Buffer.concat([
        frame(FRAME.data, syn, 1, 5, Buffer.from('hello')),
        frame(FRAME.windowUpdate, fin, 1, 0)
      ])
    )
    server.session.receive(out, 0)
    assert.deepEqual(types(server), ['opened', 'data', 'ended'])
    const [inbound] = server.session.streams.values()
    assert.ok(inbound)
    server.session.end(inbound)
    const answer = server.output()
    assert.deepEqual(Buffer.from(answer), frame(FRAME.windowUpdate, ack | fin, 1, 0))
    client.session.receive(answer, 0)
    assert.deepEqual(types(client), ['endSent', 'acknowledged', 'ended'])
    for (const core of [client, server]) {
      assert.deepEqual(core.session.debug(), {
        streams: 0,
        inbound: 0,
        unacknowledged: 0,
        held: 0,
        control: 0,
        scheduled: 0
      })
      assert.equal(core.budget.held, 0)
    }
  })

  it('gives the same events for every split of a transcript', () => {
    const transcript = Buffer.concat([
      frame(FRAME.windowUpdate, syn, 1, 0),
      frame(FRAME.data, 0, 1, 3, Buffer.from('abc')),
      frame(FRAME.ping, syn, 0, 7),
      frame(FRAME.data, syn | fin, 3, 2, Buffer.from('de')),
      frame(FRAME.windowUpdate, 0, 1, 1000),
      frame(FRAME.data, fin, 1, 0),
      frame(FRAME.goAway, 0, 0, 0)
    ])
    const summary = (core: Core): unknown => [
      core.bytesOf(1).toString(),
      core.bytesOf(3).toString(),
      core.events.filter(e => e.type !== 'data'),
      Buffer.from(core.output()).toString('hex')
    ]
    const whole = new Core('server')
    whole.session.receive(transcript, 0)
    const expected = summary(whole)
    for (let split = 1; split < transcript.length; split++) {
      const core = new Core('server')
      core.session.receive(transcript.subarray(0, split), 0)
      core.session.receive(transcript.subarray(split), 0)
      assert.deepEqual(summary(core), expected, `split at ${split}`)
    }
    const bytewise = new Core('server')
    for (const byte of transcript) bytewise.session.receive(Uint8Array.of(byte), 0)
    assert.deepEqual(summary(bytewise), expected)
  })

  it('grants credit for what was read, and only then', () => {
    const server = new Core('server')
    server.session.receive(frame(FRAME.data, syn, 1, 200 * KiB, Buffer.alloc(200 * KiB)), 0)
    const [stream] = server.session.streams.values()
    assert.ok(stream)
    assert.deepEqual(Buffer.from(server.output()), frame(FRAME.windowUpdate, ack, 1, 0))
    assert.equal(stream.unread + stream.credit, INITIAL_WINDOW)
    server.session.taken(stream, 100 * KiB, 1)
    assert.equal(server.output().length, 0, 'less than half a window is not worth a frame')
    server.session.taken(stream, 100 * KiB, 2)
    assert.equal(stream.credit, INITIAL_WINDOW)
    const out = Buffer.from(server.output())
    assert.equal(out[1], FRAME.ping, 'the round trip is measured when credit starts to flow')
    assert.deepEqual(out.subarray(12), frame(FRAME.windowUpdate, 0, 1, 200 * KiB))
  })

  it('counts bytes put back as unread', () => {
    const server = new Core('server')
    server.session.receive(frame(FRAME.data, syn, 1, 200 * KiB, Buffer.alloc(200 * KiB)), 0)
    const [stream] = server.session.streams.values()
    assert.ok(stream)
    server.session.taken(stream, 100 * KiB, 1)
    server.session.putBack(stream, 100 * KiB)
    server.session.taken(stream, 100 * KiB, 1)
    assert.equal(server.session.heldBytes, 100 * KiB)
    assert.ok(stream.unread + stream.credit <= INITIAL_WINDOW)
  })

  it('grows a window that is used up within four round trips, up to its maximum', () => {
    const server = new Core('server', { maxStreamWindowSize: 1024 * KiB })
    server.onData = (stream, bytes) => server.session.taken(stream, bytes.length, now)
    let now = 0
    server.session.receive(frame(FRAME.windowUpdate, syn, 1, 0), now)
    const [stream] = server.session.streams.values()
    assert.ok(stream)
    const windows: number[] = []
    for (let round = 0; round < 12; round++) {
      now += 10
      server.session.receive(
        frame(FRAME.data, 0, 1, stream.credit, Buffer.alloc(stream.credit)),
        now
      )
      windows.push(stream.window / KiB)
      const out = Buffer.from(server.output())
      for (let at = 0; at < out.length; at += 12) {
        if (out[at + 1] === FRAME.ping)
          server.session.receive(frame(FRAME.ping, ack, 0, out.readUInt32BE(at + 8)), now + 5)
      }
    }
    assert.equal(windows.at(-1), 1024)
    assert.ok(windows.includes(512))
    now += 60_000
    assert.equal(stream.window, 1024 * KiB)
  })

  it('lets streams take turns, control frames first', () => {
    const client = new Core('client')
    const [a, b] = [client.session.open(), client.session.open()]
    client.session.write(a, Buffer.alloc(3 * MAX_DATA_BYTES, 'a'))
    client.session.write(b, Buffer.alloc(2 * MAX_DATA_BYTES, 'b'))
    client.session.goAway(GO_AWAY.normal)
    const out = Buffer.from(client.output())
    const order: string[] = []
    for (let at = 0; at < out.length; ) {
      const type = out[at + 1]
      order.push(`${type}:${out.readUInt32BE(at + 4)}`)
      at += 12 + (type === FRAME.data ? out.readUInt32BE(at + 8) : 0)
    }
    assert.deepEqual(order, ['3:0', '0:1', '0:3', '0:1', '0:3', '0:1'])
  })

  it('sends no more than the window, and the end after the data', () => {
    const client = new Core('client')
    const stream = client.session.open()
    client.session.write(stream, Buffer.alloc(INITIAL_WINDOW + 10))
    client.session.end(stream)
    assert.equal(
      client.output().length,
      INITIAL_WINDOW + 12 * Math.ceil(INITIAL_WINDOW / MAX_DATA_BYTES)
    )
    assert.deepEqual(types(client), [])
    client.session.receive(frame(FRAME.windowUpdate, ack, 1, 100), 0)
    assert.deepEqual(
      Buffer.from(client.output()),
      Buffer.concat([
        frame(FRAME.data, 0, 1, 10, Buffer.alloc(10)),
        frame(FRAME.windowUpdate, fin, 1, 0)
      ])
    )
    assert.deepEqual(types(client), ['acknowledged', 'endSent'])
  })

  it('tells the code of a reset, and lets go of what it held', () => {
    const server = new Core('server')
    server.session.receive(frame(FRAME.data, syn, 1, 9, Buffer.alloc(9)), 0)
    server.session.receive(frame(FRAME.windowUpdate, rst, 1, 0x1005), 0)
    assert.deepEqual(server.events.at(-1), { type: 'reset', id: 1, code: 0x1005 })
    assert.equal(server.session.heldBytes, 0)
    assert.equal(server.session.streams.size, 0)
  })

  it('never tells the peer of a stream that is reset before its SYN left', () => {
    const client = new Core('client')
    client.session.reset(client.session.open(), 5)
    assert.equal(client.output().length, 0)
    assert.equal(client.session.unacknowledged, 0)
  })

  describe('liveness', () => {
    it('pings after silence and gives up after the misses; any byte is a sign of life', () => {
      const core = new Core('client', { keepAliveInterval: 100, keepAliveMisses: 2 })
      core.session.onTimer(99)
      assert.equal(core.output().length, 0)
      core.session.onTimer(100)
      assert.equal(core.output().length, 12)
      core.session.receive(Uint8Array.of(0), 150)
      core.session.onTimer(200)
      assert.equal(core.output().length, 0)
      core.session.onTimer(250)
      core.session.onTimer(350)
      assert.equal(core.output().length, 24)
      assert.throws(() => core.session.onTimer(450), { code: 'ERR_YAMUX_KEEPALIVE' })
      assert.equal(core.session.nextTimeout(), Infinity)
    })

    it('does not give a peer up because this process slept', () => {
      const core = new Core('client', { keepAliveInterval: 100, keepAliveMisses: 2 })
      core.session.onTimer(100_000)
      assert.ok(core.session.nextTimeout() > 100_000)
    })
  })

  describe('hostile input', () => {
    const cases: [name: string, bytes: Buffer][] = [
      ['an unknown version', Buffer.concat([Buffer.of(1), frame(0, syn, 1, 0).subarray(1)])],
      ['an unknown type', frame(9, 0, 0, 0)],
      ['a ping on a stream', frame(FRAME.ping, syn, 1, 0)],
      ['a ping with strange flags', frame(FRAME.ping, fin, 0, 0)],
      ['data on stream 0', frame(FRAME.data, 0, 0, 0)],
      ['an id of our side', frame(FRAME.windowUpdate, syn, 2, 0)],
      ['a stream opened twice', Buffer.concat([frame(1, syn, 1, 0), frame(1, syn, 1, 0)])],
      ['a length of 4 GiB with SYN', frame(FRAME.data, syn, 1, 0xffffffff)],
      ['one byte over the window with SYN', frame(FRAME.data, syn, 1, INITIAL_WINDOW + 1)],
      [
        'one byte over the window later',
        Buffer.concat([frame(1, syn, 1, 0), frame(0, 0, 1, INITIAL_WINDOW + 1)])
      ],
      [
        'a window past 2^32',
        Buffer.concat([frame(1, syn, 1, 0xffffffff), frame(1, 0, 1, 0xffffffff)])
      ],
      [
        'data after the end',
        Buffer.concat([frame(1, syn | fin, 1, 0), frame(0, 0, 1, 1, Buffer.of(1))])
      ]
    ]
    for (const [name, bytes] of cases) {
      it(`${name}: GOAWAY "protocol error", nothing kept`, () => {
        const core = new Core('server')
        assert.equal(failure(core, bytes).code, 'ERR_YAMUX_PROTOCOL')
        assert.equal(goAwayCode(core), GO_AWAY.protocolError)
        assert.equal(core.session.heldBytes, 0)
        core.session.receive(frame(FRAME.windowUpdate, syn, 5, 0), 0)
        assert.equal(core.events.filter(e => e.type === 'opened' && e.id === 5).length, 0)
      })
    }

    const floods: [name: string, make: (i: number) => Buffer][] = [
      ['pings with strange answers', i => frame(FRAME.ping, ack, 0, i)],
      ['empty data', () => frame(FRAME.data, 0, 1, 0)],
      ['credit of nothing', () => frame(FRAME.windowUpdate, 0, 1, 0)],
      ['frames for streams that never were', i => frame(FRAME.windowUpdate, 0, 1001 + 2 * i, 1)],
      ['data for streams that never were', i => frame(0, 0, 1001 + 2 * i, 1, Buffer.of(1))],
      [
        'streams opened and reset',
        i => Buffer.concat([frame(1, syn, 3 + 2 * i, 0), frame(1, rst, 3 + 2 * i, 0)])
      ]
    ]
    for (const [name, make] of floods) {
      it(`a flood of ${name} ends the connection before 10,000 frames`, () => {
        const core = new Core('server')
        core.session.receive(frame(FRAME.windowUpdate, syn, 1, 0), 0)
        let sent = 0
        assert.throws(
          () => {
            for (; sent < 10_000; sent++) {
              core.session.receive(make(sent), 0)
              core.output()
            }
          },
          { code: 'ERR_YAMUX_FLOOD' }
        )
        assert.ok(sent >= 1000, `honest use was cut off after ${sent}`)
      })
    }

    it('a million pings from a peer that does not read: 32 answers wait, then the connection ends', () => {
      const core = new Core('server')
      const pings = Buffer.concat(
        Array.from({ length: 1000 }, (_, i) => frame(FRAME.ping, syn, 0, i))
      )
      core.session.receive(pings, 0)
      assert.equal(core.output().length, 32 * 12)
      let batches = 1
      assert.throws(
        () => {
          for (; batches < 1000; batches++) core.session.receive(pings, 0)
        },
        { code: 'ERR_YAMUX_FLOOD' }
      )
      assert.ok(batches < 3, `${batches} batches were taken`)
      assert.equal(goAwayCode(core), GO_AWAY.resourceLimit)
    })

    it('data on the credit of streams that we have reset is no flood', () => {
      const core = new Core('server', { maxInboundStreams: 1 })
      core.session.receive(frame(1, syn, 1, 0), 0)
      core.session.receive(frame(1, syn, 3, 0), 0)
      const stream = core.session.streams.get(1) ?? assert.fail('no stream')
      core.session.reset(stream, 0)
      for (let i = 0; i < 2 * INITIAL_WINDOW; i++) {
        core.session.receive(frame(0, 0, i % 2 === 0 ? 1 : 3, 1, Buffer.of(1)), 0)
      }
      assert.equal(core.session.heldBytes, 0)
      assert.throws(
        () => {
          for (let i = 0; i < 2000; i++) core.session.receive(frame(0, 0, 1, 1, Buffer.of(1)), 0)
        },
        { code: 'ERR_YAMUX_FLOOD' }
      )
    })

    it('a peer that pings and reads the answers goes on', () => {
      const core = new Core('server')
      for (let i = 0; i < 10_000; i++) {
        core.session.receive(frame(FRAME.ping, syn, 0, i), 0)
        assert.deepEqual(Buffer.from(core.output()), frame(FRAME.ping, ack, 0, i))
      }
    })

    it('streams beyond the limit are reset with "resource limit", and without end they end the connection', () => {
      const core = new Core('server', { maxInboundStreams: 10 })
      for (let i = 0; i < 10; i++) core.session.receive(frame(1, syn, 1 + 2 * i, 0), 0)
      core.output()
      core.session.receive(frame(1, syn, 101, 0), 0)
      assert.deepEqual(Buffer.from(core.output()), frame(1, rst, 101, RESET.resourceLimit))
      assert.equal(core.session.streams.size, 10)
      assert.throws(
        () => {
          for (let i = 0; i < 10_000; i++) core.session.receive(frame(1, syn, 201 + 2 * i, 0), 0)
        },
        { code: 'ERR_YAMUX_FLOOD' }
      )
    })

    it('at the limit of the connection the stream that holds most is reset, the others go on', () => {
      const core = new Core('server', { maxConnectionBuffer: 300 * KiB })
      core.session.receive(frame(FRAME.data, syn, 1, 50 * KiB, Buffer.alloc(50 * KiB)), 0)
      core.session.receive(frame(FRAME.data, syn, 3, 200 * KiB, Buffer.alloc(200 * KiB)), 0)
      core.session.receive(frame(FRAME.data, syn, 5, 60 * KiB, Buffer.alloc(60 * KiB)), 0)
      assert.deepEqual([...core.session.streams.keys()], [1, 5])
      assert.deepEqual(core.events.at(-1), { type: 'reset', id: 3, code: RESET.resourceLimit })
      assert.equal(core.session.heldBytes, 110 * KiB)
      assert.equal(core.budget.held, 110 * KiB)
    })

    it('any bytes end in events or a coded error, with bounded state', () => {
      const edge = fc.constantFrom(
        0,
        1,
        2,
        255,
        65_535,
        INITIAL_WINDOW,
        INITIAL_WINDOW + 1,
        2 ** 31,
        2 ** 32 - 1
      )
      const anyFrame = fc
        .tuple(
          fc.integer({ min: 0, max: 4 }),
          fc.integer({ min: 0, max: 15 }),
          fc.oneof(fc.integer({ min: 0, max: 9 }), edge),
          fc.oneof(fc.integer({ min: 0, max: 40 }), edge)
        )
        .map(([type, flags, id, length]) =>
          frame(
            type,
            flags,
            id,
            length,
            type === 0 ? Buffer.alloc(Math.min(length, 64)) : undefined
          )
        )
      fc.assert(
        fc.property(
          fc.constantFrom('client' as const, 'server' as const),
          fc.array(anyFrame, { maxLength: 30 }),
          (role, frames) => {
            const core = new Core(role, { maxInboundStreams: 4 })
            core.session.open()
            try {
              for (const bytes of frames) core.session.receive(bytes, 0)
            } catch (error) {
              assert.match((error as { code: string }).code, /^ERR_YAMUX_(PROTOCOL|FLOOD|GO_AWAY)$/)
            }
            for (const stream of core.session.streams.values()) {
              assert.ok(stream.unread + stream.credit <= stream.window)
              assert.ok(stream.sendWindow >= 0 && stream.sendWindow <= 0xffffffff)
            }
            core.session.close()
            const { held, streams, inbound, unacknowledged, scheduled } = core.session.debug()
            assert.deepEqual(
              [held, streams, inbound, unacknowledged, scheduled, core.budget.held],
              [0, 0, 0, 0, 0, 0]
            )
          }
        ),
        { numRuns: 2000 }
      )
    })
  })
})
