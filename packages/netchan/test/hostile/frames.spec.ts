import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import type { Channel, Receiver } from '../../src/channel/channel-types.ts'
import { memoryLinks } from '../../src/links/memory-link.ts'
import { CODE, FRAME } from '../../src/protocol/codes.ts'
import { decodeFailure, decodeHangup, decodeRefuse } from '../../src/protocol/frames.ts'
import { Linked, quiet } from '../linked.ts'
import { RawPeer, bind, data, frame, hello, join } from './raw-peer.ts'

/** An exporter with a hostile peer on one link and an honest importer on another. */
class Scene {
  readonly pair = new Linked()
  readonly numbers: Channel<number> = channel<number>(0)
  readonly sums: Channel<number> = channel<number>(0)
  readonly honest: Channel<number> = channel<number>(0)
  peer!: RawPeer
  receiver!: Receiver<number>

  static async make(): Promise<Scene> {
    const scene = new Scene()
    const { exporter } = scene.pair
    exporter.export('numbers', scene.numbers, 'send')
    exporter.export('sums', scene.sums, 'recv')
    exporter.export('honest', scene.honest, 'send')
    exporter.handle('echo', {}, value => value)
    scene.receiver = await (await scene.pair.join()).importer.import<number>('honest', 'recv')
    const [here, there] = memoryLinks()
    void exporter.serveConn(here)
    scene.peer = new RawPeer(there)
    return scene
  }

  /** The honest importer is served as before. */
  async check(): Promise<void> {
    await this.honest.send(42)
    assert.deepEqual(await this.receiver.receive(), { done: false, value: 42 })
  }

  /** Another channel on the hostile link itself still works. */
  async checkSameLink(id: number): Promise<void> {
    await this.peer.send(bind(id, { name: 'echo', kind: 'call' }), data(id, [7]), close(id))
    const reply = await this.peer.frame(FRAME.data, id)
    assert.deepEqual([...reply.body], [1, 7])
    await this.peer.send(credit(id, 1))
  }

  async goodbye(): Promise<number | undefined> {
    const { body } = await this.peer.frame(FRAME.goodbye)
    await this.peer.ended
    return decodeFailure('goodbye', body)?.code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer.close()
    await this.pair[Symbol.asyncDispose]()
    await this.peer.ended
  }
}

function close(id: number): Uint8Array {
  return frame(FRAME.close, id, [0, 0])
}

function credit(id: number, taken: number): Uint8Array {
  return frame(FRAME.credit, id, [taken])
}

describe("the five frames that killed Go's exporters, each by itself", () => {
  it('1. a bind with a window of 0: refused', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(), bind(0, { window: { items: 0, bytes: 100 } }))
    assert.equal(decodeRefuse((await scene.peer.frame(FRAME.refuse, 0)).body).code, CODE.invalid)
    await scene.checkSameLink(2)
    await scene.check()
  })

  it('2. surplus credits: that channel fails', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(), bind(0))
    await scene.numbers.send(1)
    await scene.peer.frame(FRAME.data, 0)
    await scene.peer.send(credit(0, 2))
    const { body } = await scene.peer.frame(FRAME.close, 0)
    assert.equal(decodeFailure('close', body)?.code, CODE.surplusCredit)
    await scene.checkSameLink(2)
    await scene.check()
  })

  it('3. more values than the window: that channel fails', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(), bind(0, { name: 'sums', kind: 'send' }))
    await scene.peer.frame(FRAME.bound, 0)
    await scene.peer.send(data(0, [1], [2], [3]), data(0, [4]))
    const { failure } = decodeHangup((await scene.peer.frame(FRAME.hangup, 0)).body)
    assert.equal(failure?.code, CODE.overrun)
    await scene.checkSameLink(2)
    await scene.check()
    assert.equal(scene.sums.closed, false)
  })

  it('4. an unknown type of frame: that link ends', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(), bind(0), frame(99, 0))
    assert.equal(await scene.goodbye(), CODE.protocol)
    await scene.check()
  })

  it('5. a credit for a channel of the other direction: that channel fails', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(), bind(0, { name: 'sums', kind: 'send' }), credit(0, 1))
    const { failure } = decodeHangup((await scene.peer.frame(FRAME.hangup, 0)).body)
    assert.equal(failure?.code, CODE.misdirected)
    await scene.checkSameLink(2)
    await scene.check()
  })
})

