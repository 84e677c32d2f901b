import assert from 'node:assert/strict'
import { cleanUp, message, pair, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R5: a send after close is refused here, and makes no session there', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    const closing = dialled.close()
    await assert.rejects(dialled.send(message('ghost')), { code: 'ERR_SESSION_CLOSED' })
    assert.equal(await accepted.receive(), undefined)
    await closing
    await assert.rejects(dialled.send(message('ghost')), { code: 'ERR_SESSION_CLOSED' })
    await until(() => b.tunnel.debug().sessions === 0, 'the session has ended')
  })
})
