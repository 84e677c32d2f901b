import assert from 'node:assert/strict'
import {
  SessionLostError,
  SessionProtocolError,
  SessionResetError
} from '../../src/session/errors.ts'
import {
  encodeAck,
  encodeDataHeader,
  encodeDone,
  encodeEnd,
  encodeReset,
  encodeSync
} from '../../src/session/frames.ts'
import { MemoryBudget } from '../../src/session/memory-budget.ts'
import type { SessionEvent } from '../../src/session/event-set.ts'
import { SessionCore } from '../../src/session/session-core.ts'
import { type Life, type LifeEvent, TRANSITIONS } from '../../src/session/session-life.ts'

const WINDOW = 4_096

function newCore(budget = new MemoryBudget(1 << 20)): SessionCore {
  return new SessionCore(
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
}

function events(core: SessionCore): SessionEvent[] {
  const seen: SessionEvent[] = []
  for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) seen.push(event)
  return seen
}

/** All output, joined. */
function output(core: SessionCore): Buffer {
  const parts: Uint8Array[] = []
  for (let out = core.pollOutput(); out !== undefined; out = core.pollOutput()) parts.push(...out)
  return Buffer.concat(parts)
}

function data(offset: number, length: number): Uint8Array {
  return Buffer.concat([encodeDataHeader(offset, length, false), new Uint8Array(length)])
}

/** What a session that is lost had not confirmed. */
function unconfirmed(core: SessionCore): number {
  const error = core.ending?.error
  assert.ok(error instanceof SessionLostError)
  return error.unconfirmed
}

/** Two cores, and what one says carried to the other. */
class Pair {
  readonly budget = new MemoryBudget(1 << 20)
  readonly a = newCore(this.budget)
  readonly b = newCore(this.budget)
  now = 0

  exchange(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const [from, to] of [
        [this.a, this.b],
        [this.b, this.a]
      ] as const) {
        const bytes = output(from)
        if (bytes.length === 0) continue
        moved = true
        to.receive(to.epoch, bytes, this.now)
      }
    }
  }

  detach(): void {
    this.a.detach(this.a.epoch, this.now)
    this.b.detach(this.b.epoch, this.now)
  }

  attach(epoch: number): void {
    const offer = this.a.position
    const answer = this.b.position
    assert.equal(this.b.attach(epoch, offer, this.now), true)
    assert.equal(this.a.attach(epoch, answer, this.now, offer.received), true)
  }
}

