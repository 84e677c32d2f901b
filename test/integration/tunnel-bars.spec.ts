import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createTunnel, generateToken } from '@warren/tunnel'
import type { Session, Tunnel, TunnelOptions } from '@warren/tunnel'
import { yamux } from '@warren/yamux'
import { addressOf, afterwards, closeSwarms, dialling, listening } from '../support/swarms.ts'
import { until } from '../support/until.ts'

/** Messages of the broadcast; `WARREN_BROADCAST=10000` is the whole bar. */
const MESSAGES = Number(process.env['WARREN_BROADCAST'] ?? 3_000)
const SUBSCRIBERS = 100
/** Sessions beside each other on one link. */
const SESSIONS = 1_000
/** Dials that are closed again; `WARREN_DIALS=100000` is the whole bar. */
const DIALS = Number(process.env['WARREN_DIALS'] ?? 4_000)
const MiB = 1024 * 1024

// mocha starts a process of its own for its flags, which does not get ours.
setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const token = generateToken()

/** A connection carries 1,000 streams by default, of which the link's own is one. */
const streams = { maxInboundStreams: 2 * SESSIONS, maxOutboundStreams: 2 * SESSIONS }

/** A tunnel that ends before its swarm. */
async function tunnel(options: Partial<TunnelOptions>, listens: boolean) {
  const init = {
    streamMuxers: [yamux(streams)],
    options: { maxStreamsPerConnection: 2 * SESSIONS }
  }
  const swarm = await (listens ? listening(init) : dialling(init))
  const made = createTunnel(swarm, { token, ...options })
  afterwards(async () => made.close())
  return { swarm, tunnel: made }
}

async function pair(options: Partial<TunnelOptions> = {}): Promise<[Tunnel, Tunnel]> {
  const far = await tunnel(options, true)
  const near = await tunnel({ nodes: [addressOf(far.swarm)], ...options }, false)
  await near.tunnel.connect()
  await until(() => far.tunnel.links().length === 1, 'they are linked')
  return [near.tunnel, far.tunnel]
}

/** A message that holds its number. */
function numbered(n: number): { body: Uint8Array } {
  const body = new Uint8Array(64)
  new DataView(body.buffer).setUint32(0, n)
  return { body }
}

function numberOf({ body }: { readonly body: Uint8Array }): number {
  return new DataView(body.buffer, body.byteOffset).getUint32(0)
}

describe(`a broadcast to ${SUBSCRIBERS} subscribers, one of which does not read`, () => {
  afterEach(closeSwarms)

  it(`the others get all of ${MESSAGES} messages, in order; it gets what its policy says`, async function () {
    this.timeout(60_000 + MESSAGES * 20)
    const options = { closeTimeout: 500 }
    const hub = await tunnel(options, true)
    const leaves = await Promise.all(
      Array.from({ length: SUBSCRIBERS }, async () =>
        tunnel({ nodes: [addressOf(hub.swarm)], ...options }, false)
      )
    )
    const sessions = leaves.map(async leaf => {
      const listener = await leaf.tunnel.listen('news', { mode: 'broadcast' })
      await leaf.tunnel.connect()
      return listener.accept()
    })
    await until(() => hub.tunnel.links().length === SUBSCRIBERS, 'all are linked')
    const group = await hub.tunnel.dial('news', { mode: 'broadcast', timeout: 60_000 })
    assert.equal(group.overload, 'drop-oldest')
    const [stalled, ...readers] = await Promise.all(sessions)
    assert.ok(stalled !== undefined)
    const peer = leaves[0]?.swarm.peerId.toString() ?? ''
    const counts = readers.map(() => 0)
    const reading = readers.map(async (session, reader) => {
      for await (const message of session) {
        if (numberOf(message) !== counts[reader]) {
          assert.fail(`reader ${reader} got ${numberOf(message)} in the place of ${counts[reader]}`)
        }
        counts[reader] = numberOf(message) + 1
      }
    })
    const all = until(
      () => counts.every(count => count === MESSAGES),
      'all readers have all',
      600_000
    )
    for (let n = 0; n < MESSAGES; n++) await group.send(numbered(n))
    await Promise.race([all, ...reading])
    // The others have lost nothing; all that was left out was left out for this one.
    const slow = group.subscribers().find(subscriber => subscriber.peer === peer)
    assert.ok(slow !== undefined && slow.dropped > 0, JSON.stringify(slow))
    assert.equal(group.dropped, slow.dropped)
    assert.equal(slow.sent + slow.queued + slow.dropped, MESSAGES)
    for (const subscriber of group.subscribers()) {
      if (subscriber.peer !== peer)
        assert.deepEqual([subscriber.sent, subscriber.dropped], [MESSAGES, 0])
    }
    // Now it reads: what had left before, then the newest, and it knows what it missed.
    const got: number[] = []
    const late = (async () => {
      for await (const message of stalled) got.push(numberOf(message))
    })()
    await group.close()
    await Promise.all([late, ...reading])
    assert.equal(got.length + stalled.missed, MESSAGES)
    assert.equal(stalled.missed, slow.dropped)
    assert.equal(got.at(-1), MESSAGES - 1)
    assert.ok(
      got.every((n, i) => i === 0 || n > (got[i - 1] ?? 0)),
      'out of order'
    )
    for (const { missed } of readers) assert.equal(missed, 0)
  })
})

