import assert from 'node:assert/strict'
import { addressOf, cleanUp, linked, node, until } from '../support/nodes.ts'
import { loopbackAddress } from '../support/nodes.ts'
import { proxyOf } from '../support/proxied.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R9: a link that has died is never chosen, whichever comes first', async () => {
    for (const order of ['dead first', 'dead last'] as const) {
      const [dead, alive] = [await node(), await node()]
      const proxy = await proxyOf(dead)
      const nodes = [loopbackAddress(proxy.port, dead.peer), addressOf(alive)]
      if (order === 'dead last') nodes.reverse()
      const a = await node({ nodes, reconnect: { first: 60_000, factor: 1, max: 60_000 } })
      await a.tunnel.connect()
      await Promise.all([linked(a, dead), linked(a, alive)])
      for (const { tunnel } of [dead, alive]) await tunnel.listen('web')
      await until(() => a.tunnel.channels()[0]?.peers.length === 2, 'both are known')
      await proxy.close()
      for (let i = 0; i < 30; i++) {
        const session = await a.tunnel.dial('web', { timeout: 30_000 })
        assert.equal(session.peer, alive.peer)
      }
    }
  })
})
