import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { type LinkOwner, dispatch } from '../../src/protocol/dispatch.ts'
import { FRAME } from '../../src/protocol/codes.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { FrameWriter } from '../../src/protocol/frame-writer.ts'
import { LinkCore } from '../../src/protocol/link-core.ts'
import { bind, data, frame, hello, join } from '../hostile/raw-peer.ts'

const RUNS = { numRuns: 400 }

function core(role: 'exporter' | 'importer'): LinkCore {
  return new LinkCore(
    {
      role,
      maxValueBytes: 1_000,
      maxBindings: 8,
      creditDelay: 5,
      helloTimeout: 1_000,
      packetBytes: 4_096,
      wake: () => {}
    },
    0
  )
}

/** Accepts every other bind, takes what comes, and never fails. */
function owner(link: LinkCore): LinkOwner {
  return {
    onOpen: () => {},
    onBind(binding) {
      if (binding.id % 4 === 0) link.refuse(binding, { code: 1, message: 'no' })
      else link.accept(binding, { items: 3, bytes: 1_000 }, false)
      binding.handler = {
        handle() {
          while (link.take(binding) !== undefined);
        }
      }
    },
    onClosed: () => {},
    onFault(error) {
      throw error
    }
  }
}

/** Feeds a core; whatever comes, it does not throw, and what it holds stays bounded. */
function survive(role: 'exporter' | 'importer', packets: readonly Uint8Array[]): void {
  const link = core(role)
  const own = owner(link)
  if (role === 'importer') {
    for (const kind of ['recv', 'send', 'call'] as const) {
      const binding = link.bind({
        name: kind,
        kind,
        codec: 'cbor',
        count: 0,
        sends: new Uint8Array(0),
        receives: new Uint8Array(0),
        window: { items: 3, bytes: 1_000 }
      })
      assert.notEqual(binding, undefined)
    }
  }
  let now = 0
  for (const packet of packets) {
    link.receive(packet)
    dispatch(link, own)
    while (link.pollOutput(now) !== undefined);
    link.onTimeout(now)
    now += 3
    const { bindings, owing, blocked, output, held } = link.debug()
    assert.ok(bindings <= 8 && owing <= 8 && blocked <= 8)
    assert.equal(output, 0)
    assert.ok(held <= 65_536 + 4)
  }
  link.lose(new Error('the end'), false)
  dispatch(link, own)
  assert.equal(link.debug().bindings, 0)
}

const id = fc.integer({ min: 0, max: 12 })
const body = fc.uint8Array({ maxLength: 24 })
/** Mostly well-formed frames, of bindings that may exist, in any order. */
const anyFrame = fc.oneof(
  id.map(n => bind(n * 2, { name: 'a' })),
  id.map(n => bind(n * 2, { name: 'a', kind: 'send' })),
  fc
    .tuple(id, fc.array(fc.array(fc.nat(255), { maxLength: 6 }), { maxLength: 4 }))
    .map(([n, values]) => data(n, ...values)),
  fc.tuple(id, fc.nat(5)).map(([n, taken]) => frame(FRAME.credit, n, [taken])),
  fc.tuple(id, fc.nat(3)).map(([n, code]) => frame(FRAME.close, n, [code, 0])),
  fc.tuple(id, fc.nat(3)).map(([n, taken]) => frame(FRAME.hangup, n, [taken, 0, 0])),
  fc.tuple(id, fc.nat(4)).map(([n, items]) => frame(FRAME.bound, n, [items, items, 0])),
  id.map(n => frame(FRAME.refuse, n, [1, 0, 0])),
  fc
    .tuple(id, id, fc.nat(1))
    .map(([n, parent, kind]) => frame(FRAME.open, n, [parent, kind, 1, 1])),
  fc.tuple(fc.nat(12), id, body).map(([type, n, bytes]) => frame(type, n, bytes))
)

