import assert from 'node:assert/strict'
import type { GroupSession, Listener, Session } from '../../src/index.ts'
import {
  addressOf,
  cleanUp,
  linked,
  message,
  node,
  once,
  pair,
  textOf,
  until
} from '../support/nodes.ts'
import type { Node, NodeOptions } from '../support/nodes.ts'

/** A publisher, linked to `count` nodes. */
async function star(
  count: number,
  hub: NodeOptions = {},
  leaves: NodeOptions = {}
): Promise<{ hub: Node; leaves: Node[] }> {
  // What nobody reads must not hold up the end of a test.
  const short = { closeTimeout: 1_000 }
  const all = await Promise.all(
    Array.from({ length: count }, async () => node({ ...short, ...leaves }))
  )
  const center = await node({ nodes: all.map(addressOf), ...short, ...hub })
  await center.tunnel.connect()
  await Promise.all(all.map(leaf => linked(center, leaf)))
  return { hub: center, leaves: all }
}

async function joined(group: GroupSession, count: number): Promise<void> {
  await until(
    () => group.subscribers().filter(({ status }) => status === 'open').length === count,
    `${count} subscribers have joined`
  )
}

/** Reads until the end, as text. */
async function readAll(session: Session): Promise<string[]> {
  const texts: string[] = []
  for await (const got of session) texts.push(textOf(got) ?? '')
  return texts
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)

/** Sends until a subscriber takes no more at once. */
async function fill(group: GroupSession, peer: string, bytes: number): Promise<number> {
  const of = (): number => group.subscribers().find(s => s.peer === peer)?.queued ?? 0
  let sent = 0
  while (of() === 0) {
    await group.send({ body: new Uint8Array(bytes) })
    sent++
  }
  return sent
}

