import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { SUBSCRIBER_TRANSITIONS } from '../../src/modes/subscriber-life.ts'
import type { SubscriberEvent, SubscriberState } from '../../src/modes/subscriber-life.ts'

const spec = readFileSync(new URL('../../../spec.md', import.meta.url), 'utf8')
const modes = spec.slice(spec.indexOf('### Modes'), spec.indexOf('### Topics'))
const cells = (row: string): string[] =>
  row
    .split('|')
    .map(cell => cell.trim())
    .slice(1, -1)
const rows = modes.split('\n').filter(line => line.startsWith('|'))

describe('modes of spec.md', () => {
  it('have the state table of the source', () => {
    const [head = '', , ...body] = rows
    const [, ...events] = cells(head) as [string, ...SubscriberEvent[]]
    const table = new Map(body.map(row => [cells(row)[0], cells(row).slice(1)]))
    const states = Object.keys(SUBSCRIBER_TRANSITIONS) as SubscriberState[]
    assert.deepEqual(new Set(table.keys()), new Set(states))
    for (const state of states) {
      const moves = SUBSCRIBER_TRANSITIONS[state]
      assert.ok(Object.keys(moves).every(event => events.includes(event as SubscriberEvent)))
      assert.deepEqual(
        table.get(state),
        events.map(event => moves[event] ?? '–'),
        state
      )
    }
  })
})
