import assert from 'node:assert/strict'
import { addressOf, cleanUp, node } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R8: 30 dials of a channel that is not known yet, with two links, all find it', async () => {
    const [empty, provider] = [await node(), await node()]
    for (let i = 0; i < 30; i++) {
      const a = await node({ nodes: [addressOf(empty), addressOf(provider)] })
      await a.tunnel.connect()
      const listener = await provider.tunnel.listen(`channel ${i}`)
      const session = await a.tunnel.dial(`channel ${i}`)
      assert.equal(session.peer, provider.peer)
      await listener.accept()
      await a.tunnel.close()
      await a.swarm.close()
    }
  })
})
