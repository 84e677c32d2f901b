import assert from 'node:assert/strict'
import fc from 'fast-check'
import { seededRandom } from '../../src/link/seeded-random.ts'
import { ACK, FIN, PSH, SYN, tcpPacket } from '../raw-peer.ts'
import { A4, B4 } from '../pair.ts'
import { open, victim } from './victim.ts'

const SACK_PERMITTED = [2, 4, 5, 0xb4, 1, 1, 4, 2]

function sackOption(...edges: number[]): number[] {
  const bytes = edges.flatMap(edge => [24, 16, 8, 0].map(bits => (edge >>> bits) & 255))
  return [1, 1, 5, 2 + bytes.length, ...bytes]
}

describe('peers that lie', () => {
  it('tiny segments out of order take bounded memory, and arrive when the gaps are filled', () => {
    const v = victim()
    const { ports, seq, ack, socket } = open(v, { options: SACK_PERMITTED })
    const bytes = Uint8Array.from({ length: 4000 }, (_, i) => i * 7)
    const send = (from: number): void =>
      v.peer.send({
        ...ports,
        seq: seq + from,
        ack,
        flags: ACK,
        payload: bytes.subarray(from, from + 1)
      })
    for (let i = 1; i < 4000; i += 2) send(i)
    v.settle()
    assert.equal(socket.readable, 0)
    assert.ok(socket.info().memory < 200_000, `${socket.info().memory} bytes`)
    // Some of them may have been dropped for the number of gaps: all are sent again, as a sender would.
    for (let i = 0; i < 4000; i++) send(i)
    v.settle()
    const read = new Uint8Array(5000)
    assert.equal(socket.read(read), 4000)
    assert.deepEqual(read.subarray(0, 4000), bytes)
  })

  it('overlapping segments with other bytes do not change what was acknowledged', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            from: fc.integer({ min: 0, max: 300 }),
            length: fc.integer({ min: 1, max: 200 }),
            fill: fc.integer({ min: 1, max: 255 })
          }),
          { minLength: 1, maxLength: 40 }
        ),
        segments => {
          const v = victim()
          const { ports, seq, ack, socket } = open(v)
          let known: number[] = []
          for (const { from, length, fill } of segments) {
            const payload = new Uint8Array(length).fill(fill)
            v.peer.send({ ...ports, seq: seq + from, ack, flags: ACK, payload })
            v.settle()
            const now = [...socket.peek()]
            assert.deepEqual(now.slice(0, known.length), known)
            known = now
          }
          const last = v.peer.take().at(-1)
          if (last !== undefined) assert.equal(last.ack, seq + known.length)
          v.stack.close()
        }
      ),
      { numRuns: 60 }
    )
  })

  it('SACK blocks that cannot be true are ignored, and those taken back cost a timeout at most', () => {
    const v = victim()
    const { ports, seq, ack, socket } = open(v, { options: SACK_PERMITTED })
    const sent = 60_000
    assert.equal(socket.write(new Uint8Array(sent)), sent)
    v.settle()
    const random = seededRandom(4)
    const anywhere = (): number => (ack + Math.floor(random() * 200_000) - 70_000) | 0
    for (let i = 0; i < 3000; i++) {
      const options = sackOption(
        anywhere(),
        anywhere(),
        anywhere(),
        anywhere(),
        anywhere(),
        anywhere()
      )
      v.peer.send({ ...ports, seq, ack, flags: ACK, options })
      if (i % 100 === 0) v.settle()
    }
    // All in flight is claimed to have arrived, and then is not: it has to be sent again.
    v.peer.send({ ...ports, seq, ack, flags: ACK, options: sackOption(ack + 1, ack + sent) })
    v.settle(100)
    let next = ack
    for (let round = 0; round < 400 && next !== ((ack + sent) | 0); round++) {
      for (const segment of v.peer.take()) {
        if (segment.seq === next) next = (next + segment.payload.length) | 0
      }
      v.peer.send({ ...ports, seq, ack: next, flags: ACK })
      v.settle(500)
    }
    assert.equal(next, (ack + sent) | 0)
    assert.equal(socket.unacknowledged, 0)
    assert.ok(socket.info().memory < 1_000_000)
  })

  it('a window of a few bytes does not make it send a segment for each', () => {
    const v = victim()
    const { ports, seq, ack, socket } = open(v)
    socket.write(new Uint8Array(1000))
    v.settle()
    v.peer.take()
    let next = (ack + 1000) | 0
    v.peer.send({ ...ports, seq, ack: next, flags: ACK, window: 3 })
    v.settle()
    socket.write(new Uint8Array(20_000))
    let segments = 0
    let allowed = (next + 3) | 0
    for (let i = 0; i < 50; i++) {
      v.settle(10)
      for (const segment of v.peer.take()) {
        segments++
        assert.ok(((segment.seq + segment.payload.length - allowed) | 0) <= 1, 'beyond the window')
        if (segment.seq === next) next = (next + segment.payload.length) | 0
      }
      allowed = (next + 3) | 0
      v.peer.send({ ...ports, seq, ack: next, flags: ACK, window: 3 })
    }
    assert.ok(segments <= 5, `${segments} segments in half a second for windows of 3 bytes`)
  })

  it('a window that is closed for ever is probed, and given up only when nobody answers', () => {
    const v = victim({ tcp: { userTimeout: 60_000 } })
    const { ports, seq, ack, socket } = open(v)
    socket.write(new Uint8Array(1000))
    v.settle()
    v.peer.take()
    v.peer.send({ ...ports, seq, ack: ack + 1000, flags: ACK, window: 0 })
    v.settle()
    socket.write(new Uint8Array(1000))
    let probes = 0
    for (let second = 0; second < 600; second++) {
      v.settle(1000)
      for (const { payload } of v.peer.take()) {
        probes++
        assert.ok(payload.length <= 1, 'a closed window takes no data')
        v.peer.send({ ...ports, seq, ack: ack + 1000, flags: ACK, window: 0 })
      }
    }
    assert.ok(probes >= 8 && probes <= 60, `${probes} probes in ten minutes`)
    assert.equal(socket.state, 'established')
    v.settle(300_000)
    assert.equal(socket.error?.code, 'ERR_NETSTACK_TIMEOUT')
    assert.equal(v.stack.stats.connections, 0)
  })

  it('a window taken back does not stop it, nor have it send beyond', () => {
    const v = victim()
    const { ports, seq, ack, socket } = open(v, { window: 20_000 })
    socket.write(new Uint8Array(50_000))
    v.settle()
    const first = v.peer.take()
    assert.ok(first.length > 0)
    v.peer.send({ ...ports, seq, ack: ack + 1460, flags: ACK, window: 100 })
    v.settle(10)
    v.peer.take()
    let next = (ack + 1460) | 0
    let window = 100
    for (let round = 0; round < 400 && socket.unacknowledged > 0; round++) {
      v.settle(400)
      for (const segment of v.peer.take()) {
        const end = (segment.seq + segment.payload.length) | 0
        if (((segment.seq - next) | 0) <= 0 && ((end - next) | 0) > 0) next = end
      }
      window = Math.min(window + 1000, 20_000)
      v.peer.send({ ...ports, seq, ack: next, flags: ACK, window })
    }
    assert.equal(socket.unacknowledged, 0)
  })

  it('packets with any bits changed are dropped or harmless', () => {
    const random = seededRandom(77)
    for (let round = 0; round < 30; round++) {
      const v = victim()
      const { ports, seq, ack, socket } = open(v, { options: SACK_PERMITTED })
      for (let i = 0; i < 300; i++) {
        const packet = tcpPacket({
          from: A4,
          to: B4,
          ...ports,
          seq: seq + Math.floor(random() * 100),
          ack: ack + Math.floor(random() * 3) - 1,
          flags: random() < 0.2 ? Math.floor(random() * 256) & ~(SYN | FIN) : ACK | PSH,
          payload: new Uint8Array(Math.floor(random() * 50)),
          options: Array.from({ length: Math.floor(random() * 40) }, () => random() * 256)
        })
        const cut = random() < 0.2 ? Math.floor(random() * packet.length) : packet.length
        if (random() < 0.5) {
          const at = Math.floor(random() * packet.length)
          packet[at] = random() * 256
        }
        v.peer.sendPacket(packet.slice(0, Math.max(cut, 1)))
      }
      for (let i = 0; i < 100; i++)
        v.peer.sendPacket(Uint8Array.from({ length: 1 + random() * 100 }, () => random() * 256))
      v.settle(1000)
      assert.ok(socket.info().memory < 200_000)
      v.stack.close()
      v.settle()
      assert.equal(v.clock.pending, 0)
    }
  })

  it('a packet that claims to be from us, from nobody or from everybody is not answered', () => {
    const v = victim()
    v.stack.listen({ port: 80 }, () => assert.fail('accepted'))
    for (const from of [B4, '0.0.0.0', '255.255.255.255', '224.0.0.1', '127.0.0.1', '10.0.0.255'])
      v.peer.send({ from, sourcePort: 80, destinationPort: 80, seq: 1, flags: SYN })
    for (const to of ['224.0.0.1', '10.0.0.255', '255.255.255.255', '10.0.0.99'])
      v.peer.send({ to, sourcePort: 81, destinationPort: 80, seq: 1, flags: SYN })
    v.settle(1000)
    assert.deepEqual(v.peer.take(), [])
    assert.equal(v.stack.stats.notForUs, 10)
    assert.equal(v.stack.stats.connections, 0)
  })
})
