import assert from 'node:assert/strict'
import { createBroker } from '../../src/index.ts'
import type { Broker, BrokerOptions, Subscription } from '../../src/index.ts'
import { back } from '../../src/broker/envelope.ts'
import {
  addressOf,
  afterwards,
  cleanUp,
  linked,
  message,
  node,
  pair,
  textOf,
  until
} from '../support/nodes.ts'
import type { Node } from '../support/nodes.ts'

function brokerOn({ tunnel }: Node, options?: BrokerOptions): Broker {
  const broker = createBroker(tunnel, options)
  afterwards(async () => broker.close())
  return broker
}

/** A publisher linked to `count` subscribing nodes, each with a broker. */
async function star(count: number): Promise<{ hub: Broker; leaves: Broker[]; nodes: Node[] }> {
  // What nobody reads must not hold up the end of a test.
  const short = { closeTimeout: 200, resumeTimeout: 400 }
  const nodes = await Promise.all(Array.from({ length: count }, async () => node(short)))
  const center = await node({ nodes: nodes.map(addressOf), ...short })
  await center.tunnel.connect()
  await Promise.all(nodes.map(leaf => linked(center, leaf)))
  return { hub: brokerOn(center), leaves: nodes.map(leaf => brokerOn(leaf)), nodes }
}

/** Resolves when the publisher has opened its session to a node. */
async function called(subscriber: Node | undefined): Promise<void> {
  await until(() => subscriber?.tunnel.debug().sessions === 1, 'the publisher has called')
}

/** Everything that comes until the subscription ends. */
function collect(subscription: Subscription): string[] {
  const texts: string[] = []
  void (async () => {
    for await (const delivery of subscription) texts.push(textOf(delivery) ?? '')
  })()
  return texts
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)
const sorted = (texts: string[]): string[] => [...texts].sort((a, b) => Number(a) - Number(b))

