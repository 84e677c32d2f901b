import assert from 'node:assert/strict'
import { SESSION_PROTOCOL } from '../../src/channels/dial-session.ts'
import { cleanUp, message, pair, textOf, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R6: 200 dials and closes leave nothing in any table', async () => {
    const [a, b] = await pair({ resumeTimeout: 100 }, { resumeTimeout: 100 })
    const listener = await b.tunnel.listen('web')
    const serving = (async () => {
      for await (const session of listener) {
        for await (const got of session) await session.send(got)
        await session.close()
      }
    })()
    for (let i = 0; i < 200; i++) {
      const session = await a.tunnel.dial('web')
      await session.send(message(`${i}`))
      assert.equal(textOf(await session.receive()), `${i}`)
      await session.close()
    }
    await listener.close()
    await serving
    for (const { tunnel } of [a, b]) {
      await until(
        () => Object.entries(tunnel.debug().host).every(([, size]) => size === 0),
        'every table of sessions is empty'
      )
      assert.equal(tunnel.debug().sessions, 0)
    }
    const streams = [a, b].flatMap(({ swarm }) => swarm.connections().flatMap(c => c.streams))
    await until(
      () =>
        streams.filter(s => s.protocol === SESSION_PROTOCOL && s.status === 'open').length === 0,
      'no stream is left'
    )
  })
})
