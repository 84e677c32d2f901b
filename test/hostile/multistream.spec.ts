import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker } from './support/attacker.ts'
import { line } from './support/lines.ts'
import { ECHO } from './support/protocols.ts'
import { Scene } from './support/scene.ts'
import { SocketStream } from './support/socket-stream.ts'
import { FLAG, TYPE, WINDOW, YamuxAttacker, data } from './support/yamux-attacker.ts'

/** Milliseconds of a whole upgrade in these tests; 10 s unless it is set. */
const UPGRADE_TIMEOUT = 800
const MIB = 1024 * 1024

describe('a hostile peer: multistream-select', () => {
  let scene: Scene
  before(async () => {
    scene = await Scene.create({
      upgradeTimeout: UPGRADE_TIMEOUT,
      streamNegotiationTimeout: UPGRADE_TIMEOUT
    })
  })
  after(async () => scene[Symbol.asyncDispose]())

  /** Writes until the victim has ended it, whatever that needs. */
  async function writeAll(peer: SocketStream, bytes: Uint8Array, times = 1): Promise<void> {
    for (let i = 0; i < times && !peer.socket.destroyed && !peer.socket.readableEnded; i++) {
      if (!peer.socket.write(bytes)) await peer.drained()
    }
  }

  /** What a peer says in clear on a new connection. */
  type Talk = (peer: SocketStream) => Promise<unknown>
  const hello = line('/multistream/1.0.0')
  const proposals = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => line(`/nothing/${i}`))

  describe('on the connection', () => {
    const ended: readonly [name: string, code: string, talk: Talk][] = [
      [
        '1 MiB without a newline',
        'ERR_NEGOTIATION',
        peer => writeAll(peer, new Uint8Array(MIB).fill(0x41))
      ],
      ['a line of 16,383 bytes', 'ERR_NEGOTIATION', peer => writeAll(peer, Buffer.of(0xff, 0x7f))],
      ['a line of no bytes', 'ERR_NEGOTIATION', peer => writeAll(peer, Buffer.of(0))],
      [
        '10,000 proposals at once',
        'ERR_NEGOTIATION',
        peer => writeAll(peer, Buffer.concat([hello, ...proposals(10_000)]))
      ],
      [
        '10,000 proposals at once from a peer that never reads',
        'ERR_NEGOTIATION',
        async peer => {
          peer.socket.pause()
          await writeAll(peer, hello)
          await writeAll(peer, Buffer.concat(proposals(1_000)), 10)
        }
      ],
      [
        'ls 20,000 times at once',
        'ERR_NEGOTIATION',
        peer =>
          writeAll(
            peer,
            Buffer.concat([hello, ...Array.from({ length: 20_000 }, () => line('ls'))])
          )
      ],
      [
        'an echo of what the victim says',
        'ERR_NEGOTIATION',
        async peer => {
          peer.socket.on('data', bytes => peer.socket.write(bytes))
          await writeAll(peer, hello)
        }
      ],
      [
        'a proposal after each answer',
        'ERR_NEGOTIATION',
        async peer => {
          peer.socket.on('data', () => peer.socket.write(line('/nothing')))
          await writeAll(peer, Buffer.concat([hello, line('/nothing')]))
        }
      ],
      [
        'a length of ten bytes',
        'ERR_NEGOTIATION',
        peer => writeAll(peer, Buffer.from('ffffffffffffffffff01', 'hex'))
      ],
      [
        'a TLS hello',
        'ERR_NEGOTIATION',
        peer => writeAll(peer, Buffer.from(`1603010200010001fc0303${'00'.repeat(500)}`, 'hex'))
      ]
    ]
    for (const [name, code, talk] of ended) {
      it(`${name}: ${code}`, () =>
        scene.underAttack(name, { codes: [code] }, async () => {
          using peer = await SocketStream.connect(scene.port)
          await talk(peer)
          await peer.ended()
        }))
    }

    /** Those that only time ends. */
    const late: Readonly<Record<string, Talk>> = {
      'nothing at all': async () => {},
      'a byte every 100 ms': async peer => {
        for (const byte of hello) {
          if (peer.socket.destroyed || peer.socket.readableEnded) break
          peer.socket.write(Buffer.of(byte))
          await sleep(100)
        }
      },
      'an HTTP request': peer =>
        writeAll(peer, Buffer.from('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n')),
      'no muxer': async peer => {
        const attacker = await Attacker.on(peer)
        await attacker.send(Buffer.concat([hello, line('/spdy/3.1.0')]))
      }
    }
    it(`${Object.keys(late).join('; ')}: ERR_UPGRADE_TIMEOUT, each within the deadline`, () => {
      const codes = ['ERR_UPGRADE_TIMEOUT']
      return scene.underAttack('what only time ends', { codes }, async () => {
        await Promise.all(
          Object.entries(late).map(async ([name, talk]) => {
            using peer = await SocketStream.connect(scene.port)
            const began = performance.now()
            await talk(peer)
            await peer.ended()
            const took = performance.now() - began
            // A late one would mean that the deadline starts anew with each byte.
            assert.ok(took > UPGRADE_TIMEOUT / 2, `${name}: only ${took} ms`)
            assert.ok(took < 4 * UPGRADE_TIMEOUT, `${name}: ${took} ms`)
          })
        )
        assert.equal((await scene.tables()).slots, 0)
      })
    })
  })

  describe('on a stream', () => {
    /** What is said on a stream that is then reset, while the connection goes on. */
    const said: Readonly<Record<string, readonly Uint8Array[]>> = {
      '200 KiB without a newline': Array.from({ length: 4 }, () =>
        new Uint8Array(50 * 1024).fill(0x41)
      ),
      '10,000 proposals': [Buffer.concat([hello, ...proposals(10_000)])],
      'ls 10,000 times': [
        Buffer.concat([hello, ...Array.from({ length: 10_000 }, () => line('ls'))])
      ],
      'nothing at all': [new Uint8Array(0)]
    }
    const names = Object.keys(said)
    it(`${names.join('; ')}: each stream alone is reset`, () =>
      scene.underAttack('on streams', { window: names.length * WINDOW }, async () => {
        using peer = await YamuxAttacker.connect(scene.port)
        const ids = new Map(names.map(name => [peer.newId(), name]))
        for (const [id, name] of ids) {
          for (const [i, chunk] of (said[name] ?? []).entries()) {
            await peer.send(data(id, chunk, i === 0 ? FLAG.syn : 0))
          }
        }
        await peer.allReset([...ids.keys()])
        await peer.open(ECHO)
        assert.ok(!peer.frames.some(({ type }) => type === TYPE.goAway))
      }))

    it('500 streams that say nothing: reset by the deadline, and the next 500 too', () =>
      // What a stream costs that is being negotiated: some 8 KiB.
      scene.underAttack('500 silent streams', { window: 4 * MIB }, async () => {
        using peer = await YamuxAttacker.connect(scene.port)
        for (let n = 0; n < 2; n++) {
          const ids = Array.from({ length: 500 }, () => peer.newId())
          await peer.send(Buffer.concat(ids.map(id => data(id, new Uint8Array(0), FLAG.syn))))
          await peer.allReset(ids)
        }
        await peer.open(ECHO)
      }))
  })

  describe('after all of them', () => {
    it('nothing is held of what is gone', () => scene.assertNothingLeft())
  })
})
