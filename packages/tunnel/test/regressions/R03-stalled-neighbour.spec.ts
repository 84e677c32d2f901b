import assert from 'node:assert/strict'
import { cleanUp, message, pair, textOf, until } from '../support/nodes.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `message ${i}`)

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R3: a session beside a stalled one flows', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    const [stalled, other] = [await a.tunnel.dial('web'), await a.tunnel.dial('web')]
    const accepted = [await listener.accept(), await listener.accept()]
    const reader = accepted.find(({ id }) => id === other.id)
    assert.ok(reader !== undefined)
    const filling = (async () => {
      for (;;) await stalled.send({ body: new Uint8Array(16_384) })
    })()
    filling.catch(() => {})
    await until(() => stalled.stats().unackedBytes > 48_000, 'the window is full')
    for (const text of numbers(200)) {
      await other.send(message(text))
      assert.equal(textOf(await reader.receive()), text)
    }
    stalled.abort()
    await assert.rejects(filling)
  })
})
