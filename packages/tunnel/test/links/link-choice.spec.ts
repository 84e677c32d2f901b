import assert from 'node:assert/strict'
import { chooseLink, linkCost } from '../../src/links/link-choice.ts'
import type { LinkCandidate } from '../../src/links/link-choice.ts'

function link(change: Partial<LinkCandidate> = {}): LinkCandidate {
  return { state: 'connected', delay: 0, length: 1, rate: undefined, sessions: 0, ...change }
}

/** A fixed sequence of numbers in [0, 1), the same at each run. */
function sequence(): () => number {
  let state = 1
  return () => {
    state = (state * 48_271) % 0x7fff_ffff
    return state / 0x7fff_ffff
  }
}

describe('choice of a link', () => {
  it('R9: never takes a dead link, wherever it stands', () => {
    const random = sequence()
    const alive = link({ length: 500 })
    for (const state of ['error', 'closed', 'connecting'] as const) {
      const dead = link({ state, length: 0.1 })
      for (let i = 0; i < 300; i++) {
        const candidates = i % 2 === 0 ? [dead, alive] : [alive, dead]
        assert.equal(chooseLink(candidates, random), alive)
      }
      assert.equal(chooseLink([dead], random), undefined)
    }
    assert.equal(chooseLink([], random), undefined)
  })

  it('R10: of two idle links, one 900 times slower, takes the faster', () => {
    const random = sequence()
    const [fast, slow] = [link({ length: 0.2 }), link({ length: 180 })]
    for (let i = 0; i < 300; i++) {
      assert.equal(chooseLink(i % 2 === 0 ? [fast, slow] : [slow, fast], random), fast)
    }
  })

  it('takes a measured link before one that was never measured, and a free before a busy one', () => {
    const random = sequence()
    const measured = link({ length: 50 })
    assert.equal(chooseLink([link({ length: undefined }), measured], random), measured)
    const free = link()
    assert.equal(chooseLink([link({ delay: 10 }), free], random), free)
    assert.equal(chooseLink([link({ rate: 1e9 }), free], random), free)
  })

  it('does not let one factor that is zero hide the others', () => {
    assert.ok(linkCost(link({ delay: 0, length: 900 })) > linkCost(link({ delay: 1, length: 1 })))
    assert.ok(linkCost(link({ rate: 0, length: 900 })) > linkCost(link({ rate: 20_000 })))
    assert.ok(linkCost(link({ length: 0, delay: 100 })) > linkCost(link({ length: 1 })))
  })

  it('spreads over equal links, and prefers those with fewer sessions', () => {
    const random = sequence()
    const links = Array.from({ length: 8 }, () => ({ ...link(), sessions: 0 }))
    for (let i = 0; i < 800; i++) {
      const chosen = chooseLink(links, random)
      assert.ok(chosen !== undefined)
      chosen.sessions++
    }
    for (const { sessions } of links) {
      assert.ok(sessions >= 90 && sessions <= 110, `${sessions} of 800 on one of eight`)
    }
  })
})
