import assert from 'node:assert/strict'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import type { Link } from '../../src/link/link.ts'
import { type Stack, createStack } from '../../src/stack/stack.ts'
import type { TcpRequest } from '../../src/stack/tcp-request.ts'
import { VirtualClock } from '../../src/stack/virtual-clock.ts'
import { type Pair, pair } from '../pair.ts'

/** `a` sends everything to `b`, whatever the address. */
function gateway(options: Parameters<typeof pair>[0] = {}): Pair {
  const both = pair(options)
  const clock = both.clock
  const links = memoryLinkPair({ clock })
  const a = createStack({ clock, random: () => 0.5, secret: new Uint8Array(16) })
  a.addInterface(links[0], ['172.16.0.1/24', 'fd01::1/64']).addRoute('0.0.0.0/0')
  a.addInterface(memoryLinkPair({ clock })[0], [])
  both.b.addInterface(links[1], ['172.16.0.2/24', 'fd01::2/64'])
  return { ...both, a, links }
}

describe('the forwarder', () => {
  it('accepts a SYN for any address after a decision, and not before', () => {
    const { clock, a, b } = gateway()
    const requests: TcpRequest[] = []
    b.forwardTcp(request => requests.push(request))
    const socket = a.connect({ address: '203.0.113.7', port: 443 })
    clock.run(clock.now() + 1500)
    // The SYN has been sent twice by now: it is one request all the same.
    assert.equal(requests.length, 1)
    assert.equal(socket.state, 'syn-sent')
    const [request] = requests
    assert.equal(request?.localAddress, '203.0.113.7')
    assert.equal(request?.localPort, 443)
    assert.equal(request?.remoteAddress, '172.16.0.1')
    const accepted = request?.accept()
    assert.ok(accepted)
    accepted.write(Buffer.from('from anywhere'))
    clock.run(clock.now() + 100)
    assert.equal(socket.state, 'established')
    assert.equal(Buffer.from(socket.peek()).toString(), 'from anywhere')
    assert.equal(request?.accept(), undefined)
    assert.equal(b.stats.pendingSyns, 0)
  })

  it('turns down by RST, by ICMP or by silence', () => {
    for (const [how, code] of [
      ['reset', 'ERR_NETSTACK_REFUSED'],
      ['prohibited', 'ERR_NETSTACK_UNREACHABLE'],
      ['drop', 'ERR_NETSTACK_TIMEOUT']
    ] as const) {
      const { clock, a, b } = gateway()
      b.forwardTcp(request => request.reject(how))
      const socket = a.connect({ address: '203.0.113.7', port: 443 })
      clock.run()
      assert.equal(socket.error?.code, code)
    }
  })

  it('forgets what is not decided in time, and keeps no more than it may', () => {
    const { clock, a, b } = gateway({
      b: { forwarder: { maxPending: 5, maxPendingPerSource: 3, decisionTimeout: 10_000 } }
    })
    const requests: TcpRequest[] = []
    b.forwardTcp(request => requests.push(request))
    for (let port = 1; port <= 10; port++) a.connect({ address: '203.0.113.7', port })
    clock.run(clock.now() + 500)
    assert.equal(requests.length, 3)
    assert.equal(b.stats.pendingSyns, 3)
    assert.ok(b.stats.synsDropped >= 7)
    clock.run(clock.now() + 200_000)
    assert.equal(b.stats.pendingSyns, 0)
    assert.equal(requests[0]?.accept(), undefined)
    assert.equal(clock.pending, 0)
  })

  it('takes datagrams for any address, and answers from there', () => {
    const { clock, a, b } = gateway()
    b.forwardUdp((payload, source, sourcePort, destination, destinationPort) => {
      assert.equal(destinationPort, 53)
      assert.equal(destination[3], 0xcb007107 | 0)
      b.sendUdp(
        Buffer.concat([payload, Buffer.from('!')]),
        { address: '203.0.113.7', port: 53 },
        { address: '172.16.0.1', port: sourcePort }
      )
      return source.length === 4
    })
    const answers: string[] = []
    const socket = a.bindUdp(
      { port: 0 },
      {
        onDatagram: (payload, from) =>
          answers.push(`${Buffer.from(payload).toString()} from ${from.address}`)
      }
    )
    socket.send(Buffer.from('who'), 53, '203.0.113.7')
    clock.run()
    assert.deepEqual(answers, ['who! from 203.0.113.7'])
  })

  it('lets packets for others pass by without one', () => {
    const { clock, a, b } = gateway()
    const socket = a.connect({ address: '203.0.113.7', port: 443 })
    clock.run()
    assert.equal(socket.error?.code, 'ERR_NETSTACK_TIMEOUT')
    assert.ok(b.stats.notForUs > 0)
    assert.equal(b.stats.resetsSent, 0)
  })
})

