import assert from 'node:assert/strict'
import { until } from '../support/until.ts'
import { ECHO, SINK } from './support/protocols.ts'
import { Scene } from './support/scene.ts'
import { FLAG, TYPE, WINDOW, YamuxAttacker, data, frame } from './support/yamux-attacker.ts'

interface Ending {
  /** Code of the GOAWAY that the attacker is told. */
  readonly goAway: number | undefined
  /** Code of the error that the victim has. */
  readonly code: string
}

const PROTOCOL: Ending = { goAway: 1, code: 'ERR_YAMUX_PROTOCOL' }
const FLOOD: Ending = { goAway: 0x1001, code: 'ERR_YAMUX_FLOOD' }
/** As much as nearly fills a Noise record. */
const PIECE = new Uint8Array(64 * 1024 - 512)
/** Frames of a batch, and batches of a million of them. */
const BATCH = 5_000
const BATCHES = 200

describe('a hostile peer: yamux', () => {
  let scene: Scene
  before(async () => {
    scene = await Scene.create({ writeStallTimeout: 2_000 })
  })
  after(async () => scene[Symbol.asyncDispose]())

  /** An attack that ends with a GOAWAY of the victim. */
  function ends(
    name: string,
    how: Ending,
    attack: (peer: YamuxAttacker) => Promise<unknown>
  ): void {
    it(`${name}: ${how.code}`, () =>
      scene.underAttack(name, { codes: [how.code], window: WINDOW }, async () => {
        using peer = await YamuxAttacker.connect(scene.port)
        await attack(peer)
        assert.equal(await peer.goAway(), how.goAway)
      }))
  }

  /** A flood of a million frames, cut off early. */
  function floods(
    name: string,
    reading: 'reads' | 'never reads',
    make: (index: number) => Uint8Array
  ): void {
    ends(`1,000,000 times ${name}`, FLOOD, async peer => {
      await peer.send(frame(TYPE.windowUpdate, FLAG.syn, 1, 0))
      if (reading === 'never reads') peer.connection.stopReading()
      await peer.connection.flood(BATCHES, batch =>
        Buffer.concat(Array.from({ length: BATCH }, (_, i) => make(batch * BATCH + i)))
      )
    })
  }

  describe('lies', () => {
    ends('DATA of 4 GiB', PROTOCOL, async peer => {
      const id = await peer.open(SINK)
      await peer.send(frame(TYPE.data, 0, id, 0xffffffff, PIECE))
    })
    ends('DATA of 4 GiB that opens its stream', PROTOCOL, peer =>
      peer.send(frame(TYPE.data, FLAG.syn, 1, 0xffffffff, PIECE))
    )
    ends('DATA one byte over the window that opens its stream', PROTOCOL, peer =>
      peer.send(data(1, new Uint8Array(WINDOW + 1), FLAG.syn))
    )
    ends('WINDOW_UPDATE to 2^32', PROTOCOL, async peer => {
      const id = await peer.open(ECHO)
      await peer.send(frame(TYPE.windowUpdate, 0, id, 0xffffffff))
    })
    ends('an unknown version', PROTOCOL, peer =>
      peer.send(frame(TYPE.ping, FLAG.syn, 0, 1, undefined, 1))
    )
    ends('an unknown type', PROTOCOL, peer => peer.send(frame(4, 0, 0, 0)))
    ends('a stream frame for stream 0', PROTOCOL, peer => peer.send(data(0, PIECE, FLAG.syn)))
    ends('a ping on a stream', PROTOCOL, peer => peer.send(frame(TYPE.ping, FLAG.syn, 1, 1)))
    ends('a stream with an id of the other side', PROTOCOL, peer =>
      peer.send(frame(TYPE.windowUpdate, FLAG.syn, 2, 0))
    )
    ends('a stream opened twice', PROTOCOL, async peer => {
      const id = await peer.open(SINK)
      await peer.send(frame(TYPE.windowUpdate, FLAG.syn, id, 0))
    })
    ends('DATA after FIN', PROTOCOL, async peer => {
      const id = await peer.open(SINK)
      await peer.send(data(id, new Uint8Array(1), FLAG.fin))
      await peer.send(data(id, new Uint8Array(1)))
    })
    ends('GOAWAY with an error', { goAway: undefined, code: 'ERR_YAMUX_GO_AWAY' }, peer =>
      peer.send(frame(TYPE.goAway, 0, 0, 2))
    )
  })

  describe('floods', () => {
    floods('a ping, from a peer that never reads', 'never reads', i =>
      frame(TYPE.ping, FLAG.syn, 0, i)
    )
    floods('an answer to no ping', 'reads', i => frame(TYPE.ping, FLAG.ack, 0, i))
    floods('SYN, from a peer that never reads', 'never reads', i =>
      frame(TYPE.windowUpdate, FLAG.syn, 2 * i + 3, 0)
    )
    floods('SYN and RST', 'reads', i =>
      Buffer.concat([
        frame(TYPE.windowUpdate, FLAG.syn, 2 * i + 3, 0),
        frame(TYPE.windowUpdate, FLAG.rst, 2 * i + 3, 0)
      ])
    )
    floods('empty DATA', 'reads', () => frame(TYPE.data, 0, 1, 0))
    floods('credit of nothing', 'reads', () => frame(TYPE.windowUpdate, 0, 1, 0))
    floods('DATA for a stream that never was', 'reads', i => data(2 * i + 1_001, new Uint8Array(1)))
  })

  describe('what is not read', () => {
    ends('240 MB into a stream that nobody reads, whatever the window', PROTOCOL, async peer => {
      const id = await peer.open(SINK)
      const piece = data(id, PIECE)
      const sent = await peer.connection.flood(240e6 / PIECE.length, () => piece)
      assert.ok(sent * PIECE.length < 32 * 1024 * 1024, `${sent * PIECE.length} bytes were taken`)
    })

    it('frames of one byte, as many as fit the window: held as one window', () =>
      scene.underAttack(
        'frames of one byte',
        { codes: [PROTOCOL.code], window: WINDOW },
        async () => {
          using peer = await YamuxAttacker.connect(scene.port)
          const id = await peer.open(SINK)
          const batch = Buffer.concat(
            Array.from({ length: 4_096 }, () => data(id, new Uint8Array(1)))
          )
          // What was negotiated has taken some of the window.
          await peer.connection.flood(WINDOW / 4_096 - 1, () => batch)
          // It holds them now, for as long as it takes to be sampled twice.
          await peer.send(frame(TYPE.ping, FLAG.syn, 0, 7))
          await peer.waitFor(
            () => peer.frames.some(({ type, length }) => type === TYPE.ping && length === 7),
            'the ping behind them is answered'
          )
          const { held } = await scene.tables()
          assert.ok(held >= WINDOW - 4_096, `${held} bytes are held`)
          assert.ok(held <= 2 * WINDOW, `${held} bytes are held`)
          await scene.honest.call('rounds', 20)
          await peer.connection.flood(3 * (WINDOW / 4_096), () => batch)
          assert.equal(await peer.goAway(), PROTOCOL.goAway)
        }
      ))

    it('answers that are asked for and not read: ERR_TCP_WRITE_STALLED', () => {
      const streams = 32
      const window = streams * WINDOW
      const codes = ['ERR_TCP_WRITE_STALLED']
      return scene.underAttack('answers that are not read', { codes, window }, async () => {
        using peer = await YamuxAttacker.connect(scene.port)
        const ids: number[] = []
        while (ids.length < streams) ids.push(await peer.open(ECHO))
        peer.connection.stopReading()
        for (const id of ids) {
          await peer.send(frame(TYPE.windowUpdate, 0, id, 0xf0000000))
          const piece = data(id, PIECE)
          for (let sent = 0; sent + PIECE.length < WINDOW; sent += PIECE.length) {
            await peer.send(piece)
          }
        }
        await until(async () => (await scene.tables()).connections === 0, 'the victim gives up')
      })
    })
  })

  it('a peer that hangs up inside a frame leaves nothing', () =>
    scene.underAttack('hung up inside a frame', { window: WINDOW }, async () => {
      for (const cut of [1, 11, 12, 100]) {
        using peer = await YamuxAttacker.connect(scene.port)
        const id = await peer.open(SINK)
        await peer.send(data(id, PIECE).subarray(0, cut))
      }
    }))

  describe('after all of them', () => {
    it('nothing is held of what is gone', () => scene.assertNothingLeft())
  })
})
