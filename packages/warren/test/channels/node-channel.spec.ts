import assert from 'node:assert/strict'
import { generateToken } from '@warren/tunnel'
import * as v from 'valibot'
import { createNode } from '../../src/index.ts'
import type { NodeChannel, NodeOptions, WarrenNode } from '../../src/index.ts'
import { brokenLine } from './broken-line.ts'

const Price = v.object({ symbol: v.string(), price: v.number() })
type Price = v.InferOutput<typeof Price>
type PriceChannel = NodeChannel<Price, Price>

describe('node.channel', () => {
  let nodes: WarrenNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.map(node => node.close()))
    nodes = []
  })

  /** Nodes that are all linked to each other. */
  async function mesh(count: number): Promise<WarrenNode[]> {
    const token = generateToken()
    const listen = ['/ip4/127.0.0.1/tcp/0']
    for (let i = 0; i < count; i++) {
      const peers = nodes.flatMap(node => node.addresses())
      const options: NodeOptions = { token, listen, peers }
      nodes.push(await createNode(options))
    }
    return nodes
  }

  async function take(from: AsyncIterable<Price>, count: number): Promise<number[]> {
    const prices: number[] = []
    for await (const { price } of from) if (prices.push(price) === count) break
    return prices
  }

  const price = (number: number): Price => ({ symbol: 'ACME', price: number })

  it('broadcast: each value reaches every other node, in order', async () => {
    const channels = await Promise.all(
      (await mesh(3)).map(node => node.channel('prices', Price, { capacity: 1_000 }))
    )
    await Promise.all(channels.map(each => each.ready({ peers: 2 })))
    const receiving = channels.map(each => take(each, 100))
    for (let i = 0; i < 50; i++) {
      for (const [at, each] of channels.entries()) await each.send(price(at * 1_000 + i))
    }
    for (const [at, received] of (await Promise.all(receiving)).entries()) {
      const others = [0, 1, 2].filter(other => other !== at)
      for (const other of others) {
        const of = received.filter(number => Math.floor(number / 1_000) === other)
        assert.deepEqual(
          of,
          Array.from({ length: 50 }, (_, i) => other * 1_000 + i)
        )
      }
    }
    assert.deepEqual(channels[0]?.stats(), { dropped: 0, redelivered: 0 })
    assert.equal(channels[0]?.peers().receiving.length, 2)
    assert.equal(channels[0]?.peers().sending.length, 2)
  })

  it('broadcast: a node that is behind loses the oldest, and nobody waits for it', async () => {
    const [here, there] = await mesh(2)
    assert.ok(here !== undefined && there !== undefined)
    const options = { capacity: 10, size: 5 } as const
    const from = await here.channel('prices', Price, { ...options, role: 'sender' })
    const to = await there.channel('prices', Price, { ...options, role: 'receiver' })
    await from.ready()
    for (let i = 0; i < 1_000; i++) await from.send(price(i))
    assert.equal(from.stats().dropped, 1_000 - 15)
    assert.deepEqual(await take(to, 15), [
      ...Array.from({ length: 5 }, (_, i) => i),
      ...Array.from({ length: 10 }, (_, i) => 990 + i)
    ])
  })

  it('multicast: the sender waits for the slowest, and nothing is lost', async () => {
    const [here, a, b] = await mesh(3)
    assert.ok(here !== undefined && a !== undefined && b !== undefined)
    const options = { mode: 'multicast', size: 4, capacity: 0 } as const
    const from = await here.channel('prices', Price, { ...options, role: 'sender' })
    const [fast, slow] = await Promise.all(
      [a, b].map(node => node.channel('prices', Price, { ...options, role: 'receiver' }))
    )
    assert.ok(fast !== undefined && slow !== undefined)
    await from.ready({ peers: 2 })
    let sent = 0
    const sending = (async () => {
      for (; sent < 200; sent++) await from.send(price(sent))
    })()
    const ahead: number[] = []
    const receiving = (async () => {
      for await (const { price: number } of fast) if (ahead.push(number) === 200) break
    })()
    const first = await take(slow, 1)
    assert.ok(sent < 20, `${sent} were sent while one node had taken one`)
    const rest = await take(slow, 199)
    await Promise.all([sending, receiving])
    assert.deepEqual([...first, ...rest], ahead)
    await from.sync({ timeout: 5_000 })
  })

  it('queue: each value goes to one node; what a node leaves behind goes to another', async () => {
    const [here, a, b] = await mesh(3)
    assert.ok(here !== undefined && a !== undefined && b !== undefined)
    const from = await here.channel('jobs', Price, { mode: 'queue', role: 'sender' })
    const options = { mode: 'queue', role: 'receiver', size: 8 } as const
    const leaving = await a.channel('jobs', Price, options)
    await from.ready()
    for (let i = 0; i < 20; i++) await from.send(price(i))
    const taken = await take(leaving, 3)
    await leaving.close()
    const staying = await b.channel('jobs', Price, options)
    const rest = await take(staying, 17)
    assert.deepEqual(
      [...taken, ...rest],
      Array.from({ length: 20 }, (_, i) => i)
    )
    assert.ok(from.stats().redelivered > 0)
  })

  it('values are checked at both ends; another schema is refused, naming the field', async () => {
    const [here, there] = await mesh(2)
    assert.ok(here !== undefined && there !== undefined)
    const Other = v.object({ symbol: v.string(), price: v.string() })
    const from: PriceChannel = await here.channel('prices', Price, { role: 'sender' })
    await assert.rejects(from.send({ symbol: 'ACME', price: 'dear' as unknown as number }), {
      code: 'ERR_VALUE_INVALID'
    })
    const to = await there.channel('prices', Other, { role: 'receiver' })
    await assert.rejects(to.ready(), (error: Error & { code?: string; differences?: object[] }) => {
      assert.equal(error.code, 'ERR_SCHEMA_MISMATCH')
      assert.deepEqual(error.differences, [{ path: 'price', ours: 'string', theirs: 'number' }])
      return true
    })
  })

  it('a ticket for the channel is enough to receive', async () => {
    const here = await createNode({ listen: ['/ip4/127.0.0.1/tcp/0'] })
    nodes.push(here)
    const from = await here.channel('prices', Price, { role: 'sender' })
    const { text } = await here.ticket({ channel: 'prices' })
    const there = await createNode({ listen: [], tickets: [text] })
    nodes.push(there)
    const to = await there.channel('prices', Price, { role: 'receiver' })
    await Promise.all([from.ready(), to.ready()])
    await from.send(price(5))
    assert.deepEqual(await take(to, 1), [5])
    assert.deepEqual(to.peers().sending, [here.peerId])
  })

  it('another mode is refused', async () => {
    const [here, there] = await mesh(2)
    assert.ok(here !== undefined && there !== undefined)
    await here.channel('prices', Price, { mode: 'queue', role: 'sender' })
    const to = await there.channel('prices', Price, { mode: 'multicast', role: 'receiver' })
    const errors: Error[] = []
    to.on('error', error => errors.push(error))
    await assert.rejects(to.ready(), { code: 'ERR_UNKNOWN_NAME' })
  })

  it('tells of nodes that come and go, and takes them up again', async () => {
    const [here, there] = await mesh(2)
    assert.ok(here !== undefined && there !== undefined)
    const from = await here.channel('prices', Price, { mode: 'multicast', role: 'sender' })
    const events: string[] = []
    from.on('peer', (peer, what, is) => {
      assert.equal(peer, there.peerId)
      events.push(`${what} ${String(is)}`)
    })
    for (let round = 0; round < 2; round++) {
      const to: PriceChannel = await there.channel('prices', Price, {
        mode: 'multicast',
        role: 'receiver'
      })
      await from.ready()
      await from.send(price(round))
      assert.deepEqual(await take(to, 1), [round])
      await to.close()
    }
    assert.deepEqual(events.slice(0, 3), ['receives true', 'receives false', 'receives true'])
    // And the sender too: the receiver finds it again.
    const to = await there.channel('prices', Price, { mode: 'multicast', role: 'receiver' })
    await to.ready()
    await from.close()
    const again = await here.channel('prices', Price, { mode: 'multicast', role: 'sender' })
    await again.ready()
    await again.send(price(7))
    assert.deepEqual(await take(to, 1), [7])
  })

  for (const mode of ['multicast', 'queue'] as const) {
    it(`${mode}: nothing is lost and nothing comes twice when the connection is cut`, async () => {
      const token = generateToken()
      const here = await createNode({ token, listen: ['/ip4/127.0.0.1/tcp/0'] })
      nodes.push(here)
      const [address = ''] = here.addresses()
      const line = await brokenLine(Number(/tcp\/(\d+)/.exec(address)?.[1]))
      const through = address.replace(/tcp\/\d+/, `tcp/${line.port}`)
      const there = await createNode({ token, listen: [], peers: [through] })
      nodes.push(there)
      const from = await here.channel('prices', Price, { mode, role: 'sender' })
      const to = await there.channel('prices', Price, { mode, role: 'receiver' })
      await from.ready()
      let cuts = 0
      const sending = (async () => {
        for (let i = 0; i < 1_500; i++) {
          if (i % 500 === 250) cuts += Math.sign(line.cut())
          await from.send(price(i))
        }
      })()
      const received = await take(to, 1_500)
      await sending
      assert.deepEqual(
        received,
        Array.from({ length: 1_500 }, (_, i) => i)
      )
      assert.ok(cuts > 0)
      await Promise.all([to.close(), from.close()])
      await Promise.all([here.close(), there.close()])
      await line.close()
    })
  }

  it('ends: iteration ends, sends are refused, nothing is left; closing twice is one', async () => {
    const [here, there] = await mesh(2)
    assert.ok(here !== undefined && there !== undefined)
    const [a, b] = await Promise.all([here, there].map(node => node.channel('prices', Price)))
    assert.ok(a !== undefined && b !== undefined)
    await Promise.all([a.ready(), b.ready()])
    const iterating = take(b, 5)
    await a.send(price(1))
    await Promise.all([b.sync({ timeout: 5_000 }), a.sync({ timeout: 5_000 })])
    await Promise.all([b.close(), b.close()])
    assert.deepEqual(await iterating, [1])
    await assert.rejects(b.send(price(2)), { code: 'ERR_CHANNEL_CLOSED' })
    await assert.rejects(b.ready({ peers: 5 }), { code: 'ERR_CHANNEL_CLOSED' })
    await a.close()
    // The word that it is gone is on its way.
    while (there.status().links.some(({ channels }) => channels.includes('prices'))) {
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    // The name is free again.
    await (await here.channel('prices', Price)).close()
  })

  it('ready gives up with its signal; wrong options are refused', async () => {
    const [node] = await mesh(1)
    assert.ok(node !== undefined)
    const alone = await node.channel('prices', Price)
    await assert.rejects(alone.ready({ signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' })
    const wrong = { mode: 'anycast' } as unknown as { mode: 'queue' }
    await assert.rejects(node.channel('x', Price, wrong), { code: 'ERR_NODE_OPTIONS' })
    await assert.rejects(node.channel('prices', Price), { code: 'ERR_ALREADY_LISTENING' })
    await node.close()
    await assert.rejects(node.channel('x', Price), { code: 'ERR_NODE_CLOSED' })
  })
})
