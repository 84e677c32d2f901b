import assert from 'node:assert/strict'
import { isChannelName } from '../../src/channels/channel-name.ts'
import { ChannelTable } from '../../src/channels/channel-table.ts'

const info = { mode: 'unicast', bytes: false } as const

describe('channel table', () => {
  it('forgets what was not announced again in its lifetime', () => {
    const table = new ChannelTable(10, 100)
    assert.equal(table.open('a', info, 0), 'new')
    assert.equal(table.open('b', info, 0), 'new')
    assert.equal(table.open('a', info, 60), 'refreshed')
    assert.equal(table.get('b', 100)?.mode, 'unicast')
    assert.equal(table.get('b', 101), undefined, 'stale before it is swept')
    assert.deepEqual(table.expire(101), ['b'])
    assert.deepEqual(table.names(), ['a'])
    assert.deepEqual(table.expire(161), ['a'])
    assert.equal(table.size, 0)
  })

  it('holds no more than its limit, and still refreshes what it holds', () => {
    const table = new ChannelTable(2, 100)
    table.open('a', info, 0)
    table.open('b', info, 0)
    assert.equal(table.open('c', info, 0), 'full')
    assert.equal(table.open('b', { mode: 'multicast', bytes: true }, 1), 'refreshed')
    assert.deepEqual(table.get('b', 1)?.bytes, true)
    assert.equal(table.close('a'), true)
    assert.equal(table.close('a'), false)
    assert.equal(table.open('c', info, 0), 'new')
  })
})

describe('channel name', () => {
  it('is 1 to 255 bytes of UTF-8 without control characters', () => {
    for (const good of ['a', 'web', 'a b,c/d', 'é'.repeat(127), '😀'.repeat(63), 'x'.repeat(255)]) {
      assert.equal(isChannelName(good), true, good)
    }
    const bad = ['', 'x'.repeat(256), 'é'.repeat(128), 'a\u0000', '\u001b[0m', '\u007f', '\u0085']
    for (const name of [...bad, '\ud800', 1, null, undefined]) {
      assert.equal(isChannelName(name), false, JSON.stringify(name))
    }
  })
})
