import assert from 'node:assert/strict'
import type { Connection, Stream } from '@libp2p/interface'
import { mplex } from '@libp2p/mplex'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { until } from '../support/until.ts'
import { ECHO } from './support/protocols.ts'
import { STALLED_READERS } from './support/readers.ts'
import { Scene } from './support/scene.ts'

const MIB = 1024 * 1024
/** A window grows only while it is read. */
const WINDOW = 256 * 1024
/** What `byteStream` and a stream of mplex hold before the stream is reset. */
const UNREAD_LIMIT = 4 * MIB
const PIECE = new Uint8Array(64 * 1024)
const MOST = 32 * MIB
/** Milliseconds without any progress after which a sender counts as stalled. */
const STALL = 250

describe('a reader that stalls', () => {
  let scene: Scene
  before(async () => {
    scene = await Scene.create()
  })
  after(async () => scene[Symbol.asyncDispose]())

  for (const muxer of ['yamux', 'mplex'] as const) {
    describe(`over ${muxer}`, () => {
      let sender: Swarm
      let connection: Connection
      before(async () => {
        sender = await createSwarm({
          transports: [tcp()],
          connectionEncrypters: [noise()],
          streamMuxers: [muxer === 'yamux' ? yamux() : mplex()]
        })
        connection = await sender.dial(
          multiaddr(`/ip4/127.0.0.1/tcp/${scene.port}/p2p/${scene.address.peer}`)
        )
        await useAnother()
      })
      after(async () => sender.close())

      /** The connection carries other streams as before. */
      async function useAnother(): Promise<void> {
        const stream = await sender.newStream(connection, ECHO)
        const answered = new Promise(resolve => stream.addEventListener('message', resolve))
        stream.send(new Uint8Array(100))
        await answered
        await stream.close()
      }

      for (const protocol of Object.keys(STALLED_READERS)) {
        // A byte reader of @libp2p/utils listens, so to its stream it is one that reads.
        const stalls = muxer === 'yamux' && protocol !== '/hostile/byte-reader'
        const name = protocol.replace('/hostile/', '').replace('-', ' ')
        it(`${name}: ${stalls ? 'the sender stalls, one window is held' : 'the stream alone is reset at 4 MiB'}`, () =>
          scene.underAttack(
            `${name} over ${muxer}`,
            { window: stalls ? WINDOW : UNREAD_LIMIT, above: MIB },
            async () => {
              const stream = await sender.newStream(connection, protocol)
              const { stalled, sent } = await sendUntilStalled(stream)
              assert.equal(stalled, stalls, `after ${sent} bytes: ${stream.status}`)
              if (stalls) {
                const { held } = await scene.tables()
                assert.ok(held <= WINDOW, `${held} bytes are held`)
                assert.ok(held > WINDOW / 2, `only ${held} bytes are held: it is read after all`)
                await scene.honest.call('rounds', 20)
              } else {
                assert.equal(stream.status, 'reset')
              }
              assert.equal(connection.status, 'open')
              await useAnother()
              if (stalls) stream.abort(new Error('enough'))
              await until(async () => (await scene.tables()).streams === 0, 'the stream is gone')
            }
          ))
      }
    })
  }
})

/** Sends as much as is taken; `stalled` when nothing is any more, and the stream has not ended. */
async function sendUntilStalled(stream: Stream): Promise<{ stalled: boolean; sent: number }> {
  let sent = 0
  while (sent < MOST && stream.status === 'open') {
    sent += PIECE.length
    if (stream.send(PIECE)) {
      await new Promise(resolve => setImmediate(resolve))
    } else if (!(await drained(stream))) {
      return { stalled: stream.status === 'open', sent }
    }
  }
  return { stalled: false, sent }
}

/** Whether the stream takes more again, rather than ends or takes nothing. */
async function drained(stream: Stream): Promise<boolean> {
  return new Promise(resolve => {
    const settle = (result: boolean): void => {
      clearTimeout(timer)
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      resolve(result)
    }
    const onDrain = (): void => settle(true)
    const onClose = (): void => settle(false)
    const timer = setTimeout(onClose, STALL)
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
  })
}
