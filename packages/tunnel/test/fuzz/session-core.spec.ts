import assert from 'node:assert/strict'
import { WarrenError } from '@warren/interface'
import fc from 'fast-check'
import {
  encodeAck,
  encodeDataHeader,
  encodeDone,
  encodeEnd,
  encodeReset,
  encodeSync
} from '../../src/session/frames.ts'
import { MemoryBudget } from '../../src/session/memory-budget.ts'
import { SessionCore } from '../../src/session/session-core.ts'
import { chunked, chunkSizes, damages, PARAMETERS } from './arbitraries.ts'

const WINDOW = 1_024

/** What a peer may base a number on: a number of the session, and how far it is off. */
const near = fc.tuple(
  fc.constantFrom('received' as const, 'sent' as const, 'acked' as const, 'zero' as const),
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(WINDOW, 4 * WINDOW, 2 ** 40, Number.MAX_SAFE_INTEGER) }
  )
)
type Near = readonly [base: 'received' | 'sent' | 'acked' | 'zero', off: number]

function numberOf(core: SessionCore, [base, off]: Near): number {
  const bases = {
    received: core.position.received,
    sent: core.position.sent,
    acked: core.confirmed
  }
  const value = (base === 'zero' ? 0 : bases[base]) + off
  return Math.min(Math.max(0, value), Number.MAX_SAFE_INTEGER)
}

/** A byte of the peer: it depends on its offset, so that one out of place is seen. */
function byteAt(offset: number): number {
  return (offset * 167 + (offset >> 8)) & 0xff
}

function data(offset: number, length: number, limited: boolean): Uint8Array {
  const payload = Uint8Array.from({ length }, (_, i) => byteAt(offset + i))
  return Buffer.concat([encodeDataHeader(offset, length, limited), payload])
}

/** A frame of the peer, made when it is sent: plausible, and often enough right. */
const frames: fc.Arbitrary<(core: SessionCore) => Uint8Array> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(near, fc.integer({ min: 1, max: 600 }), fc.boolean()).map(
      ([offset, length, limited]) =>
        (core: SessionCore) =>
          data(numberOf(core, offset), length, limited)
    )
  },
  {
    weight: 3,
    arbitrary: fc.tuple(near, near).map(
      ([taken, limit]) =>
        (core: SessionCore) =>
          encodeAck(numberOf(core, taken), numberOf(core, limit) + WINDOW)
    )
  },
  { weight: 1, arbitrary: near.map(at => (core: SessionCore) => encodeSync(numberOf(core, at))) },
  { weight: 1, arbitrary: near.map(at => (core: SessionCore) => encodeEnd(numberOf(core, at))) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(0xffff), fc.string({ maxLength: 40 })).map(
      ([code, text]) =>
        () =>
          encodeReset(code, text)
    )
  },
  { weight: 1, arbitrary: fc.constant(() => encodeDone()) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map(noise => () => noise) }
)

/** What happens to a session, by its peer, its application, its streams, and time. */
type Happening = (core: SessionCore, now: number) => void

/** What the peer sends, whole or damaged. */
function sending(damage: fc.Arbitrary<(bytes: Buffer) => Buffer>): fc.Arbitrary<Happening> {
  return fc
    .tuple(fc.array(frames, { maxLength: 4 }), damage, chunkSizes)
    .map(([sent, spoil, sizes]) => (core: SessionCore, now: number) => {
      for (const frame of sent) {
        const whole = spoil(Buffer.from(frame(core)))
        for (const chunk of chunked(whole, sizes)) core.receive(core.epoch, chunk, now)
      }
    })
}

const whole = sending(fc.constant((bytes: Buffer) => bytes))
const damaged = sending(damages)

