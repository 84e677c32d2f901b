import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { generateToken } from '@warren/tunnel'
import type { Resources } from '../support/peer.ts'
import { startPeer } from '../support/start-peer.ts'
import type { Peer } from '../support/start-peer.ts'
import { skip } from '../support/skip.ts'
import { until } from '../support/until.ts'

const CONNECTIONS = 200
const AT_ONCE = 20
const LINKS = 50
/** What memory may differ by for reasons of its own. */
const SLACK = 2 ** 19

/** Quick to forget what has ended. */
const TUNNEL = { resumeTimeout: 500, reconnect: { first: 5, factor: 2, max: 50 } }

describe('what is left behind', () => {
  let near: Peer
  let far: Peer
  let farAddress: string

  before(function () {
    if (process.platform !== 'linux') skip(this, 'there is no /proc/self/fd to count')
  })
  beforeEach(async () => {
    near = startPeer()
    far = startPeer()
    const token = generateToken()
    farAddress = await far.call('start', { token, tunnel: TUNNEL })
    await near.call('start', { token, tunnel: TUNNEL, nodes: [farAddress] })
  })
  afterEach(async () => {
    await near.stop()
    await far.stop()
  })

  /** Waits until both are as they were; says what is not when they do not come to be. */
  async function assertBackTo(baseline: readonly Resources[]): Promise<void> {
    let now: Resources[] = []
    const text = JSON.stringify(baseline)
    const back = async (): Promise<boolean> => {
      now = await resources()
      return JSON.stringify(now) === text
    }
    await until(back, 'all is as it was', 10_000).catch(() => {})
    assert.deepEqual(now, baseline)
  }

  function resources(): Promise<Resources[]> {
    return Promise.all([near.call('resources'), far.call('resources')])
  }

  function memory(): Promise<[number, number]> {
    return Promise.all([near.call('memory'), far.call('memory')])
  }

  it(`of ${CONNECTIONS} connections through a shared port: nothing, however they ended`, async () => {
    const server = net.createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      await far.call('share', 'echo', (server.address() as AddressInfo).port)
      const port = await near.call('open', 'echo')
      await connections(port)
      await settled()
      const baseline = await resources()
      const [nearBefore, farBefore] = await memory()
      await connections(port)
      await settled()
      await assertBackTo(baseline)
      const [nearAfter, farAfter] = await memory()
      assert.ok(nearAfter - nearBefore < SLACK, `the opener kept ${nearAfter - nearBefore} bytes`)
      assert.ok(farAfter - farBefore < SLACK, `the sharer kept ${farAfter - farBefore} bytes`)
      const { opening } = await near.call('forwarded')
      assert.equal(opening?.total, 2 * CONNECTIONS)
      assert.ok((opening?.reset ?? 0) >= CONNECTIONS / 2, 'a quarter of them were reset')
    } finally {
      const closed = once(server, 'close')
      server.close()
      await near.stop()
      await far.stop()
      await closed
    }
  })

  /** No connection, no session, and no tombstone of one. */
  async function settled(): Promise<void> {
    await until(async () => {
      const all = await resources()
      return all.every(({ sessions, streams, tunnel: { host } }) => {
        const { dialled, accepted, closing, heads } = host
        return sessions + dialled + accepted + closing + heads === 0 && streams === all[0]?.streams
      })
    }, 'all sessions are over')
    // What is kept ready for the next ones is replaced as it is used.
    await until(async () => {
      const { share } = await far.call('forwarded')
      return (
        share !== undefined && share.pool.idle > 0 && share.pool.busy + share.pool.connecting === 0
      )
    }, 'the pool is full again')
  }

  it(`of ${LINKS} links that came and went: nothing`, async () => {
    const relink = async (): Promise<void> => {
      await near.call('setNodes', [])
      await until(async () => (await linkCounts()) === '0,0', 'the link is gone')
      await near.call('setNodes', [farAddress])
      await until(async () => (await linkCounts()) === '1,1', 'the link is back')
    }
    const linkCounts = async (): Promise<string> =>
      String([await near.call('links'), await far.call('links')])
    for (let round = 0; round < LINKS; round++) await relink()
    const baseline = await resources()
    const [nearBefore, farBefore] = await memory()
    for (let round = 0; round < LINKS; round++) await relink()
    await assertBackTo(baseline)
    const [nearAfter, farAfter] = await memory()
    assert.ok(nearAfter - nearBefore < SLACK, `one end kept ${nearAfter - nearBefore} bytes`)
    assert.ok(farAfter - farBefore < SLACK, `the other end kept ${farAfter - farBefore} bytes`)
  })

  it('of a node that was closed: no socket, no timer, and its process can end by itself', async () => {
    const baseline = startPeer()
    try {
      await near.call('open', 'nothing')
      await Promise.all([near.call('stop'), far.call('stop')])
      const empty = await baseline.call('handles')
      await until(
        async () => (await near.call('handles')).length === empty.length,
        'what was open is closed',
        10_000
      ).catch(() => {})
      assert.deepEqual(await near.call('handles'), empty)
      assert.deepEqual(await far.call('handles'), empty)
    } finally {
      await baseline.stop()
    }
  })
})

/** Many connections, some at once: two that end well, one reset by the client, one half-closed early. */
async function connections(port: number): Promise<void> {
  for (let done = 0; done < CONNECTIONS; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, nth) => connection(port, nth)))
  }
}

async function connection(port: number, nth: number): Promise<void> {
  const body = randomBytes(nth % 2 === 0 ? 100 : 50_000)
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const hash = createHash('sha256')
  let received = 0
  const all = Promise.withResolvers<void>()
  socket.on('error', all.reject)
  socket.on('data', chunk => {
    hash.update(chunk)
    received += chunk.length
    if (received === body.length) all.resolve()
  })
  if (nth % 4 === 3) socket.end(body)
  else socket.write(body)
  await all.promise
  assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'))
  const closed = once(socket, 'close')
  if (nth % 4 === 2) socket.resetAndDestroy()
  else socket.end()
  await closed
}
