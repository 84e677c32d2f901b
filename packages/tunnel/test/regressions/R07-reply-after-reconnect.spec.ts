import assert from 'node:assert/strict'
import { cleanUp, message, once, textOf } from '../support/nodes.ts'
import { proxied } from '../support/proxied.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R7: after a reconnect the acceptor answers on the same session, and the dialler speaks on', async () => {
    const { a, b, proxy } = await proxied()
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    await dialled.send(message('before'))
    assert.equal(textOf(await accepted.receive()), 'before')
    for (let round = 0; round < 5; round++) {
      const [lost] = [once(a.tunnel, 'unlink')]
      proxy.cut()
      await lost
      // Both speak while there is no link, and once more when there is one again.
      await Promise.all([
        dialled.send(message(`there ${round}`)),
        accepted.send(message(`back ${round}`))
      ])
      assert.equal(textOf(await accepted.receive()), `there ${round}`)
      assert.equal(textOf(await dialled.receive()), `back ${round}`)
    }
    assert.ok(proxy.connections >= 6)
    assert.ok(dialled.stats().resumes >= 5)
    assert.equal(dialled.id, accepted.id)
    await dialled.close()
    assert.equal(await accepted.receive(), undefined)
  })
})
