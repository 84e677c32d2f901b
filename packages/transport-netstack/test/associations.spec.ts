import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CookieJar, type UdpEndpoint } from '../src/association/cookie-jar.ts'
import { DiallerAssociation } from '../src/association/dialler-association.ts'
import {
  type ListenerAssociation,
  ListenerAssociations
} from '../src/association/listener-associations.ts'
import { DATA_HEADER, MESSAGE, MessageView, message, readId } from '../src/association/messages.ts'
import { virtualBytes } from '../src/association/virtual-address.ts'

const HOME: UdpEndpoint = { address: '192.0.2.1', port: 1000 }
const CAFE: UdpEndpoint = { address: '198.51.100.7', port: 2000 }
const ID = 0x1234_5678_9abc

/** Bytes that only look random, each call others. */
function bytesFrom(): (length: number) => Uint8Array {
  let next = 1
  return length => Uint8Array.from({ length }, () => (next = (next * 167 + 13) & 0xff))
}

/** An IPv6 packet with a payload of `size` bytes. */
function packet(from: Uint8Array, to: Uint8Array, size = 20): Uint8Array {
  const bytes = new Uint8Array(40 + size)
  bytes[0] = 0x60
  bytes[4] = size >> 8
  bytes[5] = size & 0xff
  bytes.set(from, 8)
  bytes.set(to, 24)
  return bytes
}

const up = (id = ID): Uint8Array =>
  packet(virtualBytes('dialler', id), virtualBytes('listener', id))
const down = (id = ID): Uint8Array =>
  packet(virtualBytes('listener', id), virtualBytes('dialler', id))

/** A listener, and everything that it did. */
class Listener {
  readonly replies: { bytes: Uint8Array; to: UdpEndpoint }[] = []
  readonly packets: Uint8Array[] = []
  readonly moved: ListenerAssociation[] = []
  readonly gone: ListenerAssociation[] = []
  readonly associations: ListenerAssociations
  readonly #output = {
    reply: (bytes: Uint8Array, to: UdpEndpoint) => void this.replies.push({ bytes, to }),
    packet: (bytes: Uint8Array, start: number, end: number) =>
      void this.packets.push(bytes.slice(start, end)),
    moved: (association: ListenerAssociation) => void this.moved.push(association),
    closed: (association: ListenerAssociation) => void this.gone.push(association)
  }

  constructor(limits: { limit?: number; limitPerAddress?: number } = {}) {
    this.associations = new ListenerAssociations({
      cookies: new CookieJar(new Uint8Array(32).fill(7), 15),
      limit: limits.limit ?? 100,
      limitPerAddress: limits.limitPerAddress ?? 100,
      idleTimeout: 1_000,
      random: bytesFrom()
    })
  }

  receive(bytes: Uint8Array, from: UdpEndpoint, now = 0): void {
    this.associations.receive(bytes, from, now, this.#output)
  }

  last(): { bytes: Uint8Array; to: UdpEndpoint } {
    const reply = this.replies.at(-1)
    assert.ok(reply, 'it replied')
    return reply
  }
}

/** A dialler, and everything that it did. */
class Dialler {
  readonly sent: Uint8Array[] = []
  readonly packets: Uint8Array[] = []
  readonly ends: string[] = []
  ready = 0
  readonly association: DiallerAssociation

  constructor(id = ID, timeout = 5_000) {
    this.association = new DiallerAssociation(id, timeout, {
      send: bytes => void this.sent.push(bytes),
      ready: () => void this.ready++,
      packet: (bytes, start, end) => void this.packets.push(bytes.slice(start, end)),
      ended: why => void this.ends.push(why)
    })
  }

  /** A packet with what goes in front of it. */
  wrap(inner: Uint8Array): Uint8Array {
    const room = new Uint8Array(32 + inner.length)
    room.set(inner, 32)
    const header = this.association.writeHeader(room, 32)
    assert.ok(header > 0, 'it can send')
    return room.slice(32 - header)
  }
}

/** A dialler and a listener that know each other. */
function attached(): { dialler: Dialler; listener: Listener } {
  const dialler = new Dialler()
  const listener = new Listener()
  dialler.association.start(0)
  listener.receive(dialler.sent.at(-1) as Uint8Array, HOME)
  dialler.association.receive(listener.last().bytes, 0)
  listener.receive(dialler.wrap(up()), HOME)
  dialler.association.receive(listener.last().bytes, 0)
  assert.equal(listener.associations.size, 1)
  return { dialler, listener }
}