describe('session core', () => {
  describe('against a hostile peer', () => {
    const cases: [string, Uint8Array[]][] = [
      ['data beyond the limit', [encodeDataHeader(0, WINDOW + 1, false)]],
      ['a length of 4 GiB', [encodeDataHeader(0, 0xffff_ffff, false)]],
      ['a gap', [data(1, 10)]],
      ['an overlap', [data(0, 10), data(9, 10)]],
      ['data after the end', [encodeEnd(0), data(0, 1)]],
      ['an end that is too far', [data(0, 10), encodeEnd(11)]],
      ['an end that is too near', [data(0, 10), encodeEnd(9)]],
      ['two ends', [encodeEnd(0), encodeEnd(0)]],
      ['an ack beyond what was sent', [encodeAck(11, WINDOW)]],
      ['an ack of an end that was not sent', [encodeAck(1, WINDOW)]],
      ['a limit that goes back', [encodeAck(0, WINDOW - 1)]],
      ['a sync of what was not sent', [encodeSync(1)]],
      ['done before both ends', [encodeDone()]],
      ['a head among the frames', [Uint8Array.of(0x04, 0, 0)]],
      ['an unknown type', [Uint8Array.of(0x7f)]],
      ['acks without end', Array.from({ length: 1_001 }, () => encodeAck(0, WINDOW))],
      ['syncs without end', Array.from({ length: 1_002 }, () => encodeSync(0))]
    ]
    for (const [name, frames] of cases) {
      it(`ends on ${name}, with a coded error and a reset`, () => {
        const budget = new MemoryBudget(1 << 20)
        const core = newCore(budget)
        for (const frame of frames) core.receive(0, frame, 1)
        assert.equal(core.life, 'gone')
        assert.ok(core.ending?.error instanceof SessionProtocolError)
        assert.equal(output(core).readUInt16BE(1), 2, 'the reset says: protocol')
        assert.deepEqual(
          events(core).filter(event => event !== 'readable'),
          ['ended', 'gone']
        )
        assert.equal(budget.used, 0)
        // Nothing that comes later matters.
        core.receive(0, data(0, 10), 2)
        core.onTimeout(1e9)
        assert.equal(output(core).length, 0)
      })
    }

    it('ends on an ack that goes back', () => {
      const core = newCore()
      core.write(new Uint8Array(100))
      output(core)
      core.receive(0, encodeAck(100, 5_000), 1)
      core.receive(0, encodeAck(99, 5_000), 1)
      assert.ok(core.ending?.error instanceof SessionProtocolError)
    })

    it('keeps no byte of a frame that passes the limit, however it is cut', () => {
      const core = newCore()
      const frame = Buffer.concat([encodeDataHeader(0, WINDOW + 1, false), new Uint8Array(2_000)])
      for (const byte of frame) core.receive(0, Uint8Array.of(byte), 1)
      assert.equal(core.unread, 0)
      assert.equal(core.life, 'gone')
    })

    it('ends when a resume claims more than was ever sent', () => {
      const core = newCore()
      core.detach(0, 1)
      assert.equal(core.attach(1, { received: 1, sent: 0 }, 2), false)
      assert.ok(core.ending?.error instanceof SessionProtocolError)
    })
  })

  it('takes no attachment that is not newer, and no word that is older than what it knows', () => {
    const pair = new Pair()
    pair.a.write(new Uint8Array(100))
    pair.exchange()
    pair.b.read(1e9, 1)
    pair.b.onTimeout(100)
    pair.exchange()
    assert.equal(pair.a.confirmed, 100)
    assert.equal(pair.a.attach(0, pair.b.position, 1), false)
    assert.equal(pair.a.attach(5, { received: 50, sent: 0 }, 1), false, 'confirmed since')
    assert.equal(pair.a.life, 'attached')
    assert.equal(pair.a.attach(5, { received: 100, sent: 0 }, 1), true)
    assert.equal(pair.a.attach(4, { received: 100, sent: 0 }, 1), false)
    // The older stream is fenced.
    pair.a.receive(0, encodeReset(1, ''), 1)
    assert.equal(pair.a.life, 'attached')
  })

  it('confirms only what the application has taken', () => {
    const pair = new Pair()
    pair.a.write(new Uint8Array(1_000))
    pair.a.sync()
    pair.exchange()
    pair.b.onTimeout(1_000)
    pair.exchange()
    assert.equal(pair.a.stats.unackedBytes, 1_000)
    pair.b.read(400, 1)
    pair.exchange()
    assert.equal(pair.a.stats.unackedBytes, 1_000, 'the sync asks for all of it')
    pair.b.read(600, 1)
    pair.exchange()
    assert.equal(pair.a.stats.unackedBytes, 0)
  })

  it('confirms a little after a short wait, a lot at once', () => {
    const pair = new Pair()
    pair.a.write(new Uint8Array(3_000))
    pair.exchange()
    pair.b.read(100, 10)
    assert.equal(pair.b.hasOutput, false)
    assert.equal(pair.b.nextTimeout(), 35)
    pair.b.onTimeout(35)
    assert.equal(pair.b.hasOutput, true)
    pair.exchange()
    assert.equal(pair.a.confirmed, 100)
    pair.b.read(2_500, 40)
    assert.equal(pair.b.hasOutput, true)
  })

  it('stops at the window, and lets it grow only for a reader that keeps up', () => {
    const pair = new Pair()
    assert.equal(pair.a.write(new Uint8Array(WINDOW)), false)
    pair.a.write(new Uint8Array(40 * WINDOW))
    pair.exchange()
    assert.equal(pair.b.unread, WINDOW)
    assert.equal(pair.b.stats.receiveWindow, WINDOW)
    for (let round = 0; round < 4; round++) {
      while (pair.b.read(1e9, 1) !== undefined);
      pair.exchange()
    }
    assert.equal(pair.b.stats.receiveWindow, 4 * WINDOW)
    assert.equal(pair.a.stats.sendWindow, 4 * WINDOW)
    assert.equal(pair.b.unread, 4 * WINDOW)
  })

  it('does not grow when the budget is used up', () => {
    const pair = new Pair()
    pair.budget.reserve(pair.budget.limit - pair.budget.used)
    pair.a.write(new Uint8Array(10 * WINDOW))
    for (let round = 0; round < 4; round++) {
      pair.exchange()
      while (pair.b.read(1e9, 1) !== undefined);
    }
    assert.equal(pair.b.stats.receiveWindow, WINDOW)
    assert.equal(pair.a.stats.sendWindow, WINDOW)
    assert.ok(pair.b.stats.receivedBytes >= 4 * WINDOW, 'it goes on all the same')
  })

  it('refers to the payload that it sends, without a copy', () => {
    const core = newCore()
    const chunk = new Uint8Array(3_000)
    core.write(chunk)
    const out = core.pollOutput()
    assert.equal(out?.length, 2)
    assert.equal(out?.[1], chunk)
  })

  it('remembers a clean end, so that a lost last ack is no loss', () => {
    const pair = new Pair()
    pair.a.end(0)
    pair.b.end(0)
    // b hears everything; what it says last is lost, and so is the stream.
    const offered = output(pair.a)
    pair.a.receive(0, output(pair.b), 1)
    pair.b.receive(0, offered, 1)
    output(pair.b)
    pair.b.receive(0, output(pair.a), 1)
    output(pair.b)
    assert.equal(pair.b.life, 'lingering')
    assert.equal(pair.b.ending?.error, undefined)
    assert.equal(pair.a.ending, undefined)
    pair.detach()
    pair.now = 500
    pair.attach(1)
    pair.exchange()
    assert.deepEqual(pair.a.ending, { error: undefined, readEnded: true })
    assert.equal(pair.a.life, 'gone')
    assert.equal(pair.b.life, 'gone', 'who was told forgets')
    assert.equal(pair.budget.used, 0)
  })

  it('forgets a clean end after resumeTimeout', () => {
    const pair = new Pair()
    pair.a.end(0)
    pair.b.end(0)
    const offered = output(pair.a)
    pair.a.receive(0, output(pair.b), 1)
    pair.b.receive(0, offered, 1)
    output(pair.b)
    pair.b.receive(0, output(pair.a), 1)
    pair.detach()
    assert.equal(pair.b.nextTimeout(), 1_000)
    pair.b.onTimeout(1_000)
    assert.equal(pair.b.life, 'gone')
    assert.equal(pair.b.ending?.error, undefined)
    pair.a.onTimeout(1_000)
    assert.ok(pair.a.ending?.error instanceof SessionLostError)
  })

  it('is lost after resumeTimeout, with what is unconfirmed', () => {
    const core = newCore()
    core.write(new Uint8Array(123))
    core.detach(0, 50)
    core.write(new Uint8Array(7))
    core.onTimeout(1_049)
    assert.equal(core.life, 'detached')
    core.onTimeout(1_050)
    assert.equal(unconfirmed(core), 130)
  })

  it('says a reset again on the next stream, until the peer has heard it', () => {
    const pair = new Pair()
    pair.a.abort(300, 'no', new SessionResetError('no', 300), 0)
    output(pair.a)
    pair.detach()
    pair.attach(1)
    pair.exchange()
    const error = pair.b.ending?.error
    assert.ok(error instanceof SessionResetError && error.resetCode === 300)
    assert.equal(pair.a.life, 'gone')
    assert.equal(pair.b.life, 'gone')
  })

  it('gives up closing when nothing moves, and says what was not delivered', () => {
    const pair = new Pair()
    pair.a.write(new Uint8Array(10))
    pair.a.close(0)
    pair.exchange()
    pair.a.onTimeout(299)
    assert.equal(pair.a.ending, undefined)
    pair.now = 299
    pair.b.read(5, 299)
    pair.b.onTimeout(400)
    pair.exchange()
    pair.a.onTimeout(598)
    assert.equal(pair.a.ending, undefined, 'something moved')
    pair.a.onTimeout(599)
    assert.equal(unconfirmed(pair.a), 5)
  })

  it('closes cleanly when all of ours is delivered, whatever the peer still has to say', () => {
    const pair = new Pair()
    pair.a.write(new Uint8Array(10))
    pair.a.close(0)
    pair.exchange()
    pair.b.read(10, 1)
    pair.exchange()
    assert.equal(pair.a.ending, undefined)
    pair.a.onTimeout(1_000)
    assert.deepEqual(pair.a.ending, { error: undefined, readEnded: false })
    pair.exchange()
    const error = pair.b.ending?.error
    assert.ok(error instanceof SessionResetError && error.resetCode === 0)
  })

  it('has a table of every state and event, in which every state is left', () => {
    const all: LifeEvent[] = [
      'attach',
      'detach',
      'finish',
      'abort',
      'peer-reset',
      'peer-done',
      'fault',
      'lose'
    ]
    for (const state of Object.keys(TRANSITIONS) as Life['at'][]) {
      for (const event of Object.keys(TRANSITIONS[state])) {
        assert.ok(all.includes(event as LifeEvent), event)
      }
      if (state !== 'gone') assert.equal(TRANSITIONS[state].lose, 'gone')
    }
    assert.deepEqual(TRANSITIONS.gone, {})
  })
})
