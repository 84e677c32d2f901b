import assert from 'node:assert/strict'
import { PoolCore } from '../../src/pool/pool-core.ts'
import type { PoolPolicy } from '../../src/pool/pool-core.ts'

const POLICY: PoolPolicy = {
  mode: 'warm',
  minIdle: 2,
  maxTotal: 4,
  maxIdle: 1_000,
  maxWaiters: 2,
  waitTimeout: 100
}

function make(policy: Partial<PoolPolicy> = {}): PoolCore {
  return new PoolCore({ ...POLICY, ...policy })
}

/** The actions since the last call, as short words: `connect`, `grant 1=10`, `reject 1 ERR_X`. */
function actions(core: PoolCore): string[] {
  const words: string[] = []
  for (let action = core.pollAction(); action !== undefined; action = core.pollAction()) {
    if (action.do === 'connect') words.push('connect')
    else if (action.do === 'grant') words.push(`grant ${action.waiter}=${action.conn}`)
    else if (action.do === 'reject') {
      const code = 'code' in action.error ? String(action.error.code) : action.error.message
      words.push(`reject ${action.waiter} ${code}`)
    } else words.push(`${action.do} ${action.conn}`)
  }
  return words
}

describe('pool policy', () => {
  it('warm: makes minIdle connections ready at the start', () => {
    const core = make()
    core.start(0)
    assert.deepEqual(actions(core), ['connect', 'connect'])
    core.connected(10, 1)
    core.connected(11, 1)
    assert.deepEqual(actions(core), ['keep 10', 'keep 11'])
    assert.equal(core.idle, 2)
  })

  it('warm: gives the oldest first and replaces it at once', () => {
    const core = ready(make())
    core.borrow(1, 2)
    assert.deepEqual(actions(core), ['grant 1=10', 'connect'])
  })

  it('warm: a connection is never used twice, clean or not', () => {
    const core = ready(make())
    core.borrow(1, 2)
    actions(core)
    core.release(10, true, 3)
    assert.deepEqual(actions(core), ['destroy 10'])
  })

  it('reuse: gives the newest, takes clean ones back, and destroys the others', () => {
    const core = ready(make({ mode: 'reuse' }))
    core.borrow(1, 2)
    core.borrow(2, 2)
    assert.deepEqual(actions(core), ['grant 1=11', 'connect', 'grant 2=10', 'connect'])
    core.release(11, true, 3)
    core.release(10, false, 3)
    assert.deepEqual(actions(core), ['keep 11', 'destroy 10'])
  })

  it('reuse: what comes back goes to who waits, first come first served', () => {
    const core = make({ mode: 'reuse', minIdle: 0, maxTotal: 1 })
    core.borrow(1, 0)
    core.connected(10, 0)
    core.borrow(2, 1)
    core.borrow(3, 1)
    assert.deepEqual(actions(core), ['connect', 'grant 1=10'])
    core.release(10, true, 2)
    assert.deepEqual(actions(core), ['grant 2=10'])
    core.release(10, false, 3)
    assert.deepEqual(actions(core), ['destroy 10', 'connect'])
    core.connected(11, 4)
    assert.deepEqual(actions(core), ['grant 3=11'])
  })

  it('none: dials for each borrower, keeps nothing ready', () => {
    const core = make({ mode: 'none' })
    core.start(0)
    assert.deepEqual(actions(core), [])
    core.borrow(1, 0)
    core.connected(10, 1)
    assert.deepEqual(actions(core), ['connect', 'grant 1=10'])
    core.borrow(2, 1)
    core.cancel(2)
    core.connected(11, 2)
    assert.deepEqual(actions(core), ['connect', 'destroy 11'])
    assert.equal(core.nextTimeout(), undefined)
  })

  it('maxTotal counts connections under way, ready and in use', () => {
    const core = make({ maxTotal: 3 })
    for (let i = 0; i < 5; i++) core.borrow(i, 0)
    assert.deepEqual(actions(core), ['connect', 'connect', 'connect'])
    for (let i = 10; i < 13; i++) core.connected(i, 1)
    assert.deepEqual(actions(core), ['grant 0=10', 'grant 1=11', 'grant 2=12'])
    assert.equal(core.waiting, 2)
    core.release(10, true, 2)
    assert.deepEqual(actions(core), ['destroy 10', 'connect'])
  })

  it('maxWaiters: one more is turned away at once', () => {
    const core = make({ minIdle: 0, maxTotal: 1 })
    core.borrow(1, 0)
    core.connected(10, 0)
    for (const waiter of [2, 3, 4]) core.borrow(waiter, 1)
    assert.deepEqual(actions(core), ['connect', 'grant 1=10', 'reject 4 ERR_POOL_EXHAUSTED'])
  })

  it('waitTimeout: turned away when the time has come, in the order of arrival', () => {
    const core = make({ minIdle: 0, maxTotal: 1 })
    core.borrow(1, 0)
    core.connected(10, 0)
    core.borrow(2, 10)
    core.borrow(3, 20)
    actions(core)
    assert.equal(core.nextTimeout(), 110)
    core.timeout(110)
    assert.deepEqual(actions(core), ['reject 2 ERR_POOL_EXHAUSTED'])
    assert.equal(core.nextTimeout(), 120)
  })

  it('maxIdle: a connection that waited too long is replaced', () => {
    const core = ready(make({ minIdle: 1 }), [10])
    assert.equal(core.nextTimeout(), 1_001)
    core.timeout(1_001)
    assert.deepEqual(actions(core), ['destroy 10', 'connect'])
  })

  it('a failed connection turns away only the borrower that nothing else can serve', () => {
    const core = make({ minIdle: 1 })
    core.start(0)
    core.borrow(1, 0)
    core.borrow(2, 0)
    // Two for the borrowers, one to be kept ready.
    assert.deepEqual(actions(core), ['connect', 'connect', 'connect'])
    core.failed(new Error('refused'), 1)
    assert.deepEqual(actions(core), [])
    core.failed(new Error('refused'), 1)
    assert.deepEqual(actions(core), ['reject 1 refused'])
    core.connected(10, 2)
    assert.deepEqual(actions(core), ['grant 2=10', 'connect'])
  })

  it('a target that refuses is tried for nobody with growing pauses, then not at all', () => {
    const core = make({ minIdle: 1 })
    core.start(0)
    let now = 0
    const pauses: number[] = []
    while (actions(core).includes('connect')) {
      core.failed(new Error('refused'), now)
      const at = core.nextTimeout()
      if (at === undefined) break
      pauses.push(at - now)
      now = at
      core.timeout(now)
    }
    assert.deepEqual(pauses, [250, 500, 1_000])
  })

  it('a ready connection that died is replaced at once, the next ones after growing pauses', () => {
    const core = ready(make({ minIdle: 1 }), [10])
    core.died(10, 5)
    assert.deepEqual(actions(core), ['destroy 10', 'connect'])
    core.connected(11, 6)
    core.died(11, 7)
    assert.deepEqual(actions(core), ['keep 11', 'destroy 11'])
    assert.equal(core.nextTimeout(), 7 + 250)
    core.timeout(7 + 250)
    core.connected(12, 300)
    core.died(12, 400)
    assert.equal(core.nextTimeout(), 400 + 500)
  })

  it('after four unused in a row the pool sleeps, until the next borrower', () => {
    const core = ready(make({ minIdle: 1 }), [10])
    let now = 1
    for (let conn = 10; conn < 14; conn++) {
      core.died(conn, now)
      now = Math.max(now, core.nextTimeout() ?? now)
      core.timeout(now)
      if (conn < 13) core.connected(conn + 1, now)
    }
    assert.equal(actions(core).filter(action => action === 'connect').length, 3)
    assert.equal(core.nextTimeout(), undefined)
    assert.equal(core.connecting, 0)
    // One for the borrower, and one to be kept ready.
    core.borrow(1, now + 60_000)
    core.connected(20, now + 60_001)
    assert.deepEqual(actions(core), ['connect', 'connect', 'grant 1=20'])
  })

  it('a granted connection found dead is replaced, and its borrower stays the first', () => {
    const core = ready(make({ minIdle: 1, maxTotal: 2 }), [10])
    core.borrow(1, 2)
    core.connected(11, 2)
    assert.deepEqual(actions(core), ['grant 1=10', 'connect', 'keep 11'])
    core.borrow(2, 2)
    core.borrow(3, 2)
    assert.deepEqual(actions(core), ['grant 2=11'])
    core.retry(1, 10, 3)
    assert.deepEqual(actions(core), ['destroy 10', 'connect'])
    core.connected(12, 4)
    assert.deepEqual(actions(core), ['grant 1=12'])
    assert.equal(core.nextTimeout(), 102)
  })

  it('a borrower that left does not swell the pool', () => {
    const core = ready(make({ minIdle: 1 }), [10])
    core.borrow(1, 2)
    core.borrow(2, 2)
    core.borrow(3, 2)
    core.cancel(2)
    core.cancel(3)
    for (let conn = 11; core.connecting > 0; conn++) core.connected(conn, 3)
    assert.equal(core.idle, 1)
  })

  it('close turns everybody away, destroys what is ready, and later what comes', () => {
    const core = ready(make({ maxTotal: 3 }))
    core.borrow(1, 2)
    actions(core)
    core.close()
    assert.deepEqual(actions(core), ['destroy 11'])
    core.connected(12, 3)
    core.release(10, true, 3)
    assert.deepEqual(actions(core), ['destroy 12', 'destroy 10'])
    core.borrow(2, 4)
    assert.deepEqual(actions(core), ['reject 2 ERR_POOL_CLOSED'])
    assert.equal(core.nextTimeout(), undefined)
  })

  it('never passes its limits, whatever happens (2,000 random steps, 20 seeds)', () => {
    for (let seed = 1; seed <= 20; seed++) randomRun(seed)
  })
})

