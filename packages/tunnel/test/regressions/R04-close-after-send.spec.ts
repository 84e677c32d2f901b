import assert from 'node:assert/strict'
import type { Session } from '../../src/index.ts'
import { cleanUp, message, pair, textOf } from '../support/nodes.ts'

/** Reads `count` messages of a session as text. */
async function read(session: Session, count: number): Promise<string[]> {
  const texts: string[] = []
  for (let i = 0; i < count; i++) texts.push(textOf(await session.receive()) ?? 'end')
  return texts
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `message ${i}`)

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R4: three messages, then close, read later: all delivered, then the end', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    for (let round = 0; round < 20; round++) {
      const dialled = await a.tunnel.dial('web')
      for (const text of numbers(3)) await dialled.send(message(text))
      const closing = dialled.close()
      const accepted = await listener.accept()
      assert.deepEqual(await read(accepted, 4), [...numbers(3), 'end'])
      await closing
    }
  })
})
