import assert from 'node:assert/strict'
import { addressOf, cleanUp, message, node, once, pair, textOf, until } from '../support/nodes.ts'
import { proxied } from '../support/proxied.ts'

/** The six tests of go-micro's own suite, by their names there. */
describe('parity with the tests of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('1 TestTunnel: a message with a header there, its answer back', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('test-tunnel')
    const dialled = await a.tunnel.dial('test-tunnel')
    const accepted = await listener.accept()
    assert.equal(accepted.id, dialled.id)
    assert.equal(accepted.peer, a.peer)
    assert.equal(dialled.peer, b.peer)
    assert.equal(dialled.link, a.tunnel.links()[0]?.id)
    await dialled.send(message('', { test: 'send' }))
    const got = await accepted.receive()
    assert.deepEqual({ ...got?.headers }, { test: 'send' })
    await accepted.send(message('', { test: 'accept' }))
    assert.deepEqual({ ...(await dialled.receive())?.headers }, { test: 'accept' })
    await dialled.close()
    assert.equal(await accepted.receive(), undefined)
  })

  it('2 TestLoopbackTunnel: a channel of the same tunnel is served in process', async () => {
    const only = await node()
    only.tunnel.setNodes([addressOf(only)])
    await only.tunnel.connect()
    const listener = await only.tunnel.listen('test-tunnel')
    const dialled = await only.tunnel.dial('test-tunnel')
    const accepted = await listener.accept()
    await dialled.send(message('there', { test: 'send' }))
    assert.equal(textOf(await accepted.receive()), 'there')
    await accepted.send(message('back'))
    assert.equal(textOf(await dialled.receive()), 'back')
    assert.equal(only.tunnel.links().length, 0)
    await assert.rejects(only.tunnel.dial('test-tunnel', { bytes: true }), {
      code: 'ERR_KIND_MISMATCH'
    })
    await accepted.close()
    assert.equal(await dialled.receive(), undefined)
    await dialled.close()
    await until(() => only.tunnel.debug().sessions === 0, 'both ends are forgotten')
  })

  it('3 TestTunnelRTTRate: both ends have measured the link, and what it carries', async () => {
    // Links are looked at as often as they are probed.
    const often = { probeInterval: 50 }
    const [a, b] = await pair(often, often)
    for (const { tunnel } of [a, b]) {
      const [link] = tunnel.links()
      assert.ok(link?.length !== undefined && link.length > 0)
      assert.equal(link.delay, 0)
    }
    assert.equal(a.tunnel.links()[0]?.id, b.tunnel.links()[0]?.id)
    const listener = await b.tunnel.listen('test-tunnel')
    const dialled = await a.tunnel.dial('test-tunnel')
    const accepted = await listener.accept()
    const rates = (): number[] => [a, b].map(({ tunnel }) => tunnel.links()[0]?.rate ?? 0)
    const limit = performance.now() + 5_000
    while (rates().some(rate => rate === 0) && performance.now() < limit) {
      await dialled.send(message('x'.repeat(1_000)))
      await accepted.receive()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    for (const rate of rates()) assert.ok(rate > 0, `${rate} bits per second`)
  })

  it('4 TestReconnectTunnel: all links of the acceptor close; the same session goes on', async () => {
    const { a, b } = await proxied()
    const listener = await b.tunnel.listen('test-tunnel')
    const dialled = await a.tunnel.dial('test-tunnel')
    const accepted = await listener.accept()
    await dialled.send(message('first'))
    assert.equal(textOf(await accepted.receive()), 'first')
    const lost = once(a.tunnel, 'unlink')
    for (const connection of b.swarm.connections())
      connection.abort(new Error('closed by the test'))
    await lost
    await dialled.send(message('second'))
    assert.equal(textOf(await accepted.receive()), 'second')
  })

  for (const seal of [false, true]) {
    it(`5 TestEncrypt, 6 TestDecrypt: what passes is not the plaintext, what arrives is (seal: ${seal})`, async () => {
      const { a, b, proxy } = await proxied({ seal })
      const passed: Uint8Array[] = []
      proxy.onData = chunk => passed.push(chunk)
      const listener = await b.tunnel.listen('test-tunnel')
      const dialled = await a.tunnel.dial('test-tunnel')
      const accepted = await listener.accept()
      const secret = 'supersecret'.repeat(10)
      await dialled.send(message(secret, { 'secret-header': secret }))
      const got = await accepted.receive()
      assert.equal(textOf(got), secret)
      assert.equal(got?.headers?.['secret-header'], secret)
      const wire = Buffer.concat(passed)
      assert.ok(wire.length > secret.length * 2, 'nothing has passed the proxy')
      assert.equal(wire.includes('supersecret'), false)
      assert.equal(wire.includes('secret-header'), false)
    })
  }
})
