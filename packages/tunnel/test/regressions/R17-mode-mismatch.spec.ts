import assert from 'node:assert/strict'
import { cleanUp, pair, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R17: a unicast dial to a multicast listener is a mode mismatch at once, and every other mix', async () => {
    const [a, b] = await pair()
    const ways = [
      { name: 'unicast', options: { mode: 'unicast' } },
      { name: 'multicast', options: { mode: 'multicast' } },
      { name: 'broadcast', options: { mode: 'broadcast' } },
      { name: 'bytes', options: { bytes: true } }
    ] as const
    for (const { name, options } of ways) await b.tunnel.listen(name, options as never)
    await until(() => a.tunnel.channels().length === ways.length, 'all are known')
    // Far longer than a test: who waited for it would fail.
    const timeout = 60_000
    for (const dialler of [a, b]) {
      for (const { name } of ways) {
        for (const dialled of ways) {
          if (dialled.name === name) continue
          const same = [name, dialled.name].sort().join() === 'bytes,unicast'
          await assert.rejects(
            dialler.tunnel.dial(name, { ...dialled.options, timeout } as never),
            { code: same ? 'ERR_KIND_MISMATCH' : 'ERR_MODE_MISMATCH' },
            `${dialled.name} to ${name}`
          )
        }
      }
    }
    assert.equal(a.tunnel.debug().sessions, 0)
  })

  it('R17: the acceptor refuses as well, where the dialler does not know the mode', async () => {
    // The peer knows no channel of b: it holds one at most, and has another.
    const [a, b] = await pair({ limits: { channels: 1 } })
    await b.tunnel.listen('first')
    await until(() => a.tunnel.channels().length === 1, 'the first is known')
    await b.tunnel.listen('one')
    await until(() => a.tunnel.debug().refusedChannels > 0, 'the other is not')
    await assert.rejects(a.tunnel.dial('one', { mode: 'broadcast', timeout: 60_000 }), {
      code: 'ERR_MODE_MISMATCH'
    })
  })
})
