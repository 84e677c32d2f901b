import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { DialSchedule } from '../src/dial/dial-schedule.ts'
import { type FarEnd, simulateDial, starts } from './support/dial-sim.ts'

const SILENT: FarEnd = { kind: 'silent', timeout: 15_000 }
const REFUSED: FarEnd = { kind: 'refused', after: 20 }
const UP: FarEnd = { kind: 'up', answersAfter: 40, connectsAfter: 120 }

/** `count` public IPv4 addresses; nobody dials them but the simulation. */
function publics(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `/ip4/1.2.3.${index + 1}/tcp/4001`)
}

describe('dial schedule', () => {
  it('staggers public addresses by 250 ms, IPv6 first', () => {
    const result = simulateDial({
      '/ip4/1.2.3.1/tcp/1': SILENT,
      '/ip4/1.2.3.2/tcp/1': SILENT,
      '/ip6/2606:4700::1/tcp/1': SILENT,
      '/ip4/1.2.3.3/tcp/1': UP
    })
    assert.deepEqual(starts(result), [
      '/ip6/2606:4700::1/tcp/1@0',
      '/ip4/1.2.3.1/tcp/1@250',
      '/ip4/1.2.3.2/tcp/1@500',
      '/ip4/1.2.3.3/tcp/1@750'
    ])
    assert.equal(result.connected?.at, 870)
  })

  it('staggers private addresses by 30 ms and lets public ones follow', () => {
    const result = simulateDial({
      '/ip4/1.2.3.1/tcp/1': SILENT,
      '/ip4/10.0.0.1/tcp/1': SILENT,
      '/ip4/127.0.0.1/tcp/1': SILENT,
      '/ip4/192.168.0.9/tcp/1': SILENT,
      '/ip4/1.2.3.2/tcp/1': UP
    })
    assert.deepEqual(starts(result), [
      '/ip4/10.0.0.1/tcp/1@0',
      '/ip4/127.0.0.1/tcp/1@30',
      '/ip4/1.2.3.1/tcp/1@30',
      '/ip4/192.168.0.9/tcp/1@60',
      '/ip4/1.2.3.2/tcp/1@280'
    ])
  })

  it('gives direct addresses 500 ms before relays, also when one of them is refused', () => {
    const relay =
      '/ip4/1.2.3.7/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf/p2p-circuit'
    const result = simulateDial({
      '/ip4/1.2.3.1/tcp/1': SILENT,
      '/ip4/1.2.3.2/tcp/1': REFUSED,
      [relay]: UP
    })
    assert.deepEqual(starts(result), [
      '/ip4/1.2.3.1/tcp/1@0',
      '/ip4/1.2.3.2/tcp/1@250',
      `${relay}@500`
    ])
  })

  it('dials a relay at once when there is nothing else, or nothing else left', () => {
    const relay =
      '/ip4/1.2.3.7/tcp/1/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf/p2p-circuit'
    assert.equal(simulateDial({ [relay]: UP }).connected?.at, 120)
    const after = simulateDial({ '/ip4/1.2.3.1/tcp/1': REFUSED, [relay]: UP })
    assert.deepEqual(starts(after), ['/ip4/1.2.3.1/tcp/1@0', `${relay}@20`])
  })

  it('starts the next address at once when one is refused, and keeps the staggers behind it', () => {
    const [a = '', b = '', c = '', d = ''] = publics(4)
    const result = simulateDial({ [a]: REFUSED, [b]: SILENT, [c]: SILENT, [d]: UP })
    assert.deepEqual(starts(result), [`${a}@0`, `${b}@20`, `${c}@270`, `${d}@520`])
  })

  it('loses no more than one stagger to a black hole', () => {
    const [a = '', b = ''] = publics(2)
    const result = simulateDial({ [a]: SILENT, [b]: UP })
    assert.deepEqual(result.connected, { address: b, at: 250 + 120 })
  })

  it('finds the good one behind ten black holes within 3 s, with no more than eight at once', () => {
    const addresses = publics(11)
    const network = Object.fromEntries(addresses.map(address => [address, SILENT]))
    const good = addresses[10] ?? ''
    const result = simulateDial({ ...network, [good]: UP })
    assert.equal(result.connected?.address, good)
    assert.ok((result.connected?.at ?? Infinity) < 3_000, `took ${result.connected?.at} ms`)
    assert.equal(result.peak, 8)
  })

  it('finds the good one behind ten refusals in the time of the refusals', () => {
    const addresses = publics(11)
    const network = Object.fromEntries(addresses.map(address => [address, REFUSED]))
    const result = simulateDial({ ...network, [addresses[10] ?? '']: UP })
    assert.equal(result.connected?.at, 10 * 20 + 120)
  })

  it('comes back to a slow address that had to make room', () => {
    const addresses = publics(12)
    const network = Object.fromEntries(addresses.map(address => [address, SILENT]))
    // Slower than its first stay, and the only one that works.
    const slow = addresses[0] ?? ''
    const result = simulateDial({
      ...network,
      [slow]: { kind: 'up', answersAfter: 4_000, connectsAfter: 4_500 }
    })
    assert.equal(result.connected?.address, slow)
    const first = result.trace.filter(({ address, what }) => address === slow && what === 'start')
    assert.equal(first.length, 2)
    assert.ok(result.trace.some(({ address, what }) => address === slow && what === 'stop'))
  })

  it('does not stop an attempt that has been answered', () => {
    const addresses = publics(12)
    const network = Object.fromEntries(addresses.map(address => [address, SILENT]))
    const answered = addresses[0] ?? ''
    const result = simulateDial({
      ...network,
      [answered]: { kind: 'up', answersAfter: 100, connectsAfter: 9_000 }
    })
    assert.equal(
      result.trace.some(({ address, what }) => address === answered && what === 'stop'),
      false
    )
    assert.deepEqual(result.connected, { address: answered, at: 9_000 })
  })

  it('holds the others back by a stagger once one is answered', () => {
    const [a = '', b = ''] = publics(2)
    const result = simulateDial({
      [a]: { kind: 'up', answersAfter: 240, connectsAfter: 480 },
      [b]: UP
    })
    assert.deepEqual(starts(result), [`${a}@0`])
    assert.equal(result.connected?.at, 480)
  })

  it('takes up addresses that are found on the way', () => {
    const [a = '', b = ''] = publics(2)
    const result = simulateDial({ [a]: SILENT, [b]: UP }, { late: { [b]: 700 } })
    assert.deepEqual(starts(result), [`${a}@0`, `${b}@700`])
  })

  it('ends when everything has failed', () => {
    const [a = '', b = ''] = publics(2)
    const result = simulateDial({ [a]: REFUSED, [b]: { kind: 'silent', timeout: 5_000 } })
    assert.equal(result.connected, undefined)
    assert.deepEqual(
      result.trace.filter(({ what }) => what === 'failed').map(({ at }) => at),
      [20, 5_020]
    )
  })

  it('dials an address once, however often it is added', () => {
    const schedule = new DialSchedule({ maxParallel: 8, patience: 1_000 })
    const address = multiaddr('/ip4/127.0.0.1/tcp/1')
    assert.equal(schedule.add([address, address], 0).length, 1)
    assert.equal(schedule.add([address], 5).length, 0)
    assert.equal(schedule.poll(10).length, 1)
    schedule.failed(address, 20)
    assert.equal(schedule.idle, true)
  })
})
