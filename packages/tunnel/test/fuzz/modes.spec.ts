import assert from 'node:assert/strict'
import fc from 'fast-check'
import { address, back, hello, isQueueName, open } from '../../src/broker/envelope.ts'
import { Leases } from '../../src/broker/leases.ts'
import { SubscriberQueue } from '../../src/modes/subscriber-queue.ts'
import { SessionProtocolError } from '../../src/session/errors.ts'
import { MessageReader, encodeGap, encodeMessage } from '../../src/session/message-codec.ts'
import { PARAMETERS } from './arbitraries.ts'

const limits = { maxMessageBytes: 256, headerBytes: 64 }
const body = fc.uint8Array({ maxLength: 40 }).map(bytes => Uint8Array.from(bytes))
const queues = fc.uniqueArray(
  fc.string({ minLength: 1, maxLength: 20 }).filter(name => isQueueName(name)),
  { maxLength: 6 }
)

/** Reads `data` in pieces of the given sizes, as a session hands it out. */
function readerOf(
  data: Uint8Array,
  sizes: readonly number[]
): (max: number) => Uint8Array | undefined {
  let at = 0
  let turn = 0
  return max => {
    const size = Math.min(max, sizes[turn++ % sizes.length] ?? max)
    const part = data.slice(at, at + size)
    at += part.length
    return part.length === 0 ? undefined : part
  }
}

describe('fuzzed: what publishers and subscribers say', () => {
  it('messages and gaps come back as they went, in any chunking', () => {
    const items = fc.array(fc.oneof(body, fc.integer({ min: 1, max: 0x7fff_ffff })), {
      maxLength: 12
    })
    fc.assert(
      fc.property(
        items,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (all, sizes) => {
          const data = Buffer.concat(
            all.map(item =>
              typeof item === 'number' ? encodeGap(item) : encodeMessage({ body: item }, limits)
            )
          )
          const reader = new MessageReader(limits, true)
          const read = readerOf(data, sizes)
          const got: Uint8Array[] = []
          for (let m = reader.next(read); m !== undefined; m = reader.next(read)) got.push(m.body)
          assert.deepEqual(
            got.map(bytes => Buffer.from(bytes).toString('hex')),
            all.flatMap(item => (typeof item === 'number' ? [] : Buffer.from(item).toString('hex')))
          )
          const missed = all.reduce<number>((sum, i) => sum + (typeof i === 'number' ? i : 0), 0)
          assert.equal(reader.missed, missed)
          assert.equal(reader.isBetween, true)
        }
      ),
      PARAMETERS
    )
  })

  it('bytes of a publisher are messages, gaps, or a protocol error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const reader = new MessageReader(limits, true)
        const read = readerOf(bytes, [7])
        try {
          while (reader.next(read) !== undefined) {
            // As long as there are any.
          }
        } catch (error) {
          assert.ok(error instanceof SessionProtocolError, String(error))
        }
      }),
      PARAMETERS
    )
  })

  it('headers of a broker come back as they went, and any other harm nobody', () => {
    fc.assert(
      fc.property(fc.boolean(), queues, fc.nat(), body, (all, names, lease, bytes) => {
        const to = { all, queues: names }
        const addressed = open(address({ headers: { own: 'x' }, body: bytes }, to, lease))
        assert.ok(addressed.kind === 'message')
        assert.deepEqual(
          [addressed.to.all, addressed.to.queues, addressed.lease],
          [all, names, lease]
        )
        assert.deepEqual({ ...addressed.message.headers }, { own: 'x' })
        const told = open(hello(to))
        assert.ok(told.kind === 'hello')
        assert.deepEqual([told.to.all, told.to.queues], [all, names])
        const returned = open(back(lease, names))
        assert.ok(returned.kind === 'back')
        assert.deepEqual([returned.lease, returned.queues], [lease, names])
      }),
      PARAMETERS
    )
    const header = fc.oneof(fc.json(), fc.string(), fc.constant('[true,0,"__proto__"]'))
    const headers = fc.record(
      { 'warren-to': header, 'warren-hello': header, 'warren-back': header, own: header },
      { requiredKeys: [] }
    )
    fc.assert(
      fc.property(headers, body, (given, bytes) => {
        const { kind } = open({ headers: given, body: bytes })
        assert.ok(['message', 'hello', 'back', 'unknown'].includes(kind))
      }),
      PARAMETERS
    )
  })

  it('a lease gives back each message once for each group, whatever is asked for', () => {
    const asked = fc.array(fc.tuple(fc.nat(12), queues), { maxLength: 30 })
    fc.assert(
      fc.property(fc.array(queues, { maxLength: 10 }), asked, (given, requests) => {
        const leases = new Leases()
        const left = new Map(
          given.map(names => [leases.add({ body: new Uint8Array(1) }, names), new Set(names)])
        )
        for (const [lease, names] of requests) {
          const owed = names.filter(name => left.get(lease)?.delete(name) === true)
          assert.deepEqual(leases.giveBack(lease, names)?.queues ?? [], owed)
        }
      }),
      PARAMETERS
    )
  })

  it('a queue loses no message and no count of those left out', () => {
    const policy = fc.constantFrom('block', 'drop-oldest', 'drop-newest', 'latest', 'error')
    const step = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom('shift', 'remove'))
    const limit = fc.integer({ min: 1, max: 5 })
    fc.assert(
      fc.property(policy, limit, fc.array(step, { maxLength: 60 }), (overload, messages, steps) => {
        const queue = new SubscriberQueue<Uint8Array>(
          overload as 'block',
          { messages, bytes: 40 },
          ({ length }) => length
        )
        let [pushed, told, handed] = [0, 0, 0]
        const shift = (): boolean => {
          const next = queue.peek()
          if (next === undefined) return false
          queue.shift()
          told += next.gap
          handed++
          return true
        }
        for (const one of steps) {
          if (one === 'shift') shift()
          else if (one === 'remove' && queue.last !== undefined) queue.remove(queue.last)
          else if (typeof one === 'number') {
            pushed++
            queue.push(new Uint8Array(one))
            if (overload !== 'block') assert.ok(queue.size <= messages)
          }
        }
        while (shift()) {
          // Until nothing waits.
        }
        told += queue.takeTailGap()
        assert.equal(told, queue.dropped)
        assert.equal(handed + told, pushed)
      }),
      PARAMETERS
    )
  })
})