describe('fuzzing of the link core', () => {
  for (const role of ['exporter', 'importer'] as const) {
    it(`${role}: any bytes`, () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), packets => {
          survive(role, packets)
          survive(role, [hello(), ...packets])
        }),
        RUNS
      )
    })

    it(`${role}: frames in any order`, () => {
      fc.assert(
        fc.property(fc.array(anyFrame, { maxLength: 30 }), frames => {
          survive(role, [hello(), ...frames])
        }),
        RUNS
      )
    })

    it(`${role}: frames with one bit changed`, () => {
      fc.assert(
        fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 12 }), fc.nat(), (frames, at) => {
          const bytes = join(hello(), ...frames)
          const bit = at % (bytes.length * 8)
          bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          survive(role, [bytes])
        }),
        RUNS
      )
    })
  }
})

describe('frames cut into packets', () => {
  function read(packets: readonly Uint8Array[]): string[] {
    const seen: string[] = []
    const reader = new FrameReader(100_000, (type, frameId, bytes) => {
      seen.push(`${type} ${frameId} ${Buffer.from(bytes).toString('hex')}`)
    })
    for (const packet of packets) reader.push(packet)
    assert.equal(reader.heldBytes, 0)
    return seen
  }

  it('every split gives the same frames', () => {
    const whole = join(hello(), bind(0), data(0, [1, 2], [], [3]), frame(FRAME.credit, 300, [5]))
    const expected = read([whole])
    assert.equal(expected.length, 4)
    for (let a = 0; a <= whole.length; a++) {
      for (let b = a; b <= whole.length; b += 3) {
        const parts = [whole.slice(0, a), whole.slice(a, b), whole.slice(b)]
        assert.deepEqual(read(parts), expected)
      }
    }
    assert.deepEqual(read(Array.from(whole, byte => Uint8Array.of(byte))), expected)
  })

  it('what the writer writes the reader reads, whatever the size of packets', () => {
    const written = fc.oneof(
      fc.record({ id: fc.integer({ min: 0, max: 300 }), value: fc.uint8Array({ maxLength: 200 }) }),
      fc.record({ id: fc.integer({ min: 0, max: 300 }), body: fc.uint8Array({ maxLength: 40 }) })
    )
    fc.assert(
      fc.property(
        fc.array(written, { maxLength: 40 }),
        fc.constantFrom(32, 33, 64, 1_000),
        fc.boolean(),
        (items, packetBytes, early) => {
          const writer = new FrameWriter(packetBytes)
          const packets: Uint8Array[] = []
          const take = (): void => {
            for (let p = writer.packet(); p !== undefined; p = writer.packet()) packets.push(p)
          }
          for (const item of items) {
            if ('value' in item) writer.value(item.id, item.value)
            else writer.frame(FRAME.credit, item.id, item.body)
            if (early && item.id % 5 === 0) take()
          }
          take()
          assert.equal(writer.waitingBytes, 0)
          assert.ok(packets.every(({ length }) => length > 0 && length <= packetBytes))
          const seen: string[] = []
          const reader = new FrameReader(100_000, (type, frameId, bytes) => {
            if (type !== FRAME.data) {
              seen.push(`${frameId} frame ${Buffer.from(bytes).toString('hex')}`)
              return
            }
            for (let at = 0; at < bytes.length; ) {
              let length = bytes[at++] ?? 0
              if (length >= 0x80) length = (length & 0x7f) + (bytes[at++] ?? 0) * 0x80
              seen.push(
                `${frameId} value ${Buffer.from(bytes.subarray(at, at + length)).toString('hex')}`
              )
              at += length
            }
          })
          for (const packet of packets) reader.push(packet)
          assert.deepEqual(
            seen,
            items.map(item =>
              'value' in item
                ? `${item.id} value ${Buffer.from(item.value).toString('hex')}`
                : `${item.id} frame ${Buffer.from(item.body).toString('hex')}`
            )
          )
        }
      ),
      RUNS
    )
  })
})
