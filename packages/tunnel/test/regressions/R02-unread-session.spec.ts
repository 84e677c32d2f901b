import assert from 'node:assert/strict'
import { cleanUp, pair, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R2: 1000 sends to an unread session all arrive; the sender waits', async () => {
    const [a, b] = await pair({ maxSessionWindow: 65_536, maxMessageBytes: 32_768 })
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    let sent = 0
    const sending = (async () => {
      for (let i = 0; i < 1_000; i++) {
        await dialled.send({ body: new Uint8Array(1_024).fill(i & 0xff) })
        sent++
      }
    })()
    await until(() => dialled.stats().unackedBytes > 50_000, 'the window is full')
    const stalledAt = sent
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(sent, stalledAt, 'the sender goes on although nobody reads')
    assert.ok(sent < 100)
    for (let i = 0; i < 1_000; i++) {
      const got = await accepted.receive()
      assert.equal(got?.body.length, 1_024)
      assert.equal(got?.body[0], i & 0xff)
    }
    await sending
    assert.equal(sent, 1_000)
  })
})
