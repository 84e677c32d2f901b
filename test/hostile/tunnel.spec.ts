import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { encodeLengthPrefixed } from '@warren/utils'
import { generateToken, parseToken } from '@warren/tunnel'
import { until } from '../support/until.ts'
import { Scene } from './support/scene.ts'
import { CONTROL, SESSION, TUNNEL, TunnelAttacker, control } from './support/tunnel-attacker.ts'
import type { RawStream } from './support/tunnel-attacker.ts'
import { encodeFields } from './support/wire-fields.ts'

const WINDOW = 256 * 1024
const PROTOCOL = 'ERR_LINK_PROTOCOL'
/** Of the answer to an `open`: type, length, secret, limit. */
const ACCEPT_BYTES = 3 + 32 + 4
const token = generateToken()
const tokenBytes = parseToken(token)

describe('a hostile peer: tunnel', () => {
  let scene: Scene
  before(async () => {
    scene = await Scene.create({ token })
  })
  after(async () => scene[Symbol.asyncDispose]())

  /** An attack that ends the stream, or the link, and with it nothing else. */
  function ends(
    name: string,
    code: string | undefined,
    attack: (peer: TunnelAttacker) => Promise<RawStream>
  ): void {
    it(code === undefined ? `${name}: reset` : `${name}: ${code}`, () =>
      scene.underAttack(
        name,
        { window: WINDOW, ...(code === undefined ? {} : { codes: [code] }) },
        async () => {
          await using peer = await TunnelAttacker.connect(scene.address)
          const stream = await attack(peer)
          await stream.over()
          await stream.close()
          await until(
            async () => (await scene.tables()).sessions === 0,
            'the session is gone',
            3_000
          )
          assert.equal(peer.status, 'open')
        }
      )
    )
  }

  describe('before the proof', () => {
    /** What is said first on a control stream. */
    const first: readonly [name: string, code: string, bytes: () => Uint8Array][] = [
      ['garbage', PROTOCOL, () => encodeLengthPrefixed(Buffer.alloc(10_000, 0xff))],
      ['a message of 65,537 bytes', 'ERR_FRAME_TOO_LONG', () => Buffer.of(0x81, 0x80, 0x04)],
      ['a length of eleven bytes', 'ERR_VARINT', () => Buffer.alloc(11, 0x80)],
      ['a message of no bytes', PROTOCOL, () => Buffer.of(0)],
      [
        'another version',
        'ERR_LINK_VERSION',
        () => control(CONTROL.hello, [1, 2], [2, randomBytes(32)])
      ],
      ['a short nonce', PROTOCOL, () => control(CONTROL.hello, [1, 1], [2, randomBytes(31)])],
      [
        '1,000 tickets',
        PROTOCOL,
        () =>
          control(
            CONTROL.hello,
            [1, 1],
            [2, randomBytes(32)],
            ...Array.from({ length: 1_000 }, () => [4, randomBytes(32)] as const)
          )
      ],
      ['a proof without hello', PROTOCOL, () => control(CONTROL.proof, [1, randomBytes(32)])],
      ['an announce', PROTOCOL, () => control(CONTROL.announce, [1, encodeFields([1, 'orders'])])]
    ]
    for (const [name, code, bytes] of first) {
      ends(name, code, async peer => {
        const stream = await peer.open(TUNNEL)
        stream.send(bytes())
        return stream
      })
    }

    ends('another token', 'ERR_AUTHENTICATION', async peer => {
      const before = await scene.tables()
      await assert.rejects(peer.link(randomBytes(32)))
      assert.equal((await scene.tables()).links, before.links)
      const stream = await peer.open(TUNNEL)
      stream.send(Buffer.of(0))
      return stream
    })
    ends("the victim's own proof sent back", 'ERR_AUTHENTICATION', async peer => {
      const stream = await peer.open(TUNNEL)
      stream.sendControl(CONTROL.hello, [1, 1], [2, randomBytes(32)])
      const [mac] = (await stream.message(CONTROL.proof)).get(1) ?? []
      assert.ok(mac instanceof Uint8Array)
      stream.sendControl(CONTROL.proof, [1, mac])
      return stream
    })
    ends("the victim's own nonce", PROTOCOL, async peer => {
      const stream = await peer.open(TUNNEL)
      stream.sendControl(CONTROL.hello, [1, 1], [2, randomBytes(32)])
      const [nonce] = (await stream.message(CONTROL.hello)).get(2) ?? []
      assert.ok(nonce instanceof Uint8Array)
      stream.sendControl(CONTROL.hello, [1, 1], [2, nonce])
      return stream
    })
    ends('a link that is never proven, freed by the deadline', 'ERR_LINK_TIMEOUT', async peer => {
      const stream = await peer.open(TUNNEL)
      stream.sendControl(CONTROL.hello, [1, 1], [2, randomBytes(32)])
      return stream
    })
    ends('an open without a link', undefined, async peer => {
      const stream = await peer.open(SESSION)
      stream.send(open())
      return stream
    })
  })

  describe('on a link', () => {
    ends('garbage', PROTOCOL, async peer => {
      const link = await peer.link(tokenBytes)
      link.send(encodeLengthPrefixed(Buffer.alloc(1_000, 0xff)))
      return link
    })
    ends('a second hello', PROTOCOL, async peer => {
      const link = await peer.link(tokenBytes)
      for (let i = 0; i < 10; i++) {
        link.sendControl(CONTROL.hello, [1, 1], [2, randomBytes(32)])
      }
      return link
    })
    ends('channel names with control characters', PROTOCOL, async peer => {
      const link = await peer.link(tokenBytes)
      for (let i = 0; i < 10; i++) {
        link.sendControl(CONTROL.announce, [1, encodeFields([1, `a\n\u001b[2J${i}`])])
      }
      return link
    })

    it('new proofs of tokens without end: they wait, and prove nothing', () =>
      scene.underAttack('new proofs without end', { window: 2 * WINDOW }, async () => {
        await using peer = await TunnelAttacker.connect(scene.address)
        const link = await peer.link(tokenBytes)
        const macs = Array.from({ length: 1_000 }, () => [1, randomBytes(32)] as const)
        for (let i = 0; i < 100; i++) link.sendControl(CONTROL.reproof, ...macs)
        link.sendControl(CONTROL.reproof, [1, randomBytes(31)], [1, ''])
        link.sendControl(CONTROL.probe, [1, 7], [2, 0])
        await until(
          () => link.messages.some(message => message.has(CONTROL.probe)),
          'the probe behind them is answered',
          10_000
        )
        assert.equal((await scene.tables()).links, 1)
      }))

    for (const reading of ['reads', 'never reads']) {
      const name = `announces, discovers and probes without end, from a peer that ${reading}`
      it(`${name}: they wait, and little is held`, () =>
        scene.underAttack(name, { window: 2 * WINDOW, settle: 2_000 }, async () => {
          await using peer = await TunnelAttacker.connect(scene.address)
          const link = await peer.link(tokenBytes)
          if (reading === 'never reads') link.stream.pause()
          const names = (i: number) =>
            Array.from({ length: 50 }, (_, n) => [1, encodeFields([1, `c${i * 50 + n}`])] as const)
          for (let i = 0; i < 2_000; i++) {
            link.sendControl(CONTROL.announce, ...names(i))
            link.sendControl(CONTROL.discover, [1, i + 1])
            link.sendControl(CONTROL.probe, [1, i], [2, 0])
          }
          await scene.honest.call('rounds', 40)
          const { links } = await scene.tables()
          assert.ok(links <= 1, `${links} links`)
        }))
    }
  })

  describe('on a session stream', () => {
    /** Bytes on a session stream of a linked peer, sent once the victim's answer is as long as said. */
    function session(
      name: string,
      head: () => Uint8Array,
      check: (received: Buffer) => void,
      accepted?: () => Uint8Array
    ): void {
      ends(name, undefined, async peer => {
        await peer.link(tokenBytes)
        const stream = await peer.open(SESSION)
        stream.send(head())
        if (accepted !== undefined) {
          await stream.waitFor(received => received.length >= ACCEPT_BYTES)
          stream.send(accepted())
        }
        await stream.over()
        check(stream.received)
        return stream
      })
    }
    /** It is reset without a word: what came is no head. */
    const silently = (received: Buffer): void => assert.equal(received.toString('hex'), '')
    const refused =
      (code: number) =>
      (received: Buffer): void =>
        assert.equal(received.toString('hex'), `030002${code.toString(16).padStart(4, '0')}`)
    /** A frame `reset`, with the code for a broken protocol and a text that says what was wrong. */
    const faulted =
      (text: RegExp) =>
      (received: Buffer): void => {
        const reset = received.subarray(ACCEPT_BYTES)
        assert.equal(reset.subarray(0, 3).toString('hex'), '140002')
        assert.match(reset.subarray(5).toString(), text)
      }

    session('a head of garbage', () => randomBytes(600).fill(0xee, 0, 1), silently)
    session('a head of 65,535 bytes', () => Buffer.of(1, 0xff, 0xff), silently)
    session('a head that never comes', () => Buffer.of(1), silently)
    session('a channel name of controls', () => open({ channel: '\u0000\u0007' }), silently)
    session('a head of another version', () => open({ version: 9 }), refused(8))
    session('a channel that is not there', () => open({ channel: 'nothing' }), refused(1))
    session('a resume of nothing', () => resume(), refused(5))
    session('a channel that is for others', () => open({ channel: 'hidden' }), refused(1))
    session('an open without its seal', () => open({ channel: 'sealed' }), refused(11))
    session('a sealed head of another version', () => sealed(open(), 2), refused(8))
    session('a sealed open of another version', () => sealed(open({ version: 2 })), refused(8))
    session('a seal of no head', () => sealed(Buffer.alloc(0)), silently)
    session('a seal of an accept', () => sealed(Buffer.of(2, 0, 0)), silently)
    session('a seal of a seal', () => sealed(sealed(open())), silently)
    session('a seal that is never begun', () => sealed(open()), silently)
    session(
      'a seal of garbage',
      () => Buffer.concat([sealed(open()), randomBytes(5_000).fill(0, 0, 2)]),
      silently
    )
    session(
      'a seal whose messages are too long',
      () => Buffer.concat([sealed(open()), Buffer.of(0xff, 0xff)]),
      silently
    )

    it('a seal with a key of its own: the same whatever it is for, and the end of the stream', () =>
      scene.underAttack('a seal with a key of its own', { window: WINDOW }, async () => {
        await using peer = await TunnelAttacker.connect(scene.address)
        await peer.link(tokenBytes)
        const answers: number[] = []
        const heads = ['orders', 'hidden', 'nothing'].map(channel => open({ channel }))
        for (const head of [...heads, resume()]) {
          const stream = await peer.open(SESSION)
          stream.send(sealed(head))
          await assert.rejects(peer.sealWrongly(stream), { code: 'ERR_NOISE_HANDSHAKE' })
          // What it says is Noise's second message, which a key that fits would have opened.
          answers.push(stream.received.length)
          stream.stream.abort(new Error('it does not fit'))
        }
        assert.ok(answers[0] !== undefined && answers[0] > 100)
        assert.deepEqual(
          answers,
          Array.from(answers, () => answers[0])
        )
      }))

    const faults: readonly [name: string, text: RegExp, bytes: () => Uint8Array][] = [
      ['an unknown frame', /unknown type 127/, () => Buffer.of(0x7f)],
      ['data over the limit', /beyond its limit of 65536/, () => data(0, 0x7fffffff)],
      ['data of no bytes', /empty data frame/, () => data(0, 0)],
      ['data that leaves a gap', /offset 100 where 0 was next/, () => data(100, 1)],
      ['data at 2^63', /beyond 2\^53/, () => data(2n ** 63n, 1)],
      ['an ack beyond what was sent', /only 0 were sent/, () => ack(5, 100)],
      ['a limit of 2^64 - 1', /beyond 2\^53/, () => ack(0, 2n ** 64n - 1n)],
      [
        'an end before what was sent',
        /ended at offset 0/,
        () => Buffer.concat([data(0, 1), end(0)])
      ],
      ['data after the end', /behind its end/, () => Buffer.concat([end(0), data(0, 1)])],
      [
        'a reset with a text of 65,535 bytes',
        /65535 bytes of text/,
        () => Buffer.of(0x14, 0, 0, 0xff, 0xff)
      ]
    ]
    for (const [name, text, bytes] of faults) session(name, () => open(), faulted(text), bytes)
  })

  describe('after all of them', () => {
    it('nothing is held of what is gone', () => scene.assertNothingLeft())
  })
})