describe('hostile frames that end the link, and nothing else', () => {
  const cases: Record<string, Uint8Array[]> = {
    'no hello first': [bind(0)],
    'hello twice': [hello(), hello()],
    'a frame of length 0': [hello(), Uint8Array.of(0, 0, 0, 0)],
    'a frame of length 1': [hello(), Uint8Array.of(0, 0, 0, 1, 4)],
    'a frame of 4 GiB': [hello(), Uint8Array.of(255, 255, 255, 255, 4, 0)],
    'a frame just over the limit': [hello(), Uint8Array.of(0, 4, 0, 33, 4, 0)],
    'an id of 9 bytes': [
      hello(),
      Uint8Array.of(0, 0, 0, 10, 4, 255, 255, 255, 255, 255, 255, 255, 255, 1)
    ],
    'an id that is not canonical': [hello(), Uint8Array.of(0, 0, 0, 3, 4, 0x80, 0)],
    'an id that ends too soon': [hello(), Uint8Array.of(0, 0, 0, 2, 4, 0x80)],
    'data of a binding that nobody made': [hello(), data(0, [1])],
    'credit for a binding that nobody made': [hello(), credit(8, 1)],
    'credit for one that only the exporter could make': [hello(), credit(1, 1)],
    'bind with an id of the exporter': [hello(), bind(1)],
    'bind with an id used before': [hello(), bind(4), bind(4)],
    'bind with an id lower than one before': [hello(), bind(4), bind(2)],
    'bind of an unknown kind': [hello(), frame(FRAME.bind, 0, [1, 0x61, 3, 0, 0, 0, 0, 1, 1])],
    'bind with a name of 256 bytes': [
      hello(),
      frame(FRAME.bind, 0, [0x80, 2, ...new Uint8Array(256)])
    ],
    'bind with a name that is not UTF-8': [
      hello(),
      frame(FRAME.bind, 0, [2, 0xc3, 0x28, 0, 0, 0, 0, 0, 1, 1])
    ],
    'bind with bytes behind its end': [hello(), join(bindWithTail())],
    'bind that ends too soon': [hello(), frame(FRAME.bind, 0, [7, 0x61])],
    'bind with half a fingerprint': [
      hello(),
      frame(FRAME.bind, 0, [1, 0x61, 0, 0, 0, 8, ...new Uint8Array(8), 0, 1, 1])
    ],
    'open in a binding that nobody made': [hello(), frame(FRAME.open, 0, [6, 0, 1, 1])],
    'open of a call': [hello(), bind(0), frame(FRAME.open, 2, [0, 2, 1, 1])],
    'credit that ends too soon': [hello(), bind(0), frame(FRAME.credit, 0, [])],
    'credit of 2^60': [
      hello(),
      bind(0),
      frame(FRAME.credit, 0, [128, 128, 128, 128, 128, 128, 128, 128, 16])
    ],
    'a message that is not UTF-8': [
      hello(),
      bind(0),
      frame(FRAME.hangup, 0, [0, 11, 2, 0xc3, 0x28])
    ],
    'a message of 1,025 bytes': [
      hello(),
      bind(0),
      frame(FRAME.hangup, 0, [0, 11, 0x81, 8, ...new Uint8Array(1_025)])
    ]
  }
  for (const [name, packets] of Object.entries(cases)) {
    it(name, async () => {
      await using scene = await Scene.make()
      await scene.peer.send(...packets)
      assert.equal(await scene.goodbye(), CODE.protocol)
      await scene.check()
      await quiet()
      assert.deepEqual(
        { ...scene.pair.exporter.debug(), errors: 0 },
        { links: 1, exports: 4, bound: 1, reservedBytes: 0, errors: 0 }
      )
    })
  }

  it('another version of the protocol', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(2))
    assert.equal(await scene.goodbye(), CODE.version)
    await scene.check()
  })
})

