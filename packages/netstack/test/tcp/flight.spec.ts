import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Flight, SENT } from '../../src/tcp/flight.ts'

const BASE = 0x7fff_fff0

/** What the flight should say, counted the slow way. */
function audit(flight: Flight): void {
  let pipe = 0
  let sacked = 0
  let lost = 0
  const free: number[] = []
  for (let place = 0; place < flight.count; place++) {
    const index = flight.at(place)
    const flags = flight.flags(index)
    if ((flags & SENT.sacked) !== 0) sacked++
    else if ((flags & SENT.lost) !== 0) lost++
    else {
      pipe += (flight.end(index) - flight.start(index)) | 0
      free.push(index)
    }
    assert.ok((flags & (SENT.sacked | SENT.lost)) !== (SENT.sacked | SENT.lost))
    if (place > 0) assert.equal(flight.start(index), flight.end(flight.at(place - 1)))
  }
  assert.deepEqual([flight.pipe, flight.sackedCount, flight.lostCount], [pipe, sacked, lost])
  const chain: number[] = []
  for (let index = flight.oldest; index >= 0; index = flight.newer(index)) chain.push(index)
  assert.deepEqual(new Set(chain), new Set(free))
  assert.equal(chain.length, free.length)
  for (let i = 1; i < chain.length; i++) {
    assert.ok(flight.sentAt(chain[i - 1] as number) <= flight.sentAt(chain[i] as number))
  }
  if (lost > 0) {
    const first = flight.firstLost()
    assert.ok((flight.flags(first) & SENT.lost) !== 0)
    for (let place = 0; flight.at(place) !== first; place++) {
      assert.equal(flight.flags(flight.at(place)) & SENT.lost, 0)
    }
  }
}

describe('flight', () => {
  it('keeps count through any course of events', () => {
    const event = fc.tuple(
      fc.constantFrom(
        'send',
        'send',
        'send',
        'ack',
        'part',
        'sack',
        'lose',
        'resend',
        'find',
        'forget',
        'cut'
      ),
      fc.nat({ max: 1000 })
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), events => {
        const flight = new Flight()
        let nxt = BASE
        let now = 0
        for (const [what, n] of events) {
          now++
          const place = flight.count === 0 ? 0 : n % flight.count
          const index = flight.at(place)
          const flags = flight.count === 0 ? 0 : flight.flags(index)
          const free = (flags & (SENT.sacked | SENT.lost)) === 0
          if (what === 'send') {
            flight.push(nxt, (nxt + 1 + n) | 0, 0, now)
            nxt = (nxt + 1 + n) | 0
          } else if (flight.count === 0) continue
          else if (what === 'ack') for (let i = 0; i <= place; i++) flight.drop()
          else if (what === 'part') {
            const { head } = flight
            const length = (flight.end(head) - flight.start(head)) | 0
            flight.trim((flight.start(head) + (n % length)) | 0)
          } else if (what === 'sack' && (flags & SENT.sacked) === 0) flight.markSacked(index)
          else if (what === 'lose' && free) flight.markLost(index)
          else if (what === 'resend' && (flags & SENT.sacked) === 0) flight.resent(index, now)
          else if (what === 'find' && (flags & SENT.lost) !== 0) flight.unmarkLost(index)
          else if (what === 'forget') flight.forgetSacked()
          else if (what === 'cut') {
            flight.recut(100 + n)
            for (let i = 0; i < flight.count; i++) {
              assert.ok(((flight.end(flight.at(i)) - flight.start(flight.at(i))) | 0) <= 100 + n)
            }
          }
          audit(flight)
          if (flight.count > 0) {
            const inside = flight.start(flight.at(place % flight.count))
            const found = flight.at(flight.placeOf(inside))
            assert.equal(flight.start(found), inside)
          }
        }
      }),
      { numRuns: 300 }
    )
  })
})