/** The head that opens a session on `orders`. */
function open({ version = 1, channel = 'orders' } = {}): Buffer {
  const name = Buffer.from(channel)
  const body = Buffer.concat([
    Buffer.of(version),
    randomBytes(16),
    u32(0),
    Buffer.of(0, 0),
    u32(65_536),
    Buffer.of(name.length),
    name
  ])
  return Buffer.concat([Buffer.of(1, body.length >> 8, body.length & 0xff), body])
}

/** A sealed head, with a hint of its own. */
function sealed(head: Buffer, version = 1): Buffer {
  const body = Buffer.concat([Buffer.of(version), randomBytes(8), head])
  return Buffer.concat([Buffer.of(6, body.length >> 8, body.length & 0xff), body])
}

function resume(): Buffer {
  const body = Buffer.concat([
    Buffer.of(1),
    randomBytes(16),
    u32(1),
    u64(0),
    u64(0),
    randomBytes(32)
  ])
  return Buffer.concat([Buffer.of(4, body.length >> 8, body.length & 0xff), body])
}

/** A data frame that says it has `length` bytes; 1,000 of them at most are there. */
function data(offset: number | bigint, length: number): Buffer {
  const payload = Buffer.alloc(Math.min(length, 1_000))
  return Buffer.concat([Buffer.of(0x10, 0), u32(length), u64(offset), payload])
}

function ack(taken: number, limit: number | bigint): Buffer {
  return Buffer.concat([Buffer.of(0x11), u64(taken), u64(limit)])
}

function end(offset: number): Buffer {
  return Buffer.concat([Buffer.of(0x13), u64(offset)])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
