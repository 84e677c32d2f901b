import assert from 'node:assert/strict'
import { generateToken } from '../../src/index.ts'
import { addressOf, cleanUp, node, once, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R16: a wrong token fails the link at both ends and the dial at once; and is told once', async () => {
    const b = await node()
    await b.tunnel.listen('web')
    const refused = once(b.tunnel, 'link-error')
    const a = await node({
      token: generateToken(),
      nodes: [addressOf(b)],
      reconnect: { first: 5, factor: 2, max: 10 }
    })
    const errors: [string | undefined, boolean][] = []
    a.tunnel.on('link-error', (error, _node, fatal) => {
      errors.push([(error as { code?: string }).code, fatal])
    })
    let attempts = 0
    b.tunnel.on('link-error', () => attempts++)
    await a.tunnel.connect()
    assert.equal(((await refused)[0] as { code?: string }).code, 'ERR_AUTHENTICATION')
    const started = performance.now()
    await assert.rejects(a.tunnel.dial('web', { timeout: 60_000 }), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'ERR_NO_LINK')
      assert.equal((error.cause as { code?: string }).code, 'ERR_AUTHENTICATION')
      assert.match(error.message, /same/)
      return true
    })
    assert.ok(performance.now() - started < 10_000, 'waited for a timeout')
    await until(() => attempts >= 3, 'it is still tried')
    assert.deepEqual(errors, [['ERR_AUTHENTICATION', true]])
    assert.equal(a.tunnel.status().unlinked.length, 1)
  })
})
