import assert from 'node:assert/strict'
import { cleanUp, once, pair } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  for (const mode of ['unicast', 'multicast', 'broadcast'] as const) {
    it(`R18: a ${mode} listener is announced at once, and taken back at once when it closes`, async () => {
      const [a, b] = await pair()
      const opened = once(a.tunnel, 'channel')
      const listener = await b.tunnel.listen('web', { mode })
      assert.deepEqual(
        (await opened).filter(arg => typeof arg !== 'object'),
        ['web', true]
      )
      assert.deepEqual(a.tunnel.channels(), [{ channel: 'web', peers: [b.peer], local: false }])
      assert.deepEqual(b.tunnel.channels(), [{ channel: 'web', peers: [], local: true }])
      const closed = once(a.tunnel, 'channel')
      await listener.close()
      assert.deepEqual(
        (await closed).filter(arg => typeof arg !== 'object'),
        ['web', false]
      )
      assert.deepEqual(a.tunnel.channels(), [])
      await assert.rejects(a.tunnel.dial('web', { wait: false, mode } as never), {
        code: 'ERR_CHANNEL_NOT_FOUND'
      })
    })
  }
})
