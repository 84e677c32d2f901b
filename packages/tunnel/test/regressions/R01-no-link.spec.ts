import assert from 'node:assert/strict'
import { addressOf, cleanUp, message, node, pair, textOf, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R1: a dial without a link waits for one, or says that there is none', async () => {
    const b = await node()
    const listener = await b.tunnel.listen('web')
    const a = await node()
    await assert.rejects(a.tunnel.dial('web', { timeout: 30 }), { code: 'ERR_NO_LINK' })
    await assert.rejects(a.tunnel.dial('web', { wait: false }), { code: 'ERR_NO_LINK' })
    const dialling = a.tunnel.dial('web')
    a.tunnel.setNodes([addressOf(b)])
    const session = await dialling
    await session.send(message('not lost'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'not lost')
  })

  for (const mode of ['multicast', 'broadcast'] as const) {
    it(`R1: a ${mode} send that would reach nobody waits, or says so`, async () => {
      const [a, b] = await pair({ resumeTimeout: 5_000 })
      await assert.rejects(a.tunnel.dial('news', { mode, timeout: 30 }), {
        code: 'ERR_CHANNEL_NOT_FOUND'
      })
      const listener = await b.tunnel.listen('news', { mode })
      const waiting = await a.tunnel.dial('news', { mode, overload: 'block' })
      const careless = await a.tunnel.dial('news', { mode, overload: 'latest' })
      await listener.close()
      for (const group of [waiting, careless]) {
        await until(() => group.subscribers().length === 0, 'the subscriber has left')
      }
      await assert.rejects(careless.send(message('x')), { code: 'ERR_NO_SUBSCRIBER' })
      careless.abort()
      const sending = waiting.send(message('not lost'))
      const again = await b.tunnel.listen('news', { mode })
      await sending
      assert.equal(textOf(await (await again.accept()).receive()), 'not lost')
    })
  }
})
