import assert from 'node:assert/strict'
import { createBroker } from '../../src/index.ts'
import { cleanUp, message, pair, textOf, until } from '../support/nodes.ts'

/** Upstream delivered 15, 79 and 75 of 200 with gaps of 0, 5 and 50 ms. */
const GAPS = [0, Number(process.env.WARREN_PUBLISH_GAP ?? 1)]

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  for (const gap of new Set(GAPS)) {
    it(`R11: of 200 messages published ${gap} ms apart all 200 are delivered`, async () => {
      const [a, b] = await pair()
      const [publisher, subscriber] = [createBroker(a.tunnel), createBroker(b.tunnel)]
      const subscription = await subscriber.subscribe('news')
      const got: (string | undefined)[] = []
      void (async () => {
        for await (const delivery of subscription) got.push(textOf(delivery))
      })()
      for (let i = 0; i < 200; i++) {
        await publisher.publish('news', message(`${i}`))
        if (gap > 0) await new Promise(resolve => setTimeout(resolve, gap))
      }
      await until(() => got.length >= 200, 'all have come')
      assert.deepEqual(
        got,
        Array.from({ length: 200 }, (_, i) => `${i}`)
      )
      await publisher.close()
      await subscriber.close()
    }).timeout(30_000)
  }
})
