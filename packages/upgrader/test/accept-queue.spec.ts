import assert from 'node:assert/strict'
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { startStreams } from '../src/index.ts'
import type { UpgraderView } from '../src/index.ts'
import { never, rawPair } from './support/pair.ts'
import type { Peer } from './support/peer.ts'
import { createPeer } from './support/peer.ts'
import { dialTcp, listenTcp, openSockets, until } from './support/tcp.ts'

describe('accept queue', () => {
  let dialler: Peer
  let open: Connection[]

  beforeEach(async () => {
    dialler = await createPeer()
    open = []
  })

  afterEach(async () => {
    for (const connection of open) connection.abort(new Error('the test is over'))
  })

  /** Starts both ends of an upgrade; the ends settle by themselves. */
  function start(view: UpgraderView, from?: string) {
    const raw = rawPair('/ip4/127.0.0.1/tcp/1', from)
    const outbound = dialler.upgrader.upgradeOutbound(raw.outbound, { signal: never() })
    const inbound = view.upgradeInbound(raw.inbound, { signal: never() })
    outbound.then(
      connection => open.push(connection),
      () => {}
    )
    inbound.catch(() => {})
    return { raw, outbound, inbound }
  }

  it('holds 200 diallers back over TCP, and lets all of them through once it is served', async () => {
    const before = openSockets()
    const listener = await createPeer()
    const view = listener.upgrader.createView()
    const tcp = await listenTcp(listener, view)
    const dials = Array.from({ length: 200 }, async () => dialTcp(dialler, tcp.addr))
    // At rest: nothing is under way, and everybody else waits.
    await until(() => {
      const { waiting, slots, queued } = listener.upgrader.stats()
      return slots === 0 && waiting + queued === 200
    })
    const { queued, waiting, inbound } = listener.upgrader.stats()
    assert.ok(queued >= 16 && queued <= 80, `${queued} capable connections`)
    assert.equal(view.queue.length, queued)
    assert.equal(waiting, 200 - queued)
    assert.equal(inbound.attempts, queued)

    const accepted: Connection[] = []
    for await (const connection of view.queue) {
      accepted.push(connection)
      startStreams(connection)
      if (accepted.length === 200) break
    }
    const dialled = await Promise.all(dials)
    assert.equal(new Set(accepted.map(({ id }) => id)).size, 200)
    assert.equal(view.queue.dropped, 0)
    await Promise.all(dialled.map(async connection => connection.close()))
    await until(() => accepted.every(({ status }) => status === 'closed'))
    await Promise.all([tcp.close(), listener.upgrader.close()])
    await until(() => openSockets() <= before)
  }).timeout(20_000)

  it('starts no upgrade while it is full, and the next one when a place is free', async () => {
    const listener = await createPeer({ acceptQueueLength: 2 })
    const { queue } = listener.upgrader
    await Promise.all([start(listener.upgrader).inbound, start(listener.upgrader).inbound])
    assert.equal(queue.length, 2)
    const third = start(listener.upgrader)
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(listener.upgrader.stats().waiting, 1)
    assert.equal(listener.upgrader.stats().inbound.attempts, 2)
    const first = await queue.accept()
    await third.inbound
    assert.equal(queue.length, 2)
    assert.equal(first.status, 'open')
    await listener.upgrader.close()
  })

  it('counts the queue of each view by itself', async () => {
    const listener = await createPeer({ acceptQueueLength: 1 })
    const full = listener.upgrader.createView()
    const free = listener.upgrader.createView({ acceptQueueLength: 3 })
    await start(full).inbound
    start(full)
    await Promise.all([start(free).inbound, start(free).inbound, start(free).inbound])
    assert.deepEqual([full.queue.length, free.queue.length], [1, 3])
    assert.equal(listener.upgrader.stats().queued, 4)
    await listener.upgrader.close()
  })

  it('pauses a conn that waits for its slot, and resumes it then', async () => {
    const listener = await createPeer({ acceptQueueLength: 1 })
    await start(listener.upgrader).inbound
    const { raw, inbound } = start(listener.upgrader)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(readStatus(raw.inbound), 'paused')
    await listener.upgrader.queue.accept()
    await inbound
    assert.equal(readStatus(raw.inbound), 'readable')
    await listener.upgrader.close()
  })

  it('takes the slot that its listener brings, and gives it back', async () => {
    const listener = await createPeer({ maxParallelUpgrades: 1 })
    const raw = rawPair()
    const slot = await listener.upgrader.slot({ remoteAddr: raw.inbound.remoteAddr })
    assert.equal(listener.upgrader.stats().slots, 1)
    const waiting = new AbortController()
    const second = listener.upgrader.slot({
      remoteAddr: raw.inbound.remoteAddr,
      signal: waiting.signal
    })
    const outbound = dialler.upgrader.upgradeOutbound(raw.outbound, { signal: never() })
    const options = { signal: never(), slot }
    await Promise.all([outbound, listener.upgrader.upgradeInbound(raw.inbound, options)])
    const next = await second
    assert.equal(listener.upgrader.stats().slots, 1)
    next.release()
    assert.equal(listener.upgrader.stats().slots, 0)
    await listener.upgrader.close()
  })

  it('skips connections that died while they waited, and frees their places', async () => {
    const listener = await createPeer({ acceptQueueLength: 2 })
    const { queue } = listener.upgrader
    const first = start(listener.upgrader)
    await first.inbound
    const second = start(listener.upgrader)
    await second.inbound
    const dead = await first.outbound
    dead.abort(new Error('gone'))
    await until(() => queue.length === 1)
    assert.equal(queue.dropped, 1)
    await start(listener.upgrader).inbound
    const alive = await queue.accept()
    assert.equal(alive.status, 'open')
    assert.notEqual(alive.id, (await queue.accept()).id)
    await listener.upgrader.close()
  })

  it('aborts what nobody accepts in time', async () => {
    const listener = await createPeer({ acceptTimeout: 30 })
    const { inbound, outbound } = start(listener.upgrader)
    await inbound
    const connection = await outbound
    await new Promise(resolve => connection.addEventListener('close', resolve))
    const { length, dropped } = listener.upgrader.queue
    assert.deepEqual([length, dropped], [0, 1])
    await listener.upgrader.close()
  })

  it('gives up a wait when its signal fires, and serves the others in order', async () => {
    const listener = await createPeer()
    const { queue } = listener.upgrader
    const controller = new AbortController()
    const given = queue.accept(controller.signal)
    const [second, third] = [queue.accept(), queue.accept()]
    controller.abort(new Error('enough'))
    await assert.rejects(given, /enough/)
    await start(listener.upgrader).inbound
    await second
    await start(listener.upgrader).inbound
    await third
    await assert.rejects(queue.accept(AbortSignal.abort(new Error('no'))), /no/)
    await listener.upgrader.close()
  })

  it('ends its waits, its iterations and what it holds when it closes', async () => {
    const listener = await createPeer({ acceptQueueLength: 1 })
    const view = listener.upgrader.createView()
    const queued = start(view)
    await queued.inbound
    const waiting = start(view)
    const other = listener.upgrader.createView()
    const accept = other.queue.accept()
    const iteration = other.queue[Symbol.asyncIterator]().next()
    await Promise.all([
      assert.rejects(accept, { code: 'ERR_ACCEPT_QUEUE_CLOSED' }),
      assert.rejects(waiting.inbound, { code: 'ERR_ACCEPT_QUEUE_CLOSED' }),
      listener.upgrader.close()
    ])
    assert.equal((await iteration).done, true)
    assert.notEqual(waiting.raw.inbound.status, 'open')
    await until(() => queued.raw.outbound.status !== 'open')
    await assert.rejects(view.slot({ remoteAddr: waiting.raw.inbound.remoteAddr }), {
      code: 'ERR_ACCEPT_QUEUE_CLOSED'
    })
    await assert.rejects(start(view).inbound, { code: 'ERR_ACCEPT_QUEUE_CLOSED' })
    const stats = listener.upgrader.stats()
    assert.deepEqual([stats.queued, stats.waiting, stats.slots, stats.dropped], [0, 0, 0, 1])
  })

  it('waits for upgrades under way when it closes, and cuts off those that hang', async () => {
    const listener = await createPeer({ closeTimeout: 40 })
    const silent = rawPair()
    const hanging = listener.upgrader.upgradeInbound(silent.inbound, { signal: never() })
    await until(() => listener.upgrader.queue.upgrading === 1)
    const refused = assert.rejects(hanging, { code: 'ERR_UPGRADE', step: 'security' })
    await listener.upgrader.close()
    await refused
    assert.equal(silent.inbound.status, 'aborted')
    assert.equal(listener.upgrader.stats().slots, 0)
  })

  it('refuses a source over its rate, and says so', async () => {
    const listener = await createPeer({ inboundRatePerSource: 1, inboundBurstPerSource: 2 })
    const from = '/ip4/192.0.2.1/tcp/5'
    await Promise.all([
      start(listener.upgrader, from).inbound,
      start(listener.upgrader, from).inbound
    ])
    const { raw, inbound } = start(listener.upgrader, from)
    await assert.rejects(inbound, { code: 'ERR_UPGRADE_REFUSED', reason: 'rate' })
    assert.equal(raw.inbound.status, 'aborted')
    await start(listener.upgrader, '/ip4/192.0.2.2/tcp/5').inbound
    assert.equal(listener.upgrader.stats().refused.rate, 1)
    await listener.upgrader.close()
  })

  it('shuts out a source that keeps breaking the protocol, and not one whose link is cut', async () => {
    const listener = await createPeer()
    const junk = async (from: string, act: (conn: MultiaddrConnection) => void) => {
      const raw = rawPair('/ip4/127.0.0.1/tcp/1', from)
      const upgrade = listener.upgrader.upgradeInbound(raw.inbound, { signal: never() })
      act(raw.outbound)
      await assert.rejects(upgrade, { code: 'ERR_UPGRADE' })
      assert.notEqual(raw.inbound.status, 'open')
    }
    // Penalties run off with time, so the third may come a moment too late to count.
    for (let i = 0; i < 4; i++) {
      await junk('/ip4/192.0.2.1/tcp/5', conn =>
        conn.send(Buffer.from(`GET / HTTP/1.1\r\nhost: ${'x'.repeat(99)}`))
      )
      await junk('/ip4/192.0.2.2/tcp/5', conn => conn.abort(new Error('cut')))
    }
    await assert.rejects(start(listener.upgrader, '/ip4/192.0.2.1/tcp/6').inbound, {
      code: 'ERR_UPGRADE_REFUSED',
      reason: 'penalty'
    })
    await start(listener.upgrader, '/ip4/192.0.2.2/tcp/6').inbound
    await listener.upgrader.close()
  })

  it('lets at most so many wait for a slot, but keeps other views going', async () => {
    const listener = await createPeer({ acceptQueueLength: 1, maxWaitingUpgrades: 2 })
    await start(listener.upgrader).inbound
    const waiting = [start(listener.upgrader), start(listener.upgrader)]
    await assert.rejects(start(listener.upgrader).inbound, {
      code: 'ERR_UPGRADE_REFUSED',
      reason: 'waiting'
    })
    await start(listener.upgrader.createView()).inbound
    assert.equal(listener.upgrader.stats().refused.waiting, 1)
    const ends = waiting.map(async ({ inbound }) => assert.rejects(inbound))
    await Promise.all([listener.upgrader.close(), ...ends])
  })

  it('lets at most so many of one source be upgraded at a time', async () => {
    const listener = await createPeer({ maxParallelUpgradesPerSource: 2 })
    const silent = Array.from({ length: 4 }, () =>
      rawPair('/ip4/127.0.0.1/tcp/1', '/ip4/192.0.2.1/tcp/5')
    )
    const controller = new AbortController()
    const upgrades = silent.map(async raw =>
      listener.upgrader.upgradeInbound(raw.inbound, { signal: controller.signal })
    )
    const ends = Promise.allSettled(upgrades)
    assert.deepEqual([listener.upgrader.stats().slots, listener.upgrader.stats().waiting], [2, 2])
    await start(listener.upgrader, '/ip4/192.0.2.2/tcp/5').inbound
    controller.abort(new Error('over'))
    for (const end of await ends) {
      assert.equal(end.status, 'rejected')
      assert.match(String(end.reason), /over/)
    }
    for (const { inbound } of silent) assert.equal(inbound.status, 'aborted')
    await listener.upgrader.close()
  })
})

function readStatus(conn: MultiaddrConnection): string | undefined {
  return (conn as MultiaddrConnection & { readStatus?: string }).readStatus
}
