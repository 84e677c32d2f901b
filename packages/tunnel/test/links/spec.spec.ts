import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { encodeLengthPrefixed } from '@warren/utils'
import { Control, GoodbyeReason, RefuseCode } from '../../proto/control.ts'
import { toWireMode } from '../../src/channels/wire-mode.ts'

const spec = readFileSync(new URL('../../../spec.md', import.meta.url), 'utf8')
const section = spec.slice(spec.indexOf('### Messages as bytes'))
const vectors = new Map(
  (section.match(/```text\n([\s\S]*?)```/)?.[1] ?? '')
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/) as [string, string])
)

const range = (from: number, length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => from + i)

const MESSAGES: Record<string, Control> = {
  hello: {
    hello: { version: 1, nonce: range(0x20, 32), open: false, tickets: [], instance: range(0, 16) }
  },
  refuse: { refuse: { code: RefuseCode.VERSION } },
  announce: {
    announce: {
      opened: [
        { name: 'a', mode: toWireMode('unicast'), bytes: false },
        { name: 'b', mode: toWireMode('multicast'), bytes: false },
        { name: 'c', mode: toWireMode('broadcast'), bytes: false },
        { name: 'd', mode: toWireMode('unicast'), bytes: true }
      ],
      closed: ['e'],
      query: 7
    }
  },
  discover: { discover: { query: 7, channels: ['a', 'b'] } },
  probe: { probe: { id: 9, reply: false } },
  answer: { probe: { id: 9, reply: true } },
  presented: { presented: { id: range(0, 16), mac: range(0x40, 32) } },
  withdraw: { withdraw: { id: range(0, 16), code: RefuseCode.TICKET_REVOKED } },
  goodbye: { goodbye: { reason: GoodbyeReason.SUPERSEDED } }
}

describe('control messages of spec.md', () => {
  it('are all there', () => assert.deepEqual([...vectors.keys()], Object.keys(MESSAGES)))

  for (const [name, message] of Object.entries(MESSAGES)) {
    it(`${name} has these bytes, and is read from them`, () => {
      const bytes = encodeLengthPrefixed(Control.encode(message))
      assert.equal(Buffer.from(bytes).toString('hex'), vectors.get(name))
      const [kind] = Object.keys(message) as [keyof Control]
      assert.deepEqual(Control.decode(bytes.subarray(1))[kind], message[kind])
    })
  }
})