for (const mode of ['multicast', 'broadcast'] as const) {
  describe(`mode ${mode}`, () => {
    afterEach(cleanUp)

    it('reaches every listener, and the one in this process, in order', async () => {
      const { hub, leaves } = await star(3)
      const nodes = [hub, ...leaves]
      const listeners = await Promise.all(nodes.map(n => n.tunnel.listen('news', { mode })))
      await until(() => hub.tunnel.channels()[0]?.peers.length === 3, 'all are known')
      const group = await hub.tunnel.dial('news', { mode, overload: 'block' })
      assert.equal(group.mode, mode)
      await joined(group, 4)
      for (const text of numbers(500)) await group.send(message(text))
      const reading = listeners.map(async listener => {
        const session = await listener.accept()
        assert.equal(session.peer, hub.peer)
        assert.equal(session.mode, mode)
        const texts = await readAll(session)
        assert.equal(session.missed, 0)
        return texts
      })
      await group.close()
      for (const texts of await Promise.all(reading)) assert.deepEqual(texts, numbers(500))
      assert.equal(await group.closed, undefined)
      await until(
        () => nodes.every(({ tunnel }) => tunnel.debug().sessions === 0),
        'all sessions have ended'
      )
      assert.equal(hub.tunnel.debug().groups, 0)
    })

    it('takes in those who come later, and goes on without those who leave', async () => {
      const { hub, leaves } = await star(2)
      const [first, second] = leaves as [Node, Node]
      const one = await first.tunnel.listen('news', { mode })
      const group = await hub.tunnel.dial('news', { mode })
      const left: (string | undefined)[] = []
      group.on('left', ({ peer }) => left.push(peer))
      await group.send(message('to the first'))
      const two = await second.tunnel.listen('news', { mode })
      await joined(group, 2)
      await group.send(message('to both'))
      const reader = await one.accept()
      assert.equal(textOf(await reader.receive()), 'to the first')
      assert.equal(textOf(await reader.receive()), 'to both')
      await one.close()
      await joined(group, 1)
      assert.deepEqual(left, [first.peer])
      await group.send(message('to the second'))
      const other = await two.accept()
      assert.equal(textOf(await other.receive()), 'to both')
      assert.equal(textOf(await other.receive()), 'to the second')
      // The same listener again, anew: it is a subscriber again.
      await first.tunnel.listen('news', { mode })
      await joined(group, 2)
    })

    it('does not come back to a subscriber that has left by itself', async () => {
      const { hub, leaves } = await star(2)
      const listeners: Listener<Session>[] = []
      for (const { tunnel } of leaves) listeners.push(await tunnel.listen('news', { mode }))
      const group = await hub.tunnel.dial('news', { mode })
      await joined(group, 2)
      await (await listeners[0]?.accept())?.close()
      await joined(group, 1)
      await new Promise(resolve => setTimeout(resolve, 30))
      assert.equal(group.subscribers().length, 1)
    })

    it('hears answers of all subscribers', async () => {
      const { hub, leaves } = await star(3)
      for (const { tunnel, peer } of leaves) {
        const listener = await tunnel.listen('news', { mode })
        void (async () => {
          for await (const session of listener) {
            for await (const got of session) await session.send(message(`${peer} ${textOf(got)}`))
          }
        })()
      }
      const group = await hub.tunnel.dial('news', { mode })
      await joined(group, 3)
      await group.send(message('hello'))
      const answers: string[] = []
      for (let i = 0; i < 3; i++) {
        const answer = await group.receive()
        assert.equal(textOf(answer), `${answer?.peer} hello`)
        answers.push(answer?.peer ?? '')
      }
      assert.deepEqual(answers.sort(), leaves.map(({ peer }) => peer).sort())
      await assert.rejects(group.receive({ timeout: 10 }), { code: 'ERR_RECEIVE_TIMEOUT' })
      const waiting = group.receive()
      await group.close()
      assert.equal(await waiting, undefined)
    })

    it('is an error at once for who dials or listens in another way', async () => {
      const [a, b] = await pair()
      await b.tunnel.listen('one')
      await b.tunnel.listen('many', { mode })
      await b.tunnel.listen('bytes', { bytes: true })
      await until(() => a.tunnel.channels().length === 3, 'all are known')
      const long = { timeout: 60_000 }
      for (const end of [a, b]) {
        await assert.rejects(end.tunnel.dial('one', { mode, ...long }), {
          code: 'ERR_MODE_MISMATCH'
        })
        await assert.rejects(end.tunnel.dial('many', long), { code: 'ERR_MODE_MISMATCH' })
        await assert.rejects(end.tunnel.dial('bytes', { mode, ...long }), {
          code: 'ERR_MODE_MISMATCH'
        })
      }
      const other = mode === 'multicast' ? 'broadcast' : 'multicast'
      await assert.rejects(a.tunnel.dial('many', { mode: other, ...long }), {
        code: 'ERR_MODE_MISMATCH'
      })
      await assert.rejects(a.tunnel.dial('x', { mode, bytes: true } as never), {
        code: 'ERR_MODE_NOT_SUPPORTED'
      })
      await assert.rejects(a.tunnel.listen('x', { mode, bytes: true }), {
        code: 'ERR_MODE_NOT_SUPPORTED'
      })
      await assert.rejects(a.tunnel.dial('many', { overload: 'block' } as never), {
        code: 'ERR_TUNNEL_OPTION'
      })
      await assert.rejects(a.tunnel.dial('many', { mode, queue: 0 }), { code: 'ERR_TUNNEL_OPTION' })
      await assert.rejects(a.tunnel.dial('many', { mode, overload: 'hope' as never }), {
        code: 'ERR_TUNNEL_OPTION'
      })
      assert.equal(a.tunnel.debug().groups, 0)
    })

    it('fails when nobody listens, and waits for somebody on request', async () => {
      const [a, b] = await pair()
      await assert.rejects(a.tunnel.dial('news', { mode, wait: false }), {
        code: 'ERR_CHANNEL_NOT_FOUND'
      })
      await assert.rejects(a.tunnel.dial('news', { mode, timeout: 40 }), {
        code: 'ERR_CHANNEL_NOT_FOUND'
      })
      const dialling = a.tunnel.dial('news', { mode })
      await until(() => a.tunnel.debug().waiting === 1, 'the dial waits')
      const listener = await b.tunnel.listen('news', { mode })
      const group = await dialling
      await group.send(message('found'))
      assert.equal(textOf(await (await listener.accept()).receive()), 'found')
    })

    it('sends nothing into the void: without a subscriber, send waits or says so', async () => {
      const [a, b] = await pair({ resumeTimeout: 100 })
      const listener = await b.tunnel.listen('news', { mode })
      const group = await a.tunnel.dial('news', { mode, overload: 'block' })
      const careless = await a.tunnel.dial('news', { mode, overload: 'drop-oldest' })
      const gone = [group, careless].map(
        each => new Promise<void>(resolve => each.on('left', () => resolve()))
      )
      await listener.close()
      await Promise.all(gone)
      await assert.rejects(careless.send(message('lost')), { code: 'ERR_NO_SUBSCRIBER' })
      await assert.rejects(group.send(message('lost')), { code: 'ERR_NO_SUBSCRIBER' })
      const sending = [group.send(message('first')), group.send(message('second'))]
      const again = await b.tunnel.listen('news', { mode })
      await Promise.all(sending)
      for (;;) {
        const session = await again.accept()
        const got = await session.receive({ timeout: 200 }).catch(() => undefined)
        if (got === undefined) continue
        assert.equal(textOf(got), 'first')
        assert.equal(textOf(await session.receive()), 'second')
        break
      }
      const nobody = { to: () => false }
      await assert.rejects(group.send(message('x'), nobody), { code: 'ERR_NO_SUBSCRIBER' })
    })

    it('goes on over another link, and does not lose or double a message', async () => {
      const [a, b] = await pair()
      const listener = await b.tunnel.listen('news', { mode })
      const group = await a.tunnel.dial('news', { mode, overload: 'block' })
      const reader = await listener.accept()
      const events: string[] = []
      group.on('detached', ({ peer }) => events.push(`detached ${peer}`))
      group.on('resumed', ({ peer }) => events.push(`resumed ${peer}`))
      const reading = readAll(reader)
      for (const text of numbers(300)) {
        await group.send(message(text))
        if (text === '150') for (const c of a.swarm.connections()) c.abort(new Error('cut'))
      }
      await group.close()
      assert.deepEqual(await reading, numbers(300))
      assert.deepEqual(events, [`detached ${b.peer}`, `resumed ${b.peer}`])
    })
  })
}

