import assert from 'node:assert/strict'
import { addressOf, cleanUp, linked, loopbackAddress, node, until } from '../support/nodes.ts'
import { proxyOf } from '../support/proxied.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R10: of two idle links, one far slower, the faster one is chosen', async () => {
    const [slow, fast] = [await node(), await node()]
    const proxy = await proxyOf(slow)
    proxy.delay = 40
    const a = await node({ nodes: [loopbackAddress(proxy.port, slow.peer), addressOf(fast)] })
    await a.tunnel.connect()
    await Promise.all([linked(a, slow), linked(a, fast)])
    for (const { tunnel } of [slow, fast]) await tunnel.listen('web')
    await until(() => a.tunnel.channels()[0]?.peers.length === 2, 'both are known')
    const links = new Map(a.tunnel.links().map(link => [link.peer, link.length ?? 0]))
    const [near = 0, far = 0] = [links.get(fast.peer), links.get(slow.peer)]
    assert.ok(far > 2 * near, `${far} ms against ${near} ms`)
    for (let i = 0; i < 30; i++) {
      assert.equal((await a.tunnel.dial('web', { timeout: 30_000 })).peer, fast.peer)
    }
  })
})