describe(`${SESSIONS} sessions on one link, one of which is never read`, () => {
  afterEach(closeSwarms)

  it('the others are all served, and it holds no more than its window', async function () {
    this.timeout(120_000)
    const [near, far] = await pair({ acceptBacklog: SESSIONS, closeTimeout: 500 })
    const listener = await far.listen('web')
    const dialled = await Promise.all(
      Array.from({ length: SESSIONS }, async () => near.dial('web', { timeout: 60_000 }))
    )
    const accepted = new Map<string, Session>()
    for (const _ of dialled) {
      const session = await listener.accept()
      accepted.set(session.id, session)
    }
    const [stalled, ...others] = dialled
    assert.ok(stalled !== undefined)
    const filling = (async () => {
      for (;;) await stalled.send({ body: new Uint8Array(4_096) })
    })()
    filling.catch(() => {})
    await until(() => stalled.stats().unackedBytes >= 65_536, 'its window is full')
    const each = 32 * 4_096
    const moved = await Promise.all(
      others.map(async session => {
        const reader = accepted.get(session.id)
        let read = 0
        const reading = (async () => {
          while (read < each) read += (await reader?.receive())?.body.length ?? each
        })()
        for (let sent = 0; sent < each; sent += 4_096) {
          await session.send({ body: new Uint8Array(4_096) })
        }
        await reading
        return read
      })
    )
    assert.ok(moved.every(bytes => bytes === each))
    // The window and one message: it had no share of what the others were given.
    assert.ok(stalled.stats().unackedBytes <= 65_536 + 4_200, JSON.stringify(stalled.stats()))
    assert.equal(accepted.get(stalled.id)?.stats().unreadBytes, 65_536)
    stalled.abort()
    await assert.rejects(filling)
  })
})

describe(`${DIALS} dials, each closed again`, () => {
  afterEach(closeSwarms)

  it('leave every table empty, and the heap as it was', async function () {
    this.timeout(60_000 + DIALS * 20)
    const [near, far] = await pair({ resumeTimeout: 500 })
    const listener = await far.listen('web')
    const serving = (async () => {
      for await (const session of listener) {
        void (async () => {
          for await (const message of session) await session.send(message)
        })()
      }
    })()
    const cycle = async (dials: number): Promise<void> => {
      const workers = Array.from({ length: 8 }, async () => {
        for (let i = 0; i < dials / 8; i++) {
          const session = await near.dial('web', { timeout: 30_000 })
          await session.send(numbered(i))
          assert.equal(numberOf((await session.receive()) ?? numbered(-1)), i)
          await session.close()
        }
      })
      await Promise.all(workers)
      for (const each of [near, far]) {
        await until(
          () => Object.values(each.debug().host).every(size => size === 0),
          'every table of sessions is empty'
        )
        assert.equal(each.debug().sessions, 0)
      }
    }
    await cycle(Math.max(1_000, DIALS / 10))
    const before = await heap()
    await cycle(DIALS)
    const grown = (await heap()) - before
    await listener.close()
    await serving
    assert.ok(grown < 2 * MiB, `the heap grew by ${grown} bytes`)
  })
})

/** Bytes in use after full collections. */
async function heap(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    collect()
  }
  return process.memoryUsage().heapUsed
}