describe('a subscriber that does not read', () => {
  afterEach(cleanUp)

  /** A reader and one that never reads, both subscribed; small windows. */
  async function scene(overload: GroupSession['overload'], queue: number) {
    const small = { maxSessionWindow: 65_536, maxMessageBytes: 32_768, closeTimeout: 100 }
    const { hub, leaves } = await star(2, small, small)
    const [good, bad] = leaves as [Node, Node]
    const listeners = [
      await good.tunnel.listen('news', { mode: 'multicast' }),
      await bad.tunnel.listen('news', { mode: 'multicast' })
    ] as const
    const group = await hub.tunnel.dial('news', { mode: 'multicast', overload, queue })
    await joined(group, 2)
    const [reader, stalled] = await Promise.all(listeners.map(async l => l.accept()))
    if (reader === undefined || stalled === undefined) throw new Error('nobody came')
    const count = (): { queued: number; dropped: number; sent: number } => {
      const one = group.subscribers().find(({ peer }) => peer === bad.peer)
      if (one === undefined) throw new Error('it has left')
      return one
    }
    const caughtUp = (): Promise<void> =>
      until(
        () => group.subscribers().every(({ peer, queued }) => peer !== good.peer || queued === 0),
        'nothing waits for the reader'
      )
    return { group, bad, reader, stalled, count, caughtUp }
  }

  it('block: holds up send, and nobody else; all is delivered in the end', async () => {
    const { group, reader, stalled, count } = await scene('block', 4)
    let sent = 0
    const sending = (async () => {
      for (const text of numbers(60)) {
        await group.send({ headers: { n: text }, body: new Uint8Array(4_096) })
        sent++
      }
    })()
    const seen: (string | undefined)[] = []
    const reading = (async () => {
      for await (const { headers } of reader) seen.push(headers?.n)
    })()
    await until(() => count().queued > 4, 'the queue is over')
    await until(() => seen.length === sent + 1, 'the other has the message that send waits for')
    const at = sent
    await new Promise(resolve => setTimeout(resolve, 30))
    assert.equal(sent, at, 'send goes on although one subscriber does not read')
    const late: (string | undefined)[] = []
    const catching = (async () => {
      for await (const { headers } of stalled) late.push(headers?.n)
    })()
    await sending
    assert.equal(count().dropped, 0)
    await group.close()
    await Promise.all([reading, catching])
    assert.deepEqual(seen, numbers(60))
    assert.deepEqual(late, numbers(60))
  })

  it('block: a signal takes the message back from the one that is waited for', async () => {
    const { group, bad, reader, count } = await scene('block', 1)
    void (async () => {
      for await (const _ of reader) {
        // It reads all along.
      }
    })()
    await fill(group, bad.peer, 8_192)
    const controller = new AbortController()
    const waiting = group.send(message('too late'), { signal: controller.signal })
    assert.equal(count().queued, 2)
    controller.abort(new Error('changed my mind'))
    await assert.rejects(waiting, { message: 'changed my mind' })
    assert.equal(count().queued, 1)
    assert.equal(count().dropped, 1)
    await assert.rejects(group.close(), (error: Error & { unconfirmed?: number }) => {
      assert.equal((error as { code?: string }).code, 'ERR_SESSION_LOST')
      assert.ok(error.message.includes(bad.peer))
      return true
    })
  })

  for (const overload of ['drop-oldest', 'drop-newest', 'latest'] as const) {
    it(`${overload}: leaves messages out, counts them, and tells the subscriber`, async () => {
      const { group, bad, reader, stalled, count, caughtUp } = await scene(overload, 4)
      const seen: string[] = []
      const reading = (async () => {
        for await (const { headers } of reader) if (headers?.n !== undefined) seen.push(headers.n)
      })()
      const before = (await fill(group, bad.peer, 4_096)) - 1
      for (const text of numbers(50)) {
        await caughtUp()
        await group.send(message('', { n: text }))
      }
      // One waits since the window filled; 50 more came.
      const room = overload === 'latest' ? 1 : 4
      assert.equal(count().queued, room)
      assert.equal(count().dropped, 51 - room)
      assert.equal(group.dropped, 51 - room)
      const late: (string | undefined)[] = []
      const catching = (async () => {
        for await (const { headers } of stalled) late.push(headers?.n)
      })()
      await until(() => count().queued === 0, 'what waited has left')
      await group.send(message('', { n: 'last' }))
      await group.close()
      await Promise.all([reading, catching])
      assert.deepEqual(seen, [...numbers(50), 'last'])
      const expected = {
        'drop-oldest': ['46', '47', '48', '49'],
        'drop-newest': [undefined, '0', '1', '2'],
        latest: ['49']
      }[overload]
      assert.deepEqual(late.slice(before), [...expected, 'last'])
      assert.equal(stalled.missed, 51 - room)
      assert.equal(reader.missed, 0)
    })
  }

  it('error: says who did not get the message; the others did', async () => {
    const { group, bad, reader, count, caughtUp } = await scene('error', 1)
    const reading = readAll(reader)
    await fill(group, bad.peer, 8_192)
    await caughtUp()
    await assert.rejects(group.send(message('for the quick')), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'ERR_SUBSCRIBER_OVERLOAD')
      assert.deepEqual((error as { peers?: string[] }).peers, [bad.peer])
      return true
    })
    assert.equal(count().dropped, 1)
    await group.close()
    assert.equal((await reading).at(-1), 'for the quick')
  })

  it('leaves, and the publisher knows what it has not taken', async () => {
    const { group, bad, reader, stalled } = await scene('block', 100)
    void readAll(reader)
    for (const text of numbers(40)) await group.send(message(text))
    for (let i = 0; i < 10; i++) await stalled.receive()
    await new Promise(resolve => setTimeout(resolve, 60))
    const left = new Promise<[string, Error | undefined, string[]]>(resolve =>
      group.on('left', ({ peer }, error, undelivered) =>
        resolve([peer, error, undelivered.map(one => textOf(one) ?? '')])
      )
    )
    stalled.abort(new Error('enough'))
    const [peer, error, undelivered] = await left
    assert.equal(peer, bad.peer)
    assert.equal((error as { code?: string }).code, 'ERR_SESSION_RESET')
    assert.deepEqual(undelivered, numbers(40).slice(-undelivered.length))
    assert.ok(undelivered.length >= 30 && undelivered.length <= 40)
  })
})

