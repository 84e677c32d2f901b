import assert from 'node:assert/strict'
import { cleanUp, node } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R13: listen, then connect, then close: accept ends', async () => {
    const a = await node()
    const listener = await a.tunnel.listen('web')
    const accepting = listener.accept()
    accepting.catch(() => {})
    await a.tunnel.connect()
    await a.tunnel.close()
    await assert.rejects(accepting, { code: 'ERR_LISTENER_CLOSED' })
    await assert.rejects(listener.accept(), { code: 'ERR_LISTENER_CLOSED' })
    for await (const _session of listener) assert.fail('a session came after the end')
  })
})
