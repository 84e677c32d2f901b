import assert from 'node:assert/strict'
import { kadDHT } from '@libp2p/kad-dht'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import { ECHO, echo, echoByHash } from '../interop/nodes.ts'
import { BASIC, addressOf, cleanUp, hosted, stock } from './support/nodes.ts'

/** The samples of one metric, by the value of their only label. */
async function samples(registry: Registry, name: string): Promise<Map<string, number>> {
  const metrics = await registry.getMetricsAsJSON()
  const found = metrics.find(metric => metric.name === name)
  assert.ok(
    found !== undefined,
    `${name} is not among ${metrics.map(each => each.name).join(', ')}`
  )
  const values = found.values as { labels: Record<string, string>; value: number }[]
  return new Map(values.map(({ labels, value }) => [Object.values(labels).join(), value]))
}

describe('prometheus-metrics, hosted', () => {
  afterEach(cleanUp)

  it('counts the bytes of connections and of the streams of each protocol', async () => {
    const registry = new Registry()
    const services = { ...BASIC, dht: kadDHT({ protocol: '/test/kad/1.0.0' }) }
    const ours = await hosted(services, {
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false })
    })
    const theirs = await stock(BASIC)
    await theirs.handle(ECHO, echo)
    const bytes = 100_000
    await echoByHash(await ours.newStream(addressOf(theirs), ECHO), bytes)
    await ours.services.ping.ping(theirs.peerId)

    const transferred = await samples(registry, 'libp2p_data_transfer_bytes_total')
    const of = (label: string): number => transferred.get(label) ?? 0
    // The protocol itself, its framing and encryption come on top.
    for (const way of ['sent', 'received']) {
      assert.ok(of(`${ECHO} ${way}`) >= bytes, `${of(`${ECHO} ${way}`)} bytes ${way}`)
      assert.ok(of(`${ECHO} ${way}`) < bytes + 100)
      assert.equal(of(`/ipfs/ping/1.0.0 ${way}`), 32)
      assert.ok(of(`global ${way}`) > bytes + 32)
    }
    // Services register their own metrics with the component they are given.
    const names = (await registry.getMetricsAsJSON()).map(({ name }) => name)
    assert.ok(
      names.some(name => name.includes('kad_dht')),
      names.join()
    )
  })

  it('counts inbound streams too', async () => {
    const registry = new Registry()
    const ours = await hosted(BASIC, {
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false })
    })
    await ours.handle(ECHO, echo)
    const theirs = await stock(BASIC)
    await echoByHash(await theirs.dialProtocol(addressOf(ours), ECHO), 50_000)
    const transferred = await samples(registry, 'libp2p_data_transfer_bytes_total')
    assert.equal(transferred.get(`${ECHO} received`), 50_000)
    assert.equal(transferred.get(`${ECHO} sent`), 50_000)
    assert.ok(Number(transferred.get('global received')) > 50_000)
  })
})