describe('an association', () => {
  it('costs the listener nothing before the cookie has come back', () => {
    const listener = new Listener()
    for (let i = 1; i <= 1_000; i++) listener.receive(message(MESSAGE.initiate, i), HOME)
    assert.equal(listener.associations.size, 0)
    assert.equal(listener.replies.length, 1_000)
  })

  it('answers a stranger with no more bytes than it got', () => {
    const listener = new Listener()
    const question = message(MESSAGE.initiate, ID)
    listener.receive(question, HOME)
    assert.ok(listener.last().bytes.length <= question.length)
  })

  it('answers only so many strangers a second', () => {
    const listener = new Listener()
    for (let i = 1; i <= 5_000; i++) listener.receive(message(MESSAGE.initiate, i), HOME)
    assert.equal(listener.replies.length, 2_000)
    listener.receive(message(MESSAGE.initiate, 1), HOME, 1_000)
    assert.equal(listener.replies.length, 2_001)
  })

  it('carries packets both ways once the dialler has proven its address', () => {
    const { dialler, listener } = attached()
    assert.equal(dialler.ready, 1)
    assert.deepEqual(listener.packets, [up()])
    listener.receive(dialler.wrap(up()), HOME)
    assert.deepEqual(listener.packets, [up(), up()])
    const association = listener.associations.find(ID) as ListenerAssociation
    const room = new Uint8Array(32 + 60)
    room.set(down(), 32)
    const header = listener.associations.writeHeader(room, 32, association)
    assert.equal(header, DATA_HEADER)
    dialler.association.receive(room.slice(32 - header), 0)
    assert.deepEqual(dialler.packets, [down()])
  })

  it('reads several messages of one datagram', () => {
    const { dialler, listener } = attached()
    const one = dialler.wrap(up())
    listener.receive(Buffer.concat([one, one, one]), HOME)
    assert.equal(listener.packets.length, 4)
  })

  it('makes one association of an attachment that is repeated', () => {
    const { listener, dialler } = attached()
    const second = new Dialler()
    second.association.start(0)
    listener.receive(second.sent[0] as Uint8Array, HOME)
    second.association.receive(listener.last().bytes, 0)
    listener.receive(second.wrap(up()), HOME)
    assert.equal(listener.associations.size, 1)
    assert.equal(listener.last().bytes[0], MESSAGE.attached)
    listener.receive(dialler.wrap(up()), HOME)
    assert.equal(listener.packets.length, 3)
  })

  for (const [what, change] of [
    ['for another address', { from: CAFE }],
    ['for another port of the same address', { from: { ...HOME, port: 1001 } }],
    ['that is too old', { now: 16_000 }],
    ['that was changed', { flip: true }]
  ] as const) {
    it(`takes no cookie ${what}`, () => {
      const listener = new Listener()
      const dialler = new Dialler()
      dialler.association.start(0)
      listener.receive(dialler.sent[0] as Uint8Array, HOME)
      dialler.association.receive(listener.last().bytes, 0)
      const attach = dialler.wrap(up())
      if ('flip' in change) attach[20] = (attach[20] as number) ^ 1
      listener.receive(
        attach,
        'from' in change ? change.from : HOME,
        'now' in change ? change.now : 0
      )
      assert.equal(listener.associations.size, 0)
      assert.equal(listener.associations.counts.forged, 1)
      assert.deepEqual(listener.packets, [])
    })
  }

  it('passes no packet on whose addresses are not its own', () => {
    const { dialler, listener } = attached()
    listener.receive(dialler.wrap(up(ID + 1)), HOME)
    listener.receive(dialler.wrap(down()), HOME)
    assert.equal(listener.packets.length, 1)
  })

  it('goes on from a new address of the dialler, once that has answered', () => {
    const { dialler, listener } = attached()
    const association = listener.associations.find(ID) as ListenerAssociation
    listener.receive(dialler.wrap(up()), CAFE)
    assert.equal(listener.packets.length, 2, 'what it carried is not lost')
    assert.deepEqual(association.endpoint, HOME, 'and nothing is sent there yet')
    const { bytes: probe, to } = listener.last()
    assert.equal(probe[0], MESSAGE.probe)
    assert.deepEqual(to, CAFE)
    dialler.association.receive(probe, 0)
    listener.receive(dialler.sent.at(-1) as Uint8Array, CAFE)
    assert.deepEqual(association.endpoint, CAFE)
    assert.equal(listener.associations.counts.moved, 1)
    assert.deepEqual(listener.moved, [association])
  })

  it('does not move to an address that only claims to be the new one', () => {
    const { dialler, listener } = attached()
    listener.receive(dialler.wrap(up()), CAFE)
    const { bytes: probe } = listener.last()
    const forged = message(MESSAGE.proof, readId(dialler.wrap(up()), 1), new Uint8Array(8))
    listener.receive(forged, CAFE)
    dialler.association.receive(probe, 0)
    // A proof that is right, from where it was not asked.
    listener.receive(dialler.sent.at(-1) as Uint8Array, { ...CAFE, port: 9 })
    assert.deepEqual(listener.associations.find(ID)?.endpoint, HOME)
  })

  it('probes a new address five times a second at most', () => {
    const { dialler, listener } = attached()
    const before = listener.replies.length
    for (let ms = 0; ms < 1_000; ms++) listener.receive(dialler.wrap(up()), CAFE, ms)
    assert.equal(listener.replies.length - before, 5)
  })

  it('asks again, more and more rarely, and gives up at its timeout', () => {
    const dialler = new Dialler(ID, 2_000)
    dialler.association.start(0)
    const asked: number[] = [0]
    for (let due = dialler.association.nextDeadline(); due < Infinity; ) {
      const before = dialler.sent.length
      dialler.association.onTimer(due)
      if (dialler.sent.length > before) asked.push(due)
      if (dialler.ends.length > 0) break
      due = dialler.association.nextDeadline()
    }
    assert.deepEqual(asked, [0, 250, 750, 1_750])
    assert.deepEqual(dialler.ends, ['silent'])
  })

  it('says where it is when the listener falls silent, some times', () => {
    const { dialler, listener } = attached()
    const beats: number[] = []
    for (let due = dialler.association.nextDeadline(); due < Infinity; ) {
      dialler.association.onTimer(due)
      beats.push(due)
      due = dialler.association.nextDeadline()
    }
    assert.deepEqual(beats, [250, 750, 1_750, 3_750, 7_750])
    const before = listener.replies.length
    listener.receive(dialler.sent.at(-1) as Uint8Array, HOME)
    assert.equal(listener.replies.length, before, 'where it was known to be, nothing is answered')
    listener.receive(dialler.sent.at(-1) as Uint8Array, CAFE)
    assert.equal(listener.last().bytes[0], MESSAGE.probe)
  })

  it('ends at once when the listener no longer knows it', () => {
    const { dialler } = attached()
    const restarted = new Listener()
    restarted.receive(dialler.wrap(up()), HOME)
    dialler.association.receive(restarted.last().bytes, 0)
    assert.deepEqual(dialler.ends, ['forgotten'])
  })

  it('does not end for an id that it does not use', () => {
    const { dialler } = attached()
    dialler.association.receive(message(MESSAGE.unknown, 99), 0)
    dialler.association.receive(message(MESSAGE.close, 99), 0)
    assert.deepEqual(dialler.ends, [])
  })

  it('is forgotten when the dialler is done, and only by its own word', () => {
    const { dialler, listener } = attached()
    const association = listener.associations.find(ID)
    dialler.association.close()
    const close = dialler.sent.at(-1) as Uint8Array
    listener.receive(close, CAFE)
    assert.equal(listener.associations.size, 1)
    listener.receive(close, HOME)
    assert.equal(listener.associations.size, 0)
    assert.deepEqual(listener.gone, [association])
  })

  it('is forgotten when it is silent and carries no connection', () => {
    const { listener } = attached()
    listener.associations.hold(ID, true, 0)
    listener.associations.expire(10_000)
    assert.equal(listener.associations.size, 1)
    listener.associations.hold(ID, false, 10_000)
    listener.associations.expire(10_999)
    assert.equal(listener.associations.size, 1)
    listener.associations.expire(11_000)
    assert.equal(listener.associations.size, 0)
  })

  it('is refused beyond the limits, which come free again', () => {
    const listener = new Listener({ limit: 3, limitPerAddress: 2 })
    const attach = (id: number, from: UdpEndpoint): void => {
      const dialler = new Dialler(id)
      dialler.association.start(0)
      listener.receive(dialler.sent[0] as Uint8Array, from)
      dialler.association.receive(listener.last().bytes, 0)
      listener.receive(dialler.wrap(up(id)), from)
    }
    for (let id = 1; id <= 5; id++) attach(id, { ...HOME, port: id })
    assert.equal(listener.associations.size, 2)
    for (let id = 6; id <= 9; id++) attach(id, CAFE)
    assert.equal(listener.associations.size, 3)
    listener.associations.expire(1_000)
    attach(10, HOME)
    assert.equal(listener.associations.size, 1)
  })

  it('is unmoved by any bytes at all', () => {
    const { dialler, listener } = attached()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc
            .tuple(fc.constantFrom(...Object.values(MESSAGE)), fc.uint8Array({ maxLength: 120 }))
            .map(([type, rest]) => Uint8Array.of(type, ...rest))
        ),
        bytes => {
          listener.receive(bytes, CAFE)
          dialler.association.receive(bytes, 0)
        }
      ),
      { numRuns: 2_000 }
    )
    assert.equal(listener.associations.size, 1)
    assert.deepEqual(dialler.ends, [])
  })

  it('reads no message of which a part is missing', () => {
    const { dialler } = attached()
    const view = new MessageView()
    for (const whole of [
      dialler.wrap(up()),
      message(MESSAGE.initiate, ID),
      message(MESSAGE.close, ID)
    ]) {
      assert.ok(view.read(whole, 0))
      assert.equal(view.end, whole.length)
      for (let length = 0; length < whole.length; length++) {
        assert.equal(view.read(whole.subarray(0, length), 0), false, `${length} bytes`)
      }
    }
  })
})