/** Started, with these connections ready at time 1. */
function ready(core: PoolCore, conns = [10, 11]): PoolCore {
  core.start(0)
  for (const conn of conns) core.connected(conn, 1)
  actions(core)
  return core
}

function randomRun(seed: number): void {
  let state = seed * 2_654_435_761
  const random = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % n
  }
  const modes = ['warm', 'reuse', 'none'] as const
  const core = make({ mode: modes[seed % 3] ?? 'warm', maxTotal: 5, maxWaiters: 6 })
  let now = 0
  let ids = 100
  let dialling = 0
  const waiting = new Set<number>()
  const busy = new Map<number, number>()
  const idle = new Set<number>()
  core.start(now)
  for (let step = 0; step < 2_000; step++) {
    now += random(40)
    const pick = [...busy.keys()][random(Math.max(1, busy.size))]
    const idler = [...idle][random(Math.max(1, idle.size))]
    switch (random(8)) {
      case 0:
      case 1:
        waiting.add(++ids)
        core.borrow(ids, now)
        break
      case 2:
      case 3:
        if (dialling > 0) {
          dialling--
          core.connected(++ids, now)
        }
        break
      case 4:
        if (dialling > 0 && random(4) === 0) {
          dialling--
          core.failed(new Error('refused'), now)
        }
        break
      case 5:
        if (pick !== undefined) {
          busy.delete(pick)
          core.release(pick, random(2) === 0, now)
        }
        break
      case 6:
        if (idler !== undefined) {
          idle.delete(idler)
          core.died(idler, now)
        }
        break
      default: {
        const at = core.nextTimeout()
        if (at !== undefined && at <= now) core.timeout(now)
      }
    }
    for (let action = core.pollAction(); action !== undefined; action = core.pollAction()) {
      if (action.do === 'connect') dialling++
      else if (action.do === 'keep') idle.add(action.conn)
      else if (action.do === 'destroy') idle.delete(action.conn)
      else if (action.do === 'reject') assert.ok(waiting.delete(action.waiter), 'rejected once')
      else {
        assert.ok(waiting.delete(action.waiter), 'granted once')
        assert.ok(!busy.has(action.conn), 'to one user at a time')
        idle.delete(action.conn)
        busy.set(action.conn, action.waiter)
      }
    }
    assert.ok(dialling + idle.size + busy.size <= 5, `seed ${seed}: at most maxTotal`)
    assert.ok(waiting.size <= 5 + 6, `seed ${seed}: waiters are bounded`)
    assert.deepEqual([core.connecting, core.idle, core.busy], [dialling, idle.size, busy.size])
    assert.equal(core.waiting, waiting.size)
  }
}
