import assert from 'node:assert/strict'
import type { TcpSocket } from '../../src/socket/tcp-socket.ts'
import { B4, B6, pair } from '../pair.ts'

/** Reads all that there is. */
function text(socket: TcpSocket): string {
  const into = Buffer.alloc(socket.readable)
  socket.read(into)
  return into.toString()
}

describe('connections between two stacks', () => {
  for (const address of [B4, B6]) {
    it(`opens, sends both ways, half-closes and ends to ${address}`, () => {
      const { clock, a, b } = pair({ link: { forward: { delay: 10 }, backward: { delay: 10 } } })
      const log: string[] = []
      b.listen({ port: 80 }, socket => {
        log.push(`accepted from ${socket.remoteAddress}`)
        socket.events = {
          onReadable: () => log.push(`b read ${text(socket)}`),
          onEnd: () => {
            log.push('b sees the end')
            socket.write(Buffer.from('answer'))
            socket.end()
          },
          onClose: error => log.push(`b closed ${error?.code}`)
        }
      })
      const socket = a.connect({ address, port: 80 })
      socket.events = {
        onConnect: () => log.push(`connected after ${clock.now() - 1000} ms`),
        onReadable: () => log.push(`a read ${text(socket)}`),
        onFlushed: () => log.push('a flushed'),
        onClose: error => log.push(`a closed ${error?.code}`)
      }
      socket.write(Buffer.from('question'))
      socket.end()
      clock.run(5000)
      assert.deepEqual(log, [
        'connected after 20 ms',
        `accepted from ${socket.localAddress}`,
        'b read question',
        'b sees the end',
        'a read answer',
        'a flushed',
        'a closed undefined',
        'b closed undefined'
      ])
      assert.equal(a.stats.timeWaiting, 1)
      assert.equal(b.stats.connections, 0)
      clock.run()
      assert.equal(a.stats.connections, 0)
      assert.equal(clock.pending, 0)
    })
  }

  it('refuses where nobody listens, and is told', () => {
    const { clock, a, b } = pair()
    const socket = a.connect({ address: B4, port: 81 })
    clock.run()
    assert.equal(socket.error?.code, 'ERR_NETSTACK_REFUSED')
    assert.match(socket.error?.message ?? '', /10\.0\.0\.2:81 refused/)
    assert.equal(b.stats.resetsSent, 1)
  })

  it('gives up after the time for a handshake when nobody answers', () => {
    const { clock, a } = pair({ link: { forward: { loss: 1 } } })
    const socket = a.connect({ address: B4, port: 80 })
    clock.run()
    assert.equal(socket.error?.code, 'ERR_NETSTACK_TIMEOUT')
    assert.equal(clock.now() - 1000, 63_000)
  })

  it('a reader that does not read stops the writer, and what it frees flows on', () => {
    const { clock, a, b } = pair({ b: { tcp: { maxReceiveBuffer: 131_072 } } })
    let reader: TcpSocket | undefined
    b.listen({ port: 80 }, socket => (reader = socket))
    const socket = a.connect({ address: B4, port: 80 })
    const total = 10_000_000
    let sent = 0
    const push = (): void => {
      for (let taken = -1; taken !== 0 && sent < total; sent += taken)
        taken = socket.write(new Uint8Array(Math.min(65_536, total - sent)))
    }
    socket.events = { onWritable: push, onConnect: push }
    clock.run(20_000)
    assert.equal(reader?.readable, 131_072)
    assert.ok(sent <= 131_072 + 4_194_304, `${sent} bytes were taken`)
    let read = 0
    for (let step = 0; step < 2000 && read < total; step++) {
      const bytes = reader.peek().length
      read += bytes
      reader.consume(bytes)
      clock.run(clock.now() + 10)
    }
    assert.equal(read, total)
  })

  it('does not let one connection keep the others waiting', () => {
    const { clock, a, b } = pair({ link: { forward: { rate: 12_500_000, delay: 1, queue: 3e6 } } })
    const times = new Map<number, number>()
    b.listen({ port: 80 }, socket => {
      socket.events = {
        onReadable: () => {
          times.set(socket.remotePort, clock.now())
          socket.consume(socket.peek().length)
        }
      }
    })
    const big = a.connect({ address: B4, port: 80 })
    big.write(new Uint8Array(4_000_000))
    clock.run(clock.now() + 300)
    const started = clock.now()
    const small = a.connect({ address: B4, port: 80 })
    small.write(Buffer.from('hello'))
    clock.run(started + 400)
    const waited = (times.get(small.localPort) ?? Infinity) - started
    assert.ok(waited < 300, `${waited} ms`)
  })

  it('knows ports that are taken, and closes listeners', () => {
    const { clock, a, b } = pair()
    const listener = b.listen({ port: 80 }, () => {})
    assert.throws(() => b.listen({ port: 80 }, () => {}), { code: 'ERR_NETSTACK_ADDRESS_IN_USE' })
    b.listen({ port: 80, address: B4 }, () => {}).close()
    listener.close()
    const socket = a.connect({ address: B4, port: 80 })
    clock.run()
    assert.equal(socket.error?.code, 'ERR_NETSTACK_REFUSED')
    assert.ok(b.listen({ port: 0 }, () => {}).port >= 49_152)
  })

  it('takes a new connection in the place of one in TIME-WAIT', () => {
    const { clock, a, b } = pair()
    let accepted = 0
    b.listen({ port: 80 }, socket => {
      accepted++
      socket.end()
      socket.events = {}
    })
    const again = (): TcpSocket => {
      const socket = a.connect({ address: B4, port: 80, localPort: 5000 })
      socket.events = { onEnd: () => socket.end() }
      return socket
    }
    again()
    clock.run(clock.now() + 1000)
    // b has closed first: it waits, a has forgotten.
    assert.equal(b.stats.timeWaiting, 1)
    assert.equal(a.stats.connections, 0)
    const second = again()
    clock.run(clock.now() + 1000)
    assert.equal(accepted, 2)
    assert.equal(second.error, undefined)
    assert.equal(b.stats.timeWaiting, 1)
  })

  it('ends the oldest of too many in TIME-WAIT, and holds no more connections than allowed', () => {
    const { clock, a, b } = pair({ a: { maxTimeWait: 5, maxConnections: 8 } })
    b.listen({ port: 80 }, socket => (socket.events = { onEnd: () => socket.end() }))
    for (let i = 0; i < 20; i++) {
      a.connect({ address: B4, port: 80 }).end()
      clock.run(clock.now() + 10)
    }
    assert.equal(a.stats.timeWaiting, 5)
    for (let i = 0; i < 3; i++) a.connect({ address: B4, port: 80 })
    assert.throws(() => a.connect({ address: B4, port: 80 }), { code: 'ERR_NETSTACK_LIMIT' })
  })

  it('tells every peer when it is closed', () => {
    const { clock, a, b } = pair()
    const there: TcpSocket[] = []
    b.listen({ port: 80 }, socket => there.push(socket))
    const here = [1, 2, 3].map(() => a.connect({ address: B4, port: 80 }))
    clock.run(clock.now() + 100)
    a.close()
    clock.run()
    assert.deepEqual(
      here.map(({ error }) => error?.code),
      Array(3).fill('ERR_NETSTACK_ABORTED')
    )
    assert.deepEqual(
      there.map(({ error }) => error?.code),
      Array(3).fill('ERR_NETSTACK_RESET')
    )
    assert.equal(b.stats.connections, 0)
    assert.equal(clock.pending, 0)
    assert.throws(() => a.connect({ address: B4, port: 80 }), { code: 'ERR_NETSTACK_CLOSED' })
  })

  it('may be closed by a handler, and still tells the peer', () => {
    const { clock, a, b } = pair()
    let there: TcpSocket | undefined
    b.listen({ port: 80 }, socket => (there = socket))
    const socket = a.connect({ address: B4, port: 80 })
    socket.events = { onReadable: () => a.close() }
    clock.run(clock.now() + 100)
    there?.write(Buffer.from('now'))
    clock.run()
    assert.equal(there?.error?.code, 'ERR_NETSTACK_RESET')
    assert.equal(socket.error?.code, 'ERR_NETSTACK_ABORTED')
    assert.equal(a.stats.connections, 0)
    assert.equal(clock.pending, 0)
  })
})
