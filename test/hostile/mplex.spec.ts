import { MPLEX, MplexAttacker, message, varint } from './support/mplex-attacker.ts'
import { SINK } from './support/protocols.ts'
import { Scene } from './support/scene.ts'

const MIB = 1024 * 1024
/** mplex has no windows. Its limits: bytes of a message that is not whole, and of an unread stream. */
const UNPROCESSED = 4 * MIB
const PIECE = new Uint8Array(64 * 1024)
const PIECES = 100
/** Far more than the victim takes in a second, a hundred at a time. */
const FLOOD = 100
const BATCH = 100

describe('a hostile peer: mplex', () => {
  let scene: Scene
  before(async () => {
    scene = await Scene.create()
  })
  after(async () => scene[Symbol.asyncDispose]())

  /** An attack after which the victim has ended the connection. */
  function ends(name: string, attack: (peer: MplexAttacker) => Promise<unknown>, window = 0): void {
    it(`${name}: the connection ends`, () =>
      scene.underAttack(name, { window }, async () => {
        using peer = await MplexAttacker.connect(scene.port)
        await attack(peer)
        await peer.connection.over()
      }))
  }

  ends(
    'a header of 11 bytes',
    async peer => {
      await peer.send(varint(0, 11))
      await peer.connection.flood(PIECES, () => PIECE)
    },
    UNPROCESSED
  )
  ends(
    'a stream id above 2^53',
    async peer => {
      await peer.send(message(MPLEX.newStream, 2n ** 60n))
      await peer.connection.flood(PIECES, () => PIECE)
    },
    UNPROCESSED
  )
  ends(
    'an unknown type',
    async peer => {
      await peer.send(message(7, 1))
      await peer.connection.flood(PIECES, () => PIECE)
    },
    UNPROCESSED
  )
  ends('a message of 1 MiB and one byte', peer =>
    peer.send(message(MPLEX.newStream, 0, new Uint8Array(10), MIB + 1))
  )
  ends('a message of 2^40 bytes', peer =>
    peer.send(message(MPLEX.newStream, 0, new Uint8Array(10), 2 ** 40))
  )
  /** A flood of one kind of message after the other. */
  function floods(name: string, make: (index: number) => Uint8Array): void {
    ends(name, peer =>
      peer.connection.flood(FLOOD, i =>
        Buffer.concat(Array.from({ length: BATCH }, (_, n) => make(i * BATCH + n)))
      )
    )
  }

  floods('messages for streams that never were', i =>
    message(MPLEX.message, i, new Uint8Array(100))
  )
  floods('streams without end', i => message(MPLEX.newStream, i, Buffer.from(`${i}`)))
  floods('streams opened and reset without end', i =>
    Buffer.concat([message(MPLEX.newStream, i), message(MPLEX.reset, i)])
  )
  it('100,000 streams in one write, from a peer that never reads: the connection ends', () =>
    // Stock mplex goes on with all that came in one piece after it has given the connection up.
    scene.underAttack('100,000 streams in one write', { p99: 400 }, async () => {
      using peer = await MplexAttacker.connect(scene.port)
      peer.connection.stopReading()
      await peer.send(
        Buffer.concat(Array.from({ length: 100_000 }, (_, i) => message(MPLEX.newStream, i)))
      )
      await peer.connection.over()
    }))

  it('more than 4 MiB into a stream that nobody reads: that stream alone is reset', () =>
    scene.underAttack('more than 4 MiB into a stream', { window: UNPROCESSED }, async () => {
      using peer = await MplexAttacker.connect(scene.port)
      const id = await peer.open(SINK)
      const piece = message(MPLEX.message, id, PIECE)
      await peer.connection.flood(1.1 * (UNPROCESSED / PIECE.length), () => piece)
      // The stream has ended, the connection has not: it takes another.
      await peer.open(SINK)
    }))

  describe('after all of them', () => {
    it('nothing is held of what is gone', () => scene.assertNothingLeft())
  })
})
