import assert from 'node:assert/strict'
import { A4, B4, A6, B6, pair } from '../pair.ts'

describe('ICMP and UDP between two stacks', () => {
  for (const [version, address] of [
    ['IPv4', B4],
    ['IPv6', B6]
  ] as const) {
    it(`answers echo requests of any size over ${version}`, async () => {
      const { clock, a } = pair({ link: { forward: { delay: 20 }, backward: { delay: 30 } } })
      for (const size of [0, 56, 1472, 20_000, 65_000]) {
        const reply = a.ping(address, { size })
        clock.run(clock.now() + 1000)
        assert.equal(Math.round(await reply), 50)
      }
    })

    it(`carries datagrams of any size over ${version}, cut and put together`, () => {
      const { clock, a, b } = pair()
      const received: Uint8Array[] = []
      b.bindUdp(
        { port: 7 },
        {
          onDatagram: (payload, from) => {
            received.push(payload.slice())
            assert.equal(from.port, 5000)
            assert.equal(from.address, version === 'IPv4' ? A4 : A6)
            assert.equal(from.localAddress, address)
          }
        }
      )
      const socket = a.bindUdp({ port: 5000 })
      const sent = [0, 1, 1000, 1473, 30_000, 65_507].map(size =>
        Uint8Array.from({ length: size }, (_, i) => i * 31 + size)
      )
      for (const payload of sent) socket.send(payload, 7, address)
      clock.run()
      assert.deepEqual(received, sent)
      assert.throws(() => socket.send(new Uint8Array(65_508), 7, address), {
        code: 'ERR_NETSTACK_OPTION'
      })
    })

    it(`tells of closed ports over ${version}`, () => {
      const { clock, a } = pair()
      const errors: string[] = []
      const socket = a.bindUdp(
        { port: 0 },
        { onUnreachable: error => errors.push(`${error.code} ${error.message}`) }
      )
      socket.send(new Uint8Array(10), 9, address)
      clock.run()
      assert.equal(errors.length, 1)
      assert.match(errors[0] ?? '', /ERR_NETSTACK_UNREACHABLE .*port 9 .*port unreachable/)
    })
  }

  it('gives up an echo request after its time, and by its signal', async () => {
    const { clock, a } = pair({ link: { forward: { loss: 1 } } })
    const lost = assert.rejects(a.ping(B4, { timeout: 300 }), { code: 'ERR_NETSTACK_TIMEOUT' })
    const controller = new AbortController()
    const aborted = assert.rejects(a.ping(B4, { signal: controller.signal }), /enough/)
    controller.abort(new Error('enough'))
    clock.run()
    await Promise.all([lost, aborted])
    assert.equal(clock.pending, 0)
  })

  it('limits how much a stranger can make it say', () => {
    const { clock, a, b } = pair({ b: { unsolicited: { burst: 10, perSecond: 1 } } })
    const socket = a.bindUdp({ port: 0 })
    for (let i = 0; i < 100; i++) socket.send(new Uint8Array(1), 9, B4)
    clock.run()
    assert.equal(b.stats.icmpSent, 10)
    assert.equal(b.stats.rateLimited, 90)
  })

  it('knows addresses and routes that it does not have', async () => {
    const { a } = pair()
    await assert.rejects(a.ping('192.168.1.1'), { code: 'ERR_NETSTACK_UNREACHABLE' })
    assert.throws(() => a.connect({ address: 'nowhere', port: 1 }), { code: 'ERR_NETSTACK_OPTION' })
    const first = a.bindUdp({ port: 4000 })
    assert.throws(() => a.bindUdp({ port: 4000 }), { code: 'ERR_NETSTACK_ADDRESS_IN_USE' })
    first.close()
    a.bindUdp({ port: 4000 })
  })
})