describe('routers between two stacks', () => {
  for (const [version, far] of [
    ['IPv4', '10.3.0.2'],
    ['IPv6', 'fd03::2']
  ] as const) {
    it(`tell of the narrow link between them over ${version}, and the next connection knows`, () => {
      const clock = new VirtualClock(1000)
      const near = memoryLinkPair({ clock, mtu: 1500, forward: { delay: 5 } })
      const narrow = memoryLinkPair({ clock, mtu: 1300, forward: { delay: 5 } })
      const last = memoryLinkPair({ clock, mtu: 1500 })
      const make = (routing = false): Stack =>
        createStack({ clock, routing, random: () => 0.5, secret: new Uint8Array(16) })
      const [a, first, second, b] = [make(), make(true), make(true), make()]
      const join = (stack: Stack, link: Link, own: string, ...routes: string[]): void => {
        const [v4, v6] = own.split(' ')
        const added = stack.addInterface(link, [`${v4}/24`, `${v6}/64`])
        for (const route of routes) added.addRoute(route)
      }
      join(a, near[0], '10.1.0.1 fd01::1', '0.0.0.0/0', '::/0')
      join(first, near[1], '10.1.0.2 fd01::2')
      join(first, narrow[0], '10.2.0.1 fd02::1', '10.3.0.0/24', 'fd03::/64')
      join(second, narrow[1], '10.2.0.2 fd02::2', '10.1.0.0/24', 'fd01::/64')
      join(second, last[0], '10.3.0.1 fd03::1')
      join(b, last[1], '10.3.0.2 fd03::2', '0.0.0.0/0', '::/0')
      let received = 0
      b.listen({ port: 80 }, socket => {
        socket.events = {
          onReadable: () => {
            while (socket.readable > 0) {
              const { length } = socket.peek()
              received += length
              socket.consume(length)
            }
          }
        }
      })
      const socket = a.connect({ address: far, port: 80 })
      socket.write(new Uint8Array(100_000))
      clock.run(clock.now() + 5000)
      assert.equal(received, 100_000)
      assert.equal(socket.info().pathMtu, 1300)
      assert.ok(first.stats.icmpSent > 0 && first.stats.forwardedPackets > 70)
      const sent = first.stats.icmpSent
      const again = a.connect({ address: far, port: 80 })
      again.write(new Uint8Array(100_000))
      clock.run(clock.now() + 5000)
      assert.equal(received, 200_000)
      assert.equal(first.stats.icmpSent, sent)
      a.close()
    })
  }

  it('drop what goes round, and say so', () => {
    const clock = new VirtualClock(1000)
    const [left, right] = memoryLinkPair({ clock })
    const [end, router] = memoryLinkPair({ clock })
    const make = (routing: boolean): Stack =>
      createStack({ clock, routing, random: () => 0.5, secret: new Uint8Array(16) })
    const [a, one, two] = [make(false), make(true), make(true)]
    a.addInterface(end, ['10.1.0.1/24']).addRoute('0.0.0.0/0')
    one.addInterface(router, ['10.1.0.2/24'])
    one.addInterface(left, ['10.2.0.1/24']).addRoute('10.9.0.0/16')
    const looped = memoryLinkPair({ clock })
    two.addInterface(right, ['10.2.0.2/24'])
    two.addInterface(looped[0], ['10.4.0.1/24']).addRoute('10.9.0.0/16')
    one.addInterface(looped[1], ['10.4.0.2/24'])
    const told: string[] = []
    const socket = a.bindUdp({ port: 0 }, { onUnreachable: ({ message }) => told.push(message) })
    socket.send(new Uint8Array(10), 9, '10.9.0.1')
    clock.run()
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /too many hops/)
  })
})
