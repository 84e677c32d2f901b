import assert from 'node:assert/strict'
import { channel, createExporter, importFrom } from '@warren/netchan'
import type { Exporter, Importer, Sender } from '@warren/netchan'
import { createTunnel, generateToken } from '@warren/tunnel'
import type { Session } from '@warren/tunnel'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { SEED } from '../support/content.ts'
import { addressThrough, afterwards, closeSwarms, dialling, listening } from '../support/swarms.ts'
import { until } from '../support/until.ts'

/** Values flow until the link was cut so often, and at least so many. */
const CUTS = 6
const LEAST = 20_000

const reconnect = { first: 20, factor: 2, max: 500 }

describe('channels over a tunnel session whose link is cut', () => {
  let proxy: ChaosProxy
  let exporter: Exporter
  let importer: Importer
  let session: Session

  beforeEach(async () => {
    const token = generateToken()
    const far = await listening()
    const port = Number(/tcp\/(\d+)/.exec(String(far.listenAddrs()[0]))?.[1])
    proxy = await ChaosProxy.start({ port })
    afterwards(() => proxy.stop())
    const there = createTunnel(far, { token, reconnect })
    const near = await dialling()
    const nodes = [addressThrough(proxy.port, far)]
    const here = createTunnel(near, { token, reconnect, nodes })
    exporter = createExporter()
    void exporter.serve(await there.listen('market'))
    session = await here.dial('market')
    importer = await importFrom(session)
    afterwards(async () => {
      importer.abort()
      exporter.abort()
      await Promise.all([here.close(), there.close()])
    })
  })
  afterEach(closeSwarms)

  it(`every value arrives once, in order, both ways, and calls are answered (seed ${SEED})`, async () => {
    const prices = channel<number>(0)
    const orders = channel<number>(0)
    exporter.export('prices', prices, 'send')
    exporter.export('orders', orders, 'recv', { closeWithLast: true })
    exporter.handle('double', {}, value => (value as number) * 2)
    const incoming = await importer.import<number>('prices', 'recv', { size: 100 })
    const outgoing = await importer.import<number>('orders', 'send', { size: 100 })
    await proxy.cutEvery({ every: 250, seed: SEED, ways: ['reset', 'mid-frame'] })

    let cuts = 0
    async function send(sender: Sender<number>): Promise<number> {
      let sent = 0
      while (sent < LEAST || cuts < CUTS) await sender.send(sent++)
      sender.close()
      return sent
    }
    async function receive(values: AsyncIterable<number>): Promise<number> {
      let received = 0
      for await (const value of values) assert.equal(value, received++)
      return received
    }
    let ended = false
    async function call(): Promise<number> {
      let calls = 0
      while (!ended) assert.equal(await importer.call('double', calls), calls++ * 2)
      return calls
    }
    const calls = call()
    const flows = Promise.all([send(prices), receive(incoming), send(outgoing), receive(orders)])
    await until(
      async () => {
        cuts = (await proxy.counts()).cuts
        return cuts >= CUTS
      },
      `it was cut ${CUTS} times`,
      120_000
    )
    await proxy.heal()
    const [sentThere, receivedHere, sentHere, receivedThere] = await flows
    ended = true
    assert.ok((await calls) > 0)
    assert.equal(receivedHere, sentThere)
    assert.equal(receivedThere, sentHere)
    assert.ok(session.stats().resumes > 0, 'the session was resumed')
    await exporter.drain({ timeout: 10_000 })
    await importer.drain({ timeout: 10_000 })
    assert.equal(exporter.debug().bound, 0)
  })

  it('a session that is lost ends its channels, and says so; a queue goes on with the next importer', async () => {
    const jobs = channel<number>(0)
    exporter.export('jobs', jobs, 'send')
    const lost = await importer.import<number>('jobs', 'recv', { size: 10 })
    for (let i = 0; i < 10; i++) await jobs.send(i)
    assert.deepEqual(await lost.receive(), { done: false, value: 0 })
    // Its credit has come back: the exporter knows that the first was taken.
    await until(() => exporter.stats().jobs?.pending === 9, 'one value was confirmed')
    session.abort(new Error('gone'))
    await assert.rejects(
      async () => {
        for await (const _ of lost);
      },
      { code: 'ERR_NETCHAN_LINK_LOST' }
    )
    await importer.closed
    await until(() => exporter.debug().links === 0, 'the exporter has let go of the link')
    assert.equal(exporter.stats().jobs?.redelivered, 9)
  })
})
