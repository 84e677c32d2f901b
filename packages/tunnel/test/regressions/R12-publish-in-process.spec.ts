import assert from 'node:assert/strict'
import { createBroker } from '../../src/index.ts'
import { cleanUp, message, node, textOf } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R12: of 10 messages published and subscribed to in one process all 10 are delivered', async () => {
    const { tunnel } = await node()
    const broker = createBroker(tunnel)
    const subscription = await broker.subscribe('news')
    const got: (string | undefined)[] = []
    const reading = (async () => {
      while (got.length < 10) got.push(textOf(await subscription.receive()))
    })()
    for (let i = 0; i < 10; i++) await broker.publish('news', message(`${i}`))
    await reading
    assert.deepEqual(
      got,
      Array.from({ length: 10 }, (_, i) => `${i}`)
    )
    await assert.rejects(subscription.receive({ timeout: 5 }), { code: 'ERR_RECEIVE_TIMEOUT' })
    await broker.close()
  })
})
