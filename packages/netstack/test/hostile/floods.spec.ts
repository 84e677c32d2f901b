import assert from 'node:assert/strict'
import { seededRandom } from '../../src/link/seeded-random.ts'
import type { TcpSocket } from '../../src/socket/tcp-socket.ts'
import { ACK, PSH, RST, SYN, tcpPacket } from '../raw-peer.ts'
import { B4 } from '../pair.ts'
import { writeIpv4 } from '../../src/wire/ipv4.ts'
import { Slab } from '../../src/wire/slab.ts'
import { open, victim } from './victim.ts'

const MSS_AND_TIMESTAMPS = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7]

describe('floods', () => {
  it('10,000 SYNs take no more than the backlog, and whoever is real still gets in', () => {
    const v = victim({ backlog: 64 })
    const accepted: TcpSocket[] = []
    v.stack.listen({ port: 80 }, socket => accepted.push(socket))
    const random = seededRandom(1)
    for (let i = 0; i < 10_000; i++) {
      const from = `10.0.0.${3 + Math.floor(random() * 250)}`
      const sourcePort = 1024 + Math.floor(random() * 60_000)
      v.peer.send({ from, sourcePort, destinationPort: 80, seq: i, flags: SYN })
      if (i % 50 === 0) v.settle()
    }
    v.settle()
    assert.equal(v.stack.stats.connections, 64)
    assert.ok(v.stack.stats.cookiesSent > 9000)
    v.peer.take()

    // The table is still full: this one is answered by a cookie, and remembered by nobody but itself.
    const ports = { sourcePort: 50_000, destinationPort: 80 }
    v.peer.send({ ...ports, seq: 99, flags: SYN, options: MSS_AND_TIMESTAMPS })
    v.settle()
    const [reply] = v.peer.take().filter(segment => segment.destinationPort === 50_000)
    assert.ok(reply?.hasTimestamps)
    assert.equal(v.stack.stats.connections, 64)
    const ack = (reply.seq + 1) | 0
    const payload = Buffer.from('real')
    v.peer.send({ ...ports, seq: 100, ack, flags: ACK | PSH, payload })
    v.settle()
    assert.equal(accepted.length, 1)
    assert.equal(Buffer.from(accepted[0]?.peek() ?? []).toString(), 'real')
    assert.equal(accepted[0]?.info().mss, 1460)

    // Once more the same third segment, after the connection has gone: it opens nothing.
    accepted[0]?.abort()
    v.settle()
    v.peer.send({ ...ports, seq: 100, ack, flags: ACK | PSH, payload })
    v.settle()
    assert.equal(accepted.length, 1)

    // A cookie that is off by one bit opens nothing either.
    v.peer.send({ ...ports, sourcePort: 50_001, seq: 100, ack: ack ^ 1, flags: ACK })
    v.settle()
    assert.equal(accepted.length, 1)
    v.settle(130_000)
    assert.equal(v.stack.stats.connections, 0)
    assert.equal(v.stack.stats.deadlines, 0)
  })

  it('a cookie carries window scale and SACK in the timestamp', () => {
    const v = victim({ synCookies: 'always' })
    const accepted: TcpSocket[] = []
    v.stack.listen({ port: 80 }, socket => accepted.push(socket))
    const ports = { sourcePort: 50_000, destinationPort: 80 }
    v.peer.send({ ...ports, seq: 99, flags: SYN, options: MSS_AND_TIMESTAMPS })
    v.settle()
    const [reply] = v.peer.take()
    assert.ok(reply)
    assert.equal(v.stack.stats.connections, 0)
    const packet = tcpPacket({
      from: '10.0.0.1',
      to: B4,
      ...ports,
      seq: 100,
      ack: (reply.seq + 1) | 0,
      flags: ACK,
      options: [1, 1, 8, 10, 0, 0, 0, 10, ...v.peer.lastTimestamp]
    })
    v.peer.sendPacket(packet)
    v.settle()
    const info = accepted[0]?.info()
    assert.equal(info?.sack, true)
    assert.equal(info?.timestamps, true)
    assert.equal(info?.sendScale, 7)
  })

  it('without cookies SYNs beyond the backlog are dropped, and counted', () => {
    const v = victim({ backlog: 8, synCookies: 'never' })
    v.stack.listen({ port: 80 }, () => {})
    for (let i = 0; i < 100; i++)
      v.peer.send({ sourcePort: 1000 + i, destinationPort: 80, seq: i, flags: SYN })
    v.settle()
    assert.equal(v.stack.stats.connections, 8)
    assert.equal(v.stack.stats.synsDropped, 92)
  })

  it('segments to nobody cause no more than the allowed number of RSTs', () => {
    const v = victim({ unsolicited: { burst: 50, perSecond: 10 } })
    for (let i = 0; i < 1000; i++)
      v.peer.send({ sourcePort: 1000 + i, destinationPort: 80, seq: i, flags: SYN })
    v.settle()
    assert.equal(v.peer.take().filter(({ flags }) => (flags & RST) !== 0).length, 50)
    v.peer.send({ sourcePort: 1, destinationPort: 1, seq: 0, flags: RST })
    v.settle(1000)
    assert.deepEqual(v.peer.take(), [])
  })

  it('an ACK storm is not joined', () => {
    const v = victim()
    const { ports, seq, ack } = open(v)
    v.peer.take()
    for (let i = 0; i < 4000; i++) v.peer.send({ ...ports, seq, ack, flags: ACK })
    v.settle(1000)
    assert.deepEqual(v.peer.take(), [])
    // Acknowledgements of what was never sent: somebody else's connection, perhaps.
    for (let i = 0; i < 4000; i++)
      v.peer.send({ ...ports, seq: seq - 1_000_000, ack, flags: ACK, payload: Buffer.from('old') })
    v.settle(1000)
    const { length } = v.peer.take()
    assert.ok(length <= 80, `${length} answers to 4,000 old segments in one second`)
  })

  it('fragments that never become packets take no more memory than allowed', () => {
    const v = victim({ reassembly: { maxBytes: 65_536, maxPackets: 32 } })
    for (let i = 0; i < 2000; i++) {
      const slab = new Slab(1044)
      writeIpv4(
        slab,
        0,
        1044,
        i,
        0x2000 | (i % 200 === 1 ? 2 : i % 200),
        64,
        6,
        0x0a000001,
        0x0a000002
      )
      v.peer.sendPacket(slab.bytes)
    }
    v.settle()
    const { reassemblyBytes, reassemblyPackets, badChecksums } = v.stack.stats
    assert.equal(badChecksums, 0)
    assert.ok(reassemblyPackets > 0 && reassemblyPackets <= 32)
    assert.ok(reassemblyBytes <= 65_536)
  })
})
