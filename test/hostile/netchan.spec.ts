import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { importFrom, socketLink } from '@warren/netchan'
import type { Importer } from '@warren/netchan'
import { Remote } from '../support/remote.ts'
import { until } from '../support/until.ts'
import type * as exporterProcess from './support/exporter-process.ts'

/** Binds of a flood. */
const BINDS = 1_000_000
const MIB = 2 ** 20
/** Growth of memory that is noise: buffers of sockets, compiled code. */
const NOISE = 48 * MIB
/** Milliseconds after which a sender that may not send on is held back. */
const HELD = 2_000

/** Frames as on the wire (packages/netchan/spec.md). */
const HELLO = [0, 0, 0, 6, 0, 0, 1, 0x80, 0x80, 0x10]

/** A batch of frames, written byte by byte: a million of them must not take long here. */
class Packet {
  readonly #bytes = Buffer.allocUnsafe(65_536)
  #length = 0

  raw(bytes: readonly number[]): this {
    for (const byte of bytes) this.#bytes[this.#length++] = byte
    return this
  }

  bind(id: number, name: readonly number[]): this {
    return this.#frame(1, id, [name.length, ...name, 0, 4, 0x63, 0x62, 0x6f, 0x72, 0, 0, 0, 1, 100])
  }

  hangup(id: number): this {
    return this.#frame(7, id, [0, 0, 0])
  }

  /** Behind the length that socket links add. */
  done(): Buffer {
    return Buffer.concat([Buffer.from(varint(this.#length)), this.#bytes.subarray(0, this.#length)])
  }

  #frame(type: number, id: number, body: readonly number[]): this {
    const ids = varint(id)
    return this.raw([0, 0, 0, 1 + ids.length + body.length, type])
      .raw(ids)
      .raw(body)
  }
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return bytes
}

const NUMBERS = [...Buffer.from('numbers')]
const NOTHING = [...Buffer.from('nothing')]

describe('netchan: a hostile importer', function () {
  this.timeout(300_000)

  let exporter: Remote<typeof exporterProcess>
  let honest: Importer
  let port: number

  beforeEach(async () => {
    exporter = Remote.start(new URL('./support/exporter-process.js', import.meta.url))
    port = await exporter.call('start')
    honest = await importFrom(socketLink(connect(port, '127.0.0.1')))
  })
  afterEach(async () => {
    honest.abort()
    await exporter.stop()
  })

  async function flood(write: (to: Packet, id: number) => void, answers: boolean): Promise<Socket> {
    const socket: Socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    if (answers) socket.resume()
    else socket.pause()
    socket.write(new Packet().raw(HELLO).done())
    for (let i = 0; i < BINDS && !socket.destroyed; i += 500) {
      const packet = new Packet()
      for (let k = i; k < i + 500; k++) write(packet, k * 2)
      if (socket.write(packet.done())) continue
      // Held back: nobody takes the answers. That is what was to be seen.
      const drained = once(socket, 'drain').then(() => true)
      if (answers) await drained
      else if (!(await Promise.race([drained, sleep(HELD, false)]))) break
    }
    await check()
    return socket
  }

  /** The honest importer is served. */
  async function check(): Promise<void> {
    const name = `honest ${Math.random()}`
    await exporter.call('offer', name, 42)
    const receiver = await honest.import<number>(name, 'recv')
    assert.deepEqual(await receiver.receive(), { done: false, value: 42 })
    await exporter.call('withdraw', name)
  }

  const floods = {
    'of a name that nobody exports, answered': {
      write: (to: Packet, id: number) => to.bind(id, NOTHING),
      answers: true
    },
    'of a channel that is exported, beyond every limit': {
      write: (to: Packet, id: number) => to.bind(id, NUMBERS),
      answers: true
    },
    'of a channel that is exported, each left again': {
      write: (to: Packet, id: number) => to.bind(id, NUMBERS).hangup(id),
      answers: true
    },
    'whose answers nobody takes': {
      write: (to: Packet, id: number) => to.bind(id, NOTHING),
      answers: false
    }
  }
  for (const [name, { write, answers }] of Object.entries(floods)) {
    it(`1,000,000 binds ${name}: bounded memory, others are served`, async () => {
      await check()
      const before = await exporter.call('memory')
      const socket = await flood(write, answers)
      // The flooding connection is still there; what it had of buffers is swept in the background.
      await until(
        async () => (await exporter.call('memory')) - before < NOISE,
        `memory is within ${NOISE / MIB} MiB again`
      )
      // Those of this link, and one of the honest importer.
      assert.ok((await exporter.call('counts')).bound <= 1_025)
      socket.destroy()
    })
  }
})
