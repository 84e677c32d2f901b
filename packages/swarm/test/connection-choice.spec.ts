import assert from 'node:assert/strict'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { bestOf } from '../src/connections/best-connection.ts'
import { crossedLoser } from '../src/connections/crossed-dials.ts'
import { streamsEnded } from '../src/connections/streams-ended.ts'

const A = peerIdFromString('12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf')
const B = peerIdFromString('12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5')
const [SMALL, GREAT] =
  Buffer.compare(A.toMultihash().bytes, B.toMultihash().bytes) < 0 ? [A, B] : [B, A]

/** As much of a connection as the choice looks at. */
function connection(is: {
  readonly direction?: 'inbound' | 'outbound'
  readonly status?: Connection['status']
  readonly limited?: boolean
  readonly direct?: boolean
  readonly streams?: number
  readonly open?: number
  readonly remotePeer?: Connection['remotePeer']
}): Connection {
  return {
    direction: is.direction ?? 'outbound',
    status: is.status ?? 'open',
    ...(is.limited === true ? { limits: { seconds: 60 } } : {}),
    direct: is.direct ?? true,
    streams: Array.from({ length: is.streams ?? 0 }),
    timeline: { open: is.open ?? 0 },
    remotePeer: is.remotePeer ?? GREAT,
    remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1')
  } as unknown as Connection
}

describe('best connection', () => {
  const plain = { connection: connection({}), supplanted: false, order: 1 }

  const better: [string, Parameters<typeof connection>[0], { supplanted?: boolean }?][] = [
    ['one that is not supplanted', { streams: 9 }, { supplanted: true }],
    ['an unlimited one', { limited: true, streams: 9 }],
    ['a direct one', { direct: false, streams: 9 }],
    ['an open one', { status: 'closing', streams: 9 }]
  ]
  for (const [what, is, more] of better) {
    it(`prefers ${what}`, () => {
      const other = { connection: connection(is), supplanted: false, order: 2, ...more }
      assert.equal(bestOf([plain, other]), plain)
      assert.equal(bestOf([other, plain]), plain)
    })
  }

  it('then goes by streams, then by age', () => {
    const busy = { connection: connection({ streams: 2 }), supplanted: false, order: 0 }
    assert.equal(bestOf([plain, busy]), busy)
    const newer = { connection: connection({}), supplanted: false, order: 2 }
    assert.equal(bestOf([newer, plain]), newer)
    assert.equal(bestOf([]), undefined)
  })

  it('uses a supplanted one when there is no other', () => {
    const alone = { ...plain, supplanted: true }
    assert.equal(bestOf([alone]), alone)
  })
})

describe('crossed dials', () => {
  const out = (more = {}) => ({ connection: connection({ ...more }), forced: false })
  const inn = (more = {}) => ({
    connection: connection({ direction: 'inbound', ...more }),
    forced: false
  })

  it('end in the same connection on both sides: the one that the smaller id dialled', () => {
    // As the smaller sees it, its outbound one stays; as the greater sees it, its inbound one.
    const [dialled, accepted] = [out({ remotePeer: GREAT }), inn({ remotePeer: GREAT })]
    assert.equal(crossedLoser(SMALL, dialled, accepted, 2_000), accepted)
    assert.equal(crossedLoser(SMALL, accepted, dialled, 2_000), accepted)
    const [theirs, ours] = [inn({ remotePeer: SMALL }), out({ remotePeer: SMALL })]
    assert.equal(crossedLoser(GREAT, theirs, ours, 2_000), ours)
  })

  it('leave alone what did not cross', () => {
    assert.equal(crossedLoser(SMALL, out(), out(), 2_000), undefined)
    assert.equal(crossedLoser(SMALL, { ...out(), forced: true }, inn(), 2_000), undefined)
    assert.equal(crossedLoser(SMALL, out(), inn({ direct: false }), 2_000), undefined)
    assert.equal(crossedLoser(SMALL, out(), inn({ open: 2_001 }), 2_000), undefined)
  })
})

describe('the end of a connection', () => {
  /** A stream that ends when it is told to, as one whose muxer is slow to learn. */
  class SlowStream extends EventTarget {
    status = 'open'
    abort(): void {
      this.status = 'aborted'
      this.dispatchEvent(new Event('close'))
    }
  }

  it('waits for its streams, and aborts those that outlive it', async () => {
    const streams = [new SlowStream(), new SlowStream()]
    const closed = { streams } as unknown as Connection
    let over = false
    const ended = streamsEnded(closed, 50).then(() => {
      over = true
    })
    streams[0]?.abort()
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(over, false)
    await ended
    assert.equal(streams[1]?.status, 'aborted')
  })
})
