import assert from 'node:assert/strict'
import { RedialPauses } from '../../src/links/redial-pauses.ts'

const OPTIONS = { first: 250, factor: 2, max: 30_000 }

describe('RedialPauses', () => {
  it('a peer with a few links, or that never said: no pause to speak of, then the back-off', () => {
    const pauses = new RedialPauses(OPTIONS, () => 1)
    assert.equal(pauses.idle(), 0)
    pauses.crowd(2)
    assert.equal(pauses.idle(), 100)
    assert.deepEqual([pauses.failed(), pauses.failed(), pauses.failed()], [250, 500, 1_000])
    pauses.reset()
    assert.equal(pauses.failed(), 250)
  })

  it('a peer with many links: all who return are spread over as many seconds as they need', () => {
    const widest = new RedialPauses(OPTIONS, () => 1)
    widest.crowd(200)
    assert.equal(widest.idle(), 10_000)
    assert.deepEqual([widest.failed(), widest.failed()], [20_000, 20_000])
    const least = new RedialPauses(OPTIONS, () => 0)
    least.crowd(200)
    assert.deepEqual([least.idle(), least.failed()], [0, 0])
  })

  it('no number that a peer tells delays anyone beyond the longest pause', () => {
    const pauses = new RedialPauses(OPTIONS, () => 1)
    pauses.crowd(2 ** 32 - 1)
    assert.deepEqual([pauses.idle(), pauses.failed()], [30_000, 30_000])
  })
})

/**
 * Dials of 500 clients of a hub, each second, on a clock of its own: it dies at 0 and listens again
 * `dead` ms later; everyone looks as the keeper does.
 */
function perSecond(dead: number, busy: number): { dials: number[]; back: number } {
  let seed = 1
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const dials = Array.from({ length: 600 }, () => 0)
  let back = 0
  for (let client = 0; client < 500; client++) {
    const pauses = new RedialPauses(OPTIONS, random)
    pauses.crowd(500)
    let at = client < busy ? 0 : pauses.idle()
    for (;;) {
      dials[Math.floor(at / 1_000)] = (dials[Math.floor(at / 1_000)] ?? 0) + 1
      if (at >= dead) break
      at += pauses.failed()
    }
    back = Math.max(back, at - dead)
  }
  return { dials, back }
}

describe('500 clients of a hub that dies', () => {
  for (const dead of [100, 2_000, 20_000, 120_000]) {
    it(`for ${dead / 1_000} s: at most 100 dials a second, all back within 60 s`, () => {
      const { dials, back } = perSecond(dead, 0)
      assert.ok(Math.max(...dials) <= 100, dials.join())
      assert.ok(back <= 60_000, `${back}`)
    })
  }

  it('all of them with sessions: one look at once, then spread like the others', () => {
    const { dials, back } = perSecond(5_000, 500)
    const [first = 0, ...later] = dials
    assert.ok(first >= 500 && first <= 600, `${first}`)
    assert.ok(Math.max(...later) <= 100, later.join())
    assert.ok(back <= 60_000)
  })
})