const others: fc.Arbitrary<Happening> = fc.oneof(
  {
    // More and more, from where the peer stands, whatever it was allowed.
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 20 }).map(times => (core: SessionCore, now: number) => {
      for (let i = 0; i < times; i++) {
        core.receive(core.epoch, data(core.position.received, 333, true), now)
      }
    })
  },
  {
    weight: 2,
    arbitrary: fc
      .integer({ min: 1, max: 2_000 })
      .map(length => (core: SessionCore) => void core.write(new Uint8Array(length)))
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: -1, max: 3 }), near, near)
      .map(([ahead, received, sent]) => (core: SessionCore, now: number) => {
        const epoch = Math.max(0, core.epoch + ahead)
        core.attach(epoch, { received: numberOf(core, received), sent: numberOf(core, sent) }, now)
      })
  },
  {
    weight: 2,
    arbitrary: fc.constant((core: SessionCore, now: number) => core.detach(core.epoch, now))
  },
  { weight: 1, arbitrary: fc.constant((core: SessionCore, now: number) => core.end(now)) },
  { weight: 1, arbitrary: fc.constant((core: SessionCore, now: number) => core.close(now)) },
  { weight: 1, arbitrary: fc.constant((core: SessionCore) => core.sync()) },
  {
    weight: 1,
    arbitrary: fc.constant((core: SessionCore, now: number) => core.revoke('no access', now))
  },
  {
    weight: 1,
    arbitrary: fc.constant((core: SessionCore, now: number) =>
      core.abort(300, 'enough', undefined, now)
    )
  }
)

const READ = 'read'

/** A run: what happens, and how much is read in between. */
function runs(sent: fc.Arbitrary<Happening>): fc.Arbitrary<(Happening | typeof READ)[]> {
  const happening = fc.oneof(
    { weight: 5, arbitrary: sent },
    { weight: 7, arbitrary: others },
    { weight: 2, arbitrary: fc.constant(READ as typeof READ) }
  )
  return fc.array(happening, { maxLength: 40 })
}

describe('a fuzzed session core', () => {
  for (const [name, run, exact] of [
    ['of whole frames', runs(whole), true],
    ['of damaged ones', runs(damaged), false]
  ] as const) {
    it(`${name} never throws, holds no more than its windows, and gives all of it back`, () =>
      check(run, exact))
  }
})

/** @param exact what was read must be what was sent, at its place */
function check(run: fc.Arbitrary<(Happening | typeof READ)[]>, exact: boolean): void {
  fc.assert(
    fc.property(run, fc.boolean(), (all, drains) => {
      const budget = new MemoryBudget(1 << 20)
      const core = new SessionCore(
        {
          epoch: 0,
          limit: WINDOW,
          window: { initial: WINDOW, max: 4 * WINDOW },
          resumeTimeout: 1_000,
          closeTimeout: 300,
          ackDelay: 25,
          budget
        },
        0
      )
      let now = 0
      let gone = false
      const told = new Map<string, number>()
      const drain = (): void => {
        // A peer that reads nothing has nothing polled: what waits must be bounded all the same.
        if (drains) for (let out = core.pollOutput(); out !== undefined; ) out = core.pollOutput()
        for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) {
          told.set(event, (told.get(event) ?? 0) + 1)
        }
      }
      let taken = 0
      for (const happens of all) {
        if (happens === READ) {
          const chunk = core.read(700, now) ?? new Uint8Array(0)
          for (const byte of exact ? chunk : []) assert.equal(byte, byteAt(taken++), `${taken}`)
        } else {
          happens(core, now)
        }
        drain()
        assert.ok(core.unread <= 4 * WINDOW, `${core.unread} bytes wait for the application`)
        assert.ok(core.stats.receiveWindow <= 4 * WINDOW)
        assert.ok(budget.used <= 8 * WINDOW, `${budget.used} bytes are reserved`)
        if (core.ending?.error !== undefined) {
          assert.ok(core.ending.error instanceof WarrenError, String(core.ending.error))
        }
        assert.ok(!gone || core.life === 'gone', 'what is gone stays so')
        gone = core.life === 'gone'
        const at = core.nextTimeout()
        now = at !== undefined && at > now && all.length % 3 === 0 ? at : now + 7
        core.onTimeout(now)
        drain()
      }
      core.lose('the end of the test', now)
      drain()
      assert.equal(core.life, 'gone')
      assert.notEqual(core.ending, undefined)
      assert.equal(budget.used, 0, 'all is given back')
      assert.equal(told.get('ended'), 1, 'its end is told once')
      assert.equal(told.get('gone'), 1)
      assert.equal(core.nextTimeout(), undefined)
    }),
    { ...PARAMETERS, numRuns: 5 * PARAMETERS.numRuns }
  )
}
