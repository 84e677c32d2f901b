import assert from 'node:assert/strict'
import { flowWords, initialSequence, timestampOffset } from '../../src/tcp/isn.ts'
import { SipHash } from '../../src/tcp/siphash.ts'

const LOCAL = Int32Array.of(0, 0, 0xffff, 0x0a000001)
const REMOTE = Int32Array.of(0, 0, 0xffff, 0x0a000002)

function flow(localPort: number, remotePort: number): Int32Array {
  return flowWords(LOCAL, localPort, REMOTE, remotePort, new Int32Array(10))
}

describe('initial sequence number', () => {
  const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => 7 * i))

  it('of one flow follows a clock of 4 µs (RFC 9293 MUST-8)', () => {
    const first = initialSequence(hash, flow(1000, 80), 5000)
    assert.equal((initialSequence(hash, flow(1000, 80), 5001) - first) | 0, 250)
    // The clock goes round in 4.77 hours, and the number with it.
    assert.equal((initialSequence(hash, flow(1000, 80), 5000 + 2 ** 32 / 250) - first) | 0, 0)
  })

  it('of another flow, or with another secret, tells nothing of it (RFC 6528 §3)', () => {
    const seen = new Set<number>()
    for (let port = 1; port <= 500; port++) {
      seen.add(initialSequence(hash, flow(port, 80), 5000))
      seen.add(initialSequence(hash, flow(80, port + 500), 5000))
    }
    assert.equal(seen.size, 1000)
    const other = new SipHash(new Uint8Array(16).fill(9))
    assert.notEqual(
      initialSequence(other, flow(1000, 80), 5000),
      initialSequence(hash, flow(1000, 80), 5000)
    )
  })

  it('does not share its hash with the offset of timestamps', () => {
    const one = flow(1000, 80)
    assert.notEqual(timestampOffset(hash, one), initialSequence(hash, one, 0))
    assert.equal(timestampOffset(hash, one), timestampOffset(hash, flow(1000, 80)))
  })
})