describe('groups and their tunnel', () => {
  afterEach(cleanUp)

  it('end with it: what was sent is delivered', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('news', { mode: 'multicast' })
    const group = await a.tunnel.dial('news', { mode: 'multicast' })
    const reading = readAll(await listener.accept())
    for (const text of numbers(20)) await group.send(message(text))
    await a.tunnel.close()
    assert.deepEqual(await reading, numbers(20))
    assert.equal(group.status, 'closed')
    assert.equal(a.tunnel.debug().groups, 0)
    await assert.rejects(group.send(message('x')), { code: 'ERR_SESSION_CLOSED' })
  })

  it('say why the only subscriber could not be had', async () => {
    const [a, b] = await pair({}, { acceptBacklog: 1 })
    await b.tunnel.listen('news', { mode: 'multicast' })
    const first = await a.tunnel.dial('news', { mode: 'multicast' })
    await assert.rejects(a.tunnel.dial('news', { mode: 'multicast', timeout: 50 }), {
      code: 'ERR_SESSION_REFUSED'
    })
    assert.equal(first.subscribers().length, 1)
    assert.equal(a.tunnel.debug().groups, 1)
  })

  it('find a subscriber again that was restarted', async () => {
    const [a, b] = await pair()
    await b.tunnel.listen('news', { mode: 'multicast' })
    const group = await a.tunnel.dial('news', { mode: 'multicast' })
    await joined(group, 1)
    const left = new Promise<Error | undefined>(resolve =>
      group.on('left', (_, error) => resolve(error))
    )
    const gone = once(a.tunnel, 'unlink')
    await b.tunnel.close()
    await Promise.all([left, gone])
    const { nodeOn } = await import('../support/nodes.ts')
    const again = nodeOn(b.swarm)
    const listener = await again.tunnel.listen('news', { mode: 'multicast' })
    a.tunnel.reconnect()
    await joined(group, 1)
    await group.send(message('welcome back'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'welcome back')
  })

  it('need access to each subscriber', async () => {
    const { hub, leaves } = await star(2)
    const refusing = await node({ authorize: () => false, nodes: [addressOf(hub)] })
    await refusing.tunnel.connect()
    await linked(hub, refusing)
    for (const { tunnel } of [...leaves, refusing]) {
      await tunnel.listen('news', { mode: 'broadcast' })
    }
    const group = await hub.tunnel.dial('news', { mode: 'broadcast' })
    await joined(group, 2)
    await group.send(message('for those who may'))
    assert.deepEqual(
      group
        .subscribers()
        .map(({ peer }) => peer)
        .sort(),
      leaves.map(({ peer }) => peer).sort()
    )
  })
})
