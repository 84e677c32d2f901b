import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { DEFAULTS } from '../src/defaults.ts'
import { sourceKey } from '../src/slots/source-key.ts'
import { SourceTable } from '../src/slots/source-table.ts'

describe('source of a connection', () => {
  for (const [address, key] of [
    ['/ip4/192.0.2.7/tcp/1', '192.0.2.7'],
    ['/ip4/127.0.0.1/tcp/1', undefined],
    ['/ip4/127.9.9.9/tcp/1', undefined],
    ['/ip6/::1/tcp/1', undefined],
    ['/ip6/::ffff:127.0.0.1/tcp/1', undefined],
    ['/ip6/::ffff:c000:207/tcp/1', '192.0.2.7'],
    ['/ip6/2001:db8:1:2ff:aaaa::1/tcp/1', '2001:db8:1:200::/56'],
    ['/ip6/2001:db8:1:201::9/tcp/1', '2001:db8:1:200::/56'],
    ['/ip6/2001:db8:1:301::9/tcp/1', '2001:db8:1:300::/56'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'fe80:0:0:0::/56'],
    ['/unix/%2Ftmp%2Fx.sock', undefined],
    [
      '/ip4/192.0.2.7/tcp/1/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit',
      '192.0.2.7'
    ]
  ] as const) {
    it(`is ${key ?? 'exempt'} for ${address}`, () => {
      assert.equal(sourceKey(multiaddr(address)), key)
    })
  }
})

describe('source table', () => {
  const table = (options = {}): SourceTable => new SourceTable({ ...DEFAULTS, ...options })

  it('admits a burst, then so many a second', () => {
    const sources = table({ inboundRatePerSource: 2, inboundBurstPerSource: 3 })
    const from = sources.find('1.2.3.4', 0)
    const admitted = (now: number): boolean => sources.admit(from, now) === undefined
    assert.deepEqual(
      [admitted(0), admitted(0), admitted(0), admitted(0)],
      [true, true, true, false]
    )
    assert.deepEqual([admitted(500), admitted(500)], [true, false])
    assert.equal(sources.admit(from, 500), 'rate')
  })

  it('never limits the source that is exempt', () => {
    const sources = table({ inboundRatePerSource: 1, inboundBurstPerSource: 1 })
    for (let i = 0; i < 100; i++) {
      assert.equal(sources.admit(sources.find(undefined, 0), 0), undefined)
    }
    sources.punish(undefined, 0)
    assert.equal(sources.size, 0)
  })

  it('shuts a source out from its third violation on, for what has accrued', () => {
    const sources = table()
    const from = sources.find('6.6.6.6', 0)
    sources.punish('6.6.6.6', 0)
    sources.punish('6.6.6.6', 0)
    assert.equal(sources.admit(from, 0), undefined)
    sources.punish('6.6.6.6', 0)
    assert.equal(sources.admit(from, 1), 'penalty')
    assert.equal(sources.admit(from, 14_999), 'penalty')
    assert.equal(sources.admit(from, 15_000), undefined)
    sources.punish('6.6.6.6', 15_000)
    assert.equal(sources.admit(from, 15_001), undefined)
  })

  it('lets no penalty grow beyond its maximum', () => {
    const sources = table()
    const from = sources.find('6.6.6.6', 0)
    for (let i = 0; i < 10_000; i++) sources.punish('6.6.6.6', 0)
    assert.equal(sources.admit(from, 599_999), 'penalty')
    assert.equal(sources.admit(from, 600_000), undefined)
  })

  it('forgets the source seen longest ago, but none in use', () => {
    const sources = table({ maxSources: 3, inboundBurstPerSource: 1 })
    const used = sources.find('used', 0)
    used.active = 1
    const old = sources.find('old', 0)
    sources.admit(old, 0)
    sources.find('recent', 0)
    sources.find('new', 0)
    assert.equal(sources.size, 3)
    assert.equal(sources.find('used', 0), used)
    assert.notEqual(sources.find('old', 0), old)
    for (let i = 0; i < 1_000; i++) sources.find(`${i}`, 0)
    assert.equal(sources.size, 3)
    assert.equal(sources.find('used', 0), used)
  })
})
