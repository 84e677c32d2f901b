import assert from 'node:assert/strict'
import { ACK, PSH, RST, SYN } from '../raw-peer.ts'
import { type OpenConnection, type Victim, open, victim } from './victim.ts'

/** Attacks by somebody who knows addresses and ports, and guesses sequence numbers (RFC 5961). */
describe('blind attacks on a connection', () => {
  let v: Victim
  let connection: OpenConnection
  beforeEach(() => {
    v = victim()
    connection = open(v)
    v.peer.take()
  })

  const alive = (): void => {
    const { ports, seq, ack, socket } = connection
    v.settle(2000)
    v.peer.take()
    v.peer.send({ ...ports, seq, ack, flags: ACK | PSH, payload: Buffer.from('still there') })
    v.settle(100)
    assert.equal(Buffer.from(socket.peek()).toString(), 'still there')
    assert.equal(v.peer.take().at(-1)?.ack, seq + 11)
  }

  it('RST in the window but not at its edge is challenged', () => {
    const { ports, seq, ack } = connection
    for (const guess of [1, 1000, 60_000]) v.peer.send({ ...ports, seq: seq + guess, flags: RST })
    v.settle()
    const answers = v.peer.take()
    assert.equal(answers.length, 1)
    assert.equal(answers[0]?.flags, ACK)
    assert.equal(answers[0]?.ack, seq)
    assert.equal(answers[0]?.seq, ack)
    alive()
  })

  it('RST outside of the window is ignored', () => {
    const { ports, seq } = connection
    for (const guess of [-1, -1000, 10_000_000])
      v.peer.send({ ...ports, seq: seq + guess, flags: RST })
    v.settle()
    assert.deepEqual(v.peer.take(), [])
    alive()
  })

  it('RST with the exact number resets', () => {
    const { ports, seq, socket } = connection
    v.peer.send({ ...ports, seq, flags: RST })
    v.settle()
    assert.equal(socket.error?.code, 'ERR_NETSTACK_RESET')
    assert.equal(v.stack.stats.connections, 0)
  })

  it('SYN is challenged, wherever it lies', () => {
    const { ports, seq } = connection
    for (const guess of [-100_000, 0, 1000, 10_000_000]) {
      v.settle(2000)
      v.peer.take()
      v.peer.send({ ...ports, seq: seq + guess, flags: SYN })
      v.settle()
      const answers = v.peer.take()
      assert.deepEqual(
        answers.map(({ flags, ack }) => [flags, ack]),
        [[ACK, seq]]
      )
    }
    alive()
  })

  it('data with a wrong acknowledgement is not delivered', () => {
    const { ports, seq, ack, socket } = connection
    for (const guess of [1, 100_000, -100_000, 1 << 30]) {
      const payload = Buffer.from('evil')
      v.peer.send({ ...ports, seq, ack: ack + guess, flags: ACK | PSH, payload })
    }
    v.settle()
    assert.equal(socket.readable, 0)
    alive()
  })

  it('a thousand of each cause a handful of answers', () => {
    const { ports, seq, ack } = connection
    for (let i = 1; i <= 1000; i++) {
      v.peer.send({ ...ports, seq: seq + i, flags: RST })
      v.peer.send({ ...ports, seq: seq + i, flags: SYN })
      v.peer.send({ ...ports, seq, ack: ack + i, flags: ACK })
    }
    v.settle(1000)
    const { length } = v.peer.take()
    assert.ok(length >= 1 && length <= 5, `${length} answers`)
    alive()
  })

  it('forged ICMP does not end it, nor make its segments tiny', () => {
    const { ports, socket, ack } = connection
    socket.write(new Uint8Array(1000))
    v.settle()
    const [data] = v.peer.take()
    assert.ok(data)
    for (const [type, code, rest, seq] of [
      [3, 1, 0, ack],
      [3, 3, 0, ack],
      [3, 13, 0, ack],
      [3, 4, 68, ack],
      [3, 4, 0, ack + 5_000_000]
    ] as const)
      v.peer.sendPacket(icmpError(type, code, rest, ports, seq))
    v.settle()
    assert.equal(socket.error, undefined)
    assert.ok(socket.info().mss >= 500, `mss ${socket.info().mss}`)
    v.peer.take()
    v.peer.send({ ...ports, seq: connection.seq, ack: ack + 1000, flags: ACK })
    v.settle(10)
    assert.equal(socket.state, 'established')
    assert.equal(socket.unacknowledged, 0)
  })
})

/** An ICMP error from 10.0.0.1 that quotes a segment of the victim. */
function icmpError(
  type: number,
  code: number,
  rest: number,
  ports: { sourcePort: number; destinationPort: number },
  seq: number
): Uint8Array {
  const bytes = Buffer.alloc(20 + 8 + 20 + 8)
  const ip = (at: number, length: number, protocol: number, from: number, to: number): void => {
    bytes.writeUInt8(0x45, at)
    bytes.writeUInt16BE(length, at + 2)
    bytes.writeUInt8(64, at + 8)
    bytes.writeUInt8(protocol, at + 9)
    bytes.writeUInt32BE(from, at + 12)
    bytes.writeUInt32BE(to, at + 16)
    bytes.writeUInt16BE(checksum(bytes.subarray(at, at + 20)), at + 10)
  }
  ip(0, bytes.length, 1, 0x0a000001, 0x0a000002)
  ip(28, 1040, 6, 0x0a000002, 0x0a000001)
  bytes.writeUInt16BE(ports.destinationPort, 48)
  bytes.writeUInt16BE(ports.sourcePort, 50)
  bytes.writeInt32BE(seq | 0, 52)
  bytes.writeUInt8(type, 20)
  bytes.writeUInt8(code, 21)
  bytes.writeUInt32BE(rest, 24)
  bytes.writeUInt16BE(checksum(bytes.subarray(20)), 22)
  return bytes
}

function checksum(bytes: Buffer): number {
  let total = 0
  for (let i = 0; i < bytes.length; i += 2) total += bytes.readUInt16BE(i)
  total = (total & 0xffff) + (total >>> 16)
  return ~(total + (total >>> 16)) & 0xffff
}
