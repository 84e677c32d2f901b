import assert from 'node:assert/strict'
import type { Connection } from '@libp2p/interface'
import { pastRelays } from '../../src/links/link-choice.ts'
import { LinkTable } from '../../src/links/link-table.ts'
import type { TunnelLink } from '../../src/links/tunnel-link.ts'

const PEER = 'b'
/** The end with the smaller id decides which of two links goes. */
const DECIDES = 'a'
const FOLLOWS = 'c'

interface Given {
  readonly relayed?: boolean
  readonly since?: number
  readonly direction?: 'inbound' | 'outbound'
}

/** What the table looks at of a link. */
function link({ relayed = false, since = 0, direction = 'outbound' }: Given): TunnelLink {
  return { peer: PEER, state: 'connected', relayed, since, direction } as TunnelLink
}

/** Which of two links, added one after the other, has to go. */
function loser(self: string, first: Given, second: Given): 'first' | 'second' | undefined {
  const table = new LinkTable(self)
  const [older, newer] = [link(first), link(second)]
  assert.equal(table.add(older), undefined)
  const goes = table.add(newer)
  return goes === undefined ? undefined : goes === older ? 'first' : 'second'
}

/** What the table looks at of a connection. */
function connection(direct: boolean): Connection {
  return { direct, remotePeer: PEER } as unknown as Connection
}

describe('links of one peer', () => {
  it('a direct one takes the place of a relayed one, whoever dialled it', () => {
    for (const direction of ['inbound', 'outbound'] as const) {
      for (const since of [100, 60_000]) {
        const relayed = { relayed: true, direction: 'outbound' } as const
        assert.equal(loser(DECIDES, relayed, { since, direction }), 'first')
      }
    }
  })

  it('a relayed one beside a direct one goes, unless the direct one may have broken since', () => {
    assert.equal(loser(DECIDES, {}, { relayed: true, since: 100 }), 'second')
    assert.equal(loser(DECIDES, {}, { relayed: true, since: 60_000 }), 'first')
  })

  it('are left to the other end where its id is the smaller', () => {
    assert.equal(loser(FOLLOWS, { relayed: true }, { since: 100 }), undefined)
  })

  it('make another one needless, save a relayed one for a direct connection', () => {
    const table = new LinkTable(DECIDES)
    assert.equal(table.standsFor(connection(true)), undefined)
    const relayed = link({ relayed: true })
    table.add(relayed)
    assert.equal(table.standsFor(connection(true)), undefined)
    assert.equal(table.standsFor(connection(false)), relayed)
    const direct = link({ since: 1 })
    table.add(direct)
    assert.equal(table.standsFor(connection(true)), direct)
    assert.equal(table.standsFor(connection(false)), direct)
  })

  it('are used past the relay where there is a way that is up', () => {
    const candidate = (relayed: boolean, state: 'connected' | 'closed') =>
      ({ relayed, state, delay: 0, length: 1, rate: 0, sessions: 0 }) as const
    const relayed = candidate(true, 'connected')
    const direct = candidate(false, 'connected')
    assert.deepEqual(pastRelays([relayed, direct]), [direct])
    const dead = candidate(false, 'closed')
    assert.deepEqual(pastRelays([relayed, dead]), [relayed, dead])
  })
})
