import assert from 'node:assert/strict'
import type { UpgradeSlot } from '@warren/interface'
import { SlotScheduler } from '../src/slots/slot-scheduler.ts'
import type { SlotGroup } from '../src/slots/slot-scheduler.ts'
import type { Source } from '../src/slots/source-table.ts'

const source = (key: string | undefined): Source => ({ key, active: 0, waiting: 0 })

describe('slot scheduler', () => {
  let granted: string[]
  let slots: Map<string, UpgradeSlot>

  beforeEach(() => {
    granted = []
    slots = new Map()
  })

  function ask(scheduler: SlotScheduler, group: SlotGroup, from: Source, name: string) {
    return scheduler.request(group, from, slot => {
      granted.push(name)
      slots.set(name, slot)
    })
  }

  it('grants up to its limit, then in order of arrival as slots come back', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 2,
      maxParallelUpgradesPerSource: 8
    })
    const group = scheduler.createGroup()
    const from = source('1.2.3.4')
    for (const name of ['a', 'b', 'c', 'd']) ask(scheduler, group, from, name)
    assert.deepEqual(granted, ['a', 'b'])
    assert.equal(scheduler.waiting, 2)
    slots.get('b')?.release()
    slots.get('b')?.release() // idempotent
    assert.deepEqual(granted, ['a', 'b', 'c'])
    slots.get('a')?.release()
    assert.deepEqual(granted, ['a', 'b', 'c', 'd'])
    assert.equal(scheduler.waiting, 0)
    assert.equal(scheduler.active, 2)
  })

  it('lets sources take turns, so that one with many requests holds nobody up', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 1,
      maxParallelUpgradesPerSource: 8
    })
    const group = scheduler.createGroup()
    const loud = source('6.6.6.6')
    for (let i = 0; i < 50; i++) ask(scheduler, group, loud, `loud ${i}`)
    ask(scheduler, group, source('1.1.1.1'), 'quiet')
    slots.get('loud 0')?.release()
    slots.get('loud 1')?.release()
    assert.deepEqual(granted.slice(0, 3), ['loud 0', 'loud 1', 'quiet'])
  })

  it('passes over a source at its limit, and serves it again when it gives a slot back', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 10,
      maxParallelUpgradesPerSource: 2
    })
    const group = scheduler.createGroup()
    const loud = source('6.6.6.6')
    for (let i = 0; i < 4; i++) ask(scheduler, group, loud, `loud ${i}`)
    ask(scheduler, group, source('1.1.1.1'), 'quiet')
    assert.deepEqual(granted, ['loud 0', 'loud 1', 'quiet'])
    slots.get('loud 0')?.release()
    assert.deepEqual(granted.slice(3), ['loud 2'])
    assert.equal(loud.active, 2)
  })

  it('does not limit the source that is exempt', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 10,
      maxParallelUpgradesPerSource: 2
    })
    const group = scheduler.createGroup()
    const loopback = source(undefined)
    for (let i = 0; i < 10; i++) ask(scheduler, group, loopback, `${i}`)
    assert.equal(granted.length, 10)
  })

  it('holds back a group that is shut and serves the others; one source may wait in both', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 10,
      maxParallelUpgradesPerSource: 1
    })
    const [shut, open] = [scheduler.createGroup(), scheduler.createGroup()]
    const from = source('1.2.3.4')
    ask(scheduler, open, from, 'first')
    ask(scheduler, shut, from, 'shut')
    ask(scheduler, open, from, 'open')
    scheduler.setOpen(shut, false)
    slots.get('first')?.release()
    assert.deepEqual(granted, ['first', 'open'])
    slots.get('open')?.release()
    assert.deepEqual(granted, ['first', 'open'])
    scheduler.setOpen(shut, true)
    assert.deepEqual(granted, ['first', 'open', 'shut'])
  })

  it('forgets a request that is taken back, wherever it waits', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 1,
      maxParallelUpgradesPerSource: 1
    })
    const group = scheduler.createGroup()
    const [one, two] = [source('1.1.1.1'), source('2.2.2.2')]
    ask(scheduler, group, one, 'held')
    const parked = ask(scheduler, group, one, 'parked')
    const ready = ask(scheduler, group, two, 'ready')
    assert.equal(parked(), true)
    assert.equal(ready(), true)
    assert.equal(ready(), false)
    assert.deepEqual([scheduler.waiting, one.waiting, two.waiting, group.lanes.size], [0, 0, 0, 0])
    ask(scheduler, group, two, 'later')
    slots.get('held')?.release()
    assert.deepEqual(granted, ['held', 'later'])
  })

  it('keeps its counts under random use, and ends empty', () => {
    const scheduler = new SlotScheduler({
      maxParallelUpgrades: 5,
      maxParallelUpgradesPerSource: 2
    })
    const groups = [scheduler.createGroup(), scheduler.createGroup(), scheduler.createGroup()]
    const sources = ['a', 'b', 'c', undefined].map(source)
    let seed = 42
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return (seed >>> 8) % n
    }
    const held: UpgradeSlot[] = []
    const pending = new Set<() => boolean>()
    let asked = 0
    let served = 0
    let cancelled = 0
    for (let i = 0; i < 5_000; i++) {
      const group = groups[random(3)] as SlotGroup
      const step = random(4)
      if (step === 0) {
        asked++
        const cancel = scheduler.request(group, sources[random(4)] as Source, slot => {
          served++
          held.push(slot)
        })
        pending.add(cancel)
      } else if (step === 1) held.splice(random(held.length + 1), 1)[0]?.release()
      else if (step === 2) scheduler.setOpen(group, random(2) === 0)
      else {
        const [cancel] = pending
        if (cancel !== undefined && pending.delete(cancel) && cancel()) cancelled++
      }
      assert.ok(scheduler.active <= 5)
      assert.equal(scheduler.active, held.length)
      assert.equal(scheduler.waiting, asked - served - cancelled)
      for (const { key, active } of sources) if (key !== undefined) assert.ok(active <= 2)
    }
    for (const group of groups) scheduler.setOpen(group, true)
    for (let slot = held.pop(); slot !== undefined; slot = held.pop()) slot.release()
    assert.equal(served, asked - cancelled)
    assert.deepEqual([scheduler.active, scheduler.waiting], [0, 0])
    for (const group of groups) assert.equal(group.lanes.size, 0)
  })
})