describe('broker', () => {
  afterEach(cleanUp)

  it('delivers 200 of 200, to each of three tunnels, in order, with headers', async () => {
    const { hub, leaves } = await star(3)
    const subscriptions = await Promise.all(leaves.map(async b => b.subscribe('news')))
    const all = subscriptions.map(collect)
    for (const text of numbers(200)) await hub.publish('news', message(text, { n: text }))
    await until(() => all.every(({ length }) => length === 200), 'all have come')
    for (const texts of all) assert.deepEqual(texts, numbers(200))
    assert.equal(subscriptions[0]?.missed, 0)
    const next = (await leaves[0]?.subscribe('else'))?.receive()
    await hub.publish('else', message('x', { 'my-header': 'y' }))
    const got = await next
    assert.deepEqual({ ...got?.headers }, { 'my-header': 'y' })
    assert.equal(got?.topic, 'else')
  })

  it('delivers within one tunnel, to several subscriptions of a topic', async () => {
    const only = await node()
    const broker = brokerOn(only)
    const all = [await broker.subscribe('news'), await broker.subscribe('news')].map(collect)
    for (const text of numbers(10)) await broker.publish('news', message(text))
    await until(() => all.every(({ length }) => length === 10), 'all have come')
    for (const texts of all) assert.deepEqual(texts, numbers(10))
    await broker.close()
    await until(() => only.tunnel.debug().sessions === 0, 'no session is left')
    assert.deepEqual(broker.debug(), {
      publishing: 0,
      subscribed: 0,
      subscriptions: 0,
      undelivered: 0
    })
  })

  it('gives each message to one member of each queue group, and to everyone else', async () => {
    const { hub, leaves } = await star(3)
    const [a, b, c] = leaves as [Broker, Broker, Broker]
    const workers = [
      await a.subscribe('jobs', { queue: 'workers' }),
      await a.subscribe('jobs', { queue: 'workers' }),
      await b.subscribe('jobs', { queue: 'workers' }),
      await c.subscribe('jobs', { queue: 'workers' })
    ].map(collect)
    const audit = collect(await c.subscribe('jobs', { queue: 'audit' }))
    const everyone = [await a.subscribe('jobs'), await c.subscribe('jobs')].map(collect)
    for (const text of numbers(120)) await hub.publish('jobs', message(text))
    const done = (): number => workers.reduce((sum, { length }) => sum + length, 0)
    await until(() => done() === 120 && everyone.every(e => e.length === 120), 'all have come')
    await until(() => audit.length === 120, 'the audit has all')
    assert.deepEqual(sorted(workers.flat()), numbers(120))
    assert.deepEqual(audit, numbers(120))
    for (const texts of everyone) assert.deepEqual(texts, numbers(120))
    for (const texts of workers) assert.ok(texts.length > 0, 'one has got nothing at all')
  })

  it('gives what a member of a queue group has not taken to another, when it leaves', async () => {
    const { hub, leaves, nodes } = await star(2)
    const [a, b] = leaves as [Broker, Broker]
    const idle = await a.subscribe('jobs', { queue: 'workers' })
    for (const text of numbers(20)) await hub.publish('jobs', message(text))
    const first = await idle.receive()
    assert.equal(textOf(first), '0')
    const worker = collect(await b.subscribe('jobs', { queue: 'workers' }))
    await called(nodes[1])
    await hub.publish('jobs', message('20'))
    await idle.close()
    await until(() => worker.length === 20, 'the other has all the rest')
    assert.deepEqual(sorted(worker), numbers(21).slice(1))
    assert.equal(hub.debug().undelivered, 0)
    // The same when its tunnel ends, with a link that breaks before.
    await a.subscribe('jobs', { queue: 'workers' })
    await called(nodes[0])
    for (const text of numbers(40).slice(21)) await hub.publish('jobs', message(text))
    for (const connection of nodes[0]?.swarm.connections() ?? []) connection.abort(new Error('cut'))
    await nodes[0]?.tunnel.close()
    await until(() => worker.length >= 39, 'the other has all')
    assert.deepEqual(sorted([...new Set(worker)]), numbers(40).slice(1))
  })

  it('takes back what a tunnel has no member for any more, and goes on with its others', async () => {
    const { hub, leaves, nodes } = await star(2)
    const [a, b] = leaves as [Broker, Broker]
    const plain = collect(await a.subscribe('jobs'))
    const idle = await a.subscribe('jobs', { queue: 'workers' })
    for (const text of numbers(20)) await hub.publish('jobs', message(text))
    const worker = collect(await b.subscribe('jobs', { queue: 'workers' }))
    await called(nodes[1])
    await hub.publish('jobs', message('20'))
    await idle.close()
    await until(() => worker.length === 21, 'the other member has all')
    await until(() => plain.length === 21, 'the other subscription has all')
    assert.deepEqual(sorted(worker), numbers(21))
    assert.deepEqual(plain, numbers(21))
  })

  it('counts, and tells of, what no member of a queue group can take any more', async () => {
    const [a, b] = await pair()
    const lost: string[] = []
    const hub = brokerOn(a, {
      onUndelivered: (topic, queue, got) => lost.push(`${topic} ${queue} ${textOf(got)}`)
    })
    const idle = await brokerOn(b).subscribe('jobs', { queue: 'workers' })
    for (const text of numbers(3)) await hub.publish('jobs', message(text))
    await idle.close()
    await until(() => hub.debug().undelivered === 3, 'all are counted')
    assert.deepEqual(
      lost.sort(),
      numbers(3).map(n => `jobs workers ${n}`)
    )
  })

  it('takes nothing back that it has not given: a subscriber cannot publish in another one’s name', async () => {
    const { hub, nodes, leaves } = await star(2)
    const worker = collect((await leaves[1]?.subscribe('jobs', { queue: 'workers' })) as never)
    const forger = await nodes[0]?.tunnel.listen('topic:jobs', { mode: 'multicast' })
    const accepting = forger?.accept()
    await hub.publish('jobs', message('genuine'))
    const session = await accepting
    await session?.send(back(1, ['workers']))
    await session?.send({ headers: { 'warren-to': '[true,1,"workers"]' }, body: Uint8Array.of(1) })
    await session?.send({ headers: { 'warren-hello': 'nonsense' }, body: Uint8Array.of(1) })
    await session?.flush()
    await hub.publish('jobs', message('next'))
    await until(() => worker.length >= 2, 'both have come')
    assert.deepEqual(worker, ['genuine', 'next'])
  })

  it('says so when nobody subscribes, and takes in who comes later', async () => {
    const { hub, leaves } = await star(1)
    await assert.rejects(hub.publish('news', message('x'), { timeout: 40 }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
    assert.equal(hub.debug().publishing, 0)
    const publishing = hub.publish('news', message('waits'))
    const subscription = await leaves[0]?.subscribe('news')
    await publishing
    assert.equal(textOf(await subscription?.receive()), 'waits')
    await subscription?.close()
    await assert.rejects(hub.publish('news', message('x'), { timeout: 40 }), (error: Error) =>
      ['ERR_NO_SUBSCRIBER', 'ERR_CHANNEL_NOT_FOUND'].includes(
        (error as never as { code: string }).code
      )
    )
    const again = await leaves[0]?.subscribe('news')
    await hub.publish('news', message('again'))
    assert.equal(textOf(await again?.receive()), 'again')
  })

  it('keeps a tunnel with too many queue groups from being too much for publishers', async () => {
    const [a, b] = await pair()
    const subscriber = brokerOn(b)
    const plain = await subscriber.subscribe('news')
    await assert.rejects(
      (async () => {
        for (let i = 0; ; i++)
          await subscriber.subscribe('news', { queue: `${i}`.padEnd(200, 'x') })
      })(),
      { code: 'ERR_TUNNEL_LIMIT' }
    )
    assert.ok(subscriber.debug().subscriptions >= 20)
    const hub = brokerOn(a)
    await hub.publish('news', message('x', { big: 'y'.repeat(10_000) }))
    assert.equal(textOf(await plain.receive()), 'x')
  })

  it('holds a slow subscription to its own policy', async () => {
    const [a, b] = await pair()
    const hub = brokerOn(a)
    const broker = brokerOn(b)
    const slow = await broker.subscribe('news', { overload: 'latest' })
    const quick = collect(await broker.subscribe('news'))
    for (const text of numbers(50)) await hub.publish('news', message(text))
    await until(() => quick.length === 50, 'the quick one has all')
    assert.equal(textOf(await slow.receive()), '49')
    assert.equal(slow.missed, 49)
    await assert.rejects(slow.receive({ timeout: 5 }), { code: 'ERR_RECEIVE_TIMEOUT' })
  })

  it('ends with its signal, its tunnel, or by itself; and refuses what cannot be meant', async () => {
    const [a, b] = await pair()
    const broker = brokerOn(b)
    const controller = new AbortController()
    const signalled = await broker.subscribe('one', { signal: controller.signal })
    const waiting = signalled.receive()
    controller.abort()
    assert.equal(await waiting, undefined)
    await until(() => broker.debug().subscribed === 0, 'its listener has ended')
    const other = (await broker.subscribe('two')).receive()
    await b.tunnel.close()
    assert.equal(await other, undefined)
    await until(() => broker.debug().subscribed === 0, 'its listener has ended')
    await assert.rejects(broker.subscribe('three'), { code: 'ERR_TUNNEL_CLOSED' })
    const hub = brokerOn(a)
    await assert.rejects(hub.subscribe(''.padEnd(250, 'x')), { code: 'ERR_INVALID_CHANNEL' })
    await assert.rejects(hub.subscribe('x', { queue: '' }), { code: 'ERR_TUNNEL_OPTION' })
    await assert.rejects(hub.subscribe('x', { limit: 0 }), { code: 'ERR_TUNNEL_OPTION' })
    await assert.rejects(hub.publish('x', message('x'), { timeout: Number.NaN }), {
      code: 'ERR_TUNNEL_OPTION'
    })
    assert.throws(() => createBroker(a.tunnel, { topics: 0 }), { code: 'ERR_TUNNEL_OPTION' })
    await hub.close()
    await assert.rejects(hub.publish('x', message('x')), { code: 'ERR_TUNNEL_CLOSED' })
    await assert.rejects(hub.subscribe('x'), { code: 'ERR_TUNNEL_CLOSED' })
  })

  it('keeps sessions between publishes, and ends them when it has been idle', async () => {
    const [a, b] = await pair()
    const hub = brokerOn(a, { idleTimeout: 60, topics: 1 })
    const subscription = await brokerOn(b).subscribe('news')
    const texts = collect(subscription)
    await hub.publish('news', message('0'))
    await assert.rejects(hub.publish('more', message('x')), { code: 'ERR_TUNNEL_LIMIT' })
    await hub.publish('news', message('1'))
    await until(() => a.tunnel.debug().sessions === 0, 'the session has ended')
    assert.equal(hub.debug().publishing, 0)
    await hub.publish('news', message('2'))
    await until(() => texts.length === 3, 'all have come')
    assert.deepEqual(texts, numbers(3))
  })
})