describe('hostile frames that end their channel, and nothing else', () => {
  /** Each is sent after a bind of `numbers` (0) and of `sums` (2), and is answered by a `hangup` or `close`. */
  const cases: Record<
    string,
    {
      readonly packet: Uint8Array
      readonly type: number
      readonly id: number
      readonly code: number
    }
  > = {
    'a value in the wrong direction': {
      packet: data(0, [1]),
      type: FRAME.close,
      id: 0,
      code: CODE.misdirected
    },
    'close in the wrong direction': {
      packet: close(0),
      type: FRAME.close,
      id: 0,
      code: CODE.misdirected
    },
    'hangup in the wrong direction': {
      packet: frame(FRAME.hangup, 2, [0, 0, 0]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.misdirected
    },
    'hangup that confirms what was not sent': {
      packet: frame(FRAME.hangup, 0, [9, 0, 0]),
      type: FRAME.close,
      id: 0,
      code: CODE.surplusCredit
    },
    'bound, which only an exporter says': {
      packet: frame(FRAME.bound, 0, [1, 1, 0]),
      type: FRAME.close,
      id: 0,
      code: CODE.misdirected
    },
    'refuse, which only an exporter says': {
      packet: frame(FRAME.refuse, 2, [1, 0, 0]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.misdirected
    },
    'a data frame without a value': {
      packet: frame(FRAME.data, 2),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalid
    },
    'a value longer than its frame': {
      packet: frame(FRAME.data, 2, [5, 1]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalid
    },
    'a value of 2^40 bytes': {
      packet: frame(FRAME.data, 2, [128, 128, 128, 128, 128, 32]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.limit
    },
    'a length that is not canonical': {
      packet: frame(FRAME.data, 2, [0x81, 0, 1]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.limit
    },
    'four values in a window of three': {
      packet: data(2, [1], [2], [3], [4]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.overrun
    },
    'a value that is no CBOR': {
      packet: data(2, [0xff]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalidValue
    },
    'a value nested 17 deep': {
      packet: data(2, [...Array.from({ length: 17 }, () => 0x81), 0]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalidValue
    },
    'a value with __proto__': {
      packet: data(2, [0xa1, 0x69, ...Buffer.from('__proto__'), 0xa0]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalidValue
    },
    'an array that says to have 2^32 items': {
      packet: data(2, [0x9a, 255, 255, 255, 255, 1]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalidValue
    },
    'a channel in a value that was not opened': {
      packet: data(2, [0xd9, 0xc5, 0xe0, 5]),
      type: FRAME.hangup,
      id: 2,
      code: CODE.invalidValue
    }
  }
  for (const [name, { packet, type, id, code }] of Object.entries(cases)) {
    it(name, async () => {
      await using scene = await Scene.make()
      const { peer } = scene
      await peer.send(hello(), bind(0), bind(2, { name: 'sums', kind: 'send' }))
      await peer.frame(FRAME.bound, 2)
      const reading = scene.sums.receive().catch(() => {})
      await peer.send(packet)
      const { body } = await peer.frame(type, id)
      const failure =
        type === FRAME.close ? decodeFailure('close', body) : decodeHangup(body).failure
      assert.equal(failure?.code, code)
      // The other channel of the same link, and another link, are as good as before.
      if (id === 0) {
        await peer.send(data(2, [5]))
        assert.deepEqual(await reading, { done: false, value: 5 })
      } else {
        await scene.numbers.send(1)
        await peer.frame(FRAME.data, 0)
      }
      await scene.checkSameLink(4)
      await scene.check()
      scene.sums.close()
      await reading
    })
  }

  it('late frames of channels that ended are ignored', async () => {
    await using scene = await Scene.make()
    await scene.peer.send(hello(), bind(0), frame(FRAME.hangup, 0, [0, 0, 0]))
    await scene.peer.send(credit(0, 1), data(0, [1]), close(0), frame(FRAME.hangup, 0, [0, 0, 0]))
    await scene.checkSameLink(2)
    await scene.check()
  })
})

describe('hostile peers that want memory', function () {
  this.timeout(30_000)

  it('binds beyond the limit are refused, one by one; those that were bound go on', async () => {
    await using scene = await Scene.make()
    const { peer } = scene
    await peer.send(hello())
    for (let i = 0; i < 1_100; i++) await peer.send(bind(i * 2))
    const { body } = await peer.frame(FRAME.refuse, 1_099 * 2)
    assert.equal(decodeRefuse(body).code, CODE.limit)
    assert.equal(peer.frames.filter(({ type }) => type === FRAME.bound).length, 1_024)
    assert.equal(scene.pair.exporter.debug().bound, 1_025)
    await scene.check()
  })

  it('opens beyond the limit, which nobody resolves, are refused and end with their parent', async () => {
    await using scene = await Scene.make()
    const { peer } = scene
    await peer.send(hello(), bind(0, { name: 'sums', kind: 'send' }))
    for (let i = 1; i <= 1_100; i++) await peer.send(frame(FRAME.open, i * 2, [0, 0, 1, 1]))
    const { body } = await peer.frame(FRAME.close, 1_100 * 2)
    assert.equal(decodeFailure('close', body)?.code, CODE.limit)
    await peer.send(close(0))
    // The end of the parent takes them along: there is room again.
    await peer.frame(FRAME.close, 2)
    await scene.checkSameLink(5_000)
    await scene.check()
  })

  it('a peer that asks and does not read the answers is not read either', async () => {
    await using scene = await Scene.make()
    const [here, there] = memoryLinks()
    const served = scene.pair.exporter.serveConn(here)
    let asked = 0
    // Nothing is ever received at this end.
    await there.send(hello())
    const flood = (async () => {
      for (;;) {
        await there.send(bind(asked * 2, { name: 'unknown' }))
        asked++
      }
    })().catch(() => {})
    let before = -1
    while (asked !== before) {
      before = asked
      for (let i = 0; i < 50; i++) await quiet()
    }
    assert.ok(asked < 10_000, `${asked} binds were read without an answer being taken`)
    await scene.check()
    await there.close(new Error('enough'))
    await Promise.all([served, flood])
  })

  it('5,000 binds leave nothing behind', async () => {
    await using scene = await Scene.make()
    const { peer } = scene
    await peer.send(hello())
    for (let i = 0; i < 50; i++) {
      await peer.send(
        join(
          ...Array.from({ length: 100 }, (_, k) => {
            const id = (i * 100 + k) * 2
            return join(bind(id), frame(FRAME.hangup, id, [0, 0, 0]))
          })
        )
      )
      peer.frames.length = 0
    }
    await scene.checkSameLink(10_002)
    await quiet()
    assert.equal(scene.pair.exporter.debug().bound, 1)
    await scene.check()
  })

  it('a peer that says nothing is let go of', async () => {
    const pair = new Linked({ helloTimeout: 10 })
    const [here, there] = memoryLinks()
    const served = pair.exporter.serveConn(here)
    const peer = new RawPeer(there)
    await peer.ended
    await served
    await pair[Symbol.asyncDispose]()
  })
})

function bindWithTail(): Uint8Array {
  const packet = bind(0)
  const longer = Uint8Array.from([...packet, 0])
  longer[3] = (longer[3] ?? 0) + 1
  return longer
}
