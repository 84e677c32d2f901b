import assert from 'node:assert/strict'
import { readStream } from '../../src/links/read-stream.ts'
import { TUNNEL_PROTOCOL } from '../../src/links/link-broker.ts'
import { SESSION_PROTOCOL } from '../../src/channels/dial-session.ts'
import { openHead } from '../support/heads.ts'
import { addressOf, cleanUp, message, pair, swarmNode, textOf, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R15: garbage on a control or session stream ends that stream, and nothing else', async () => {
    const [a, b] = await pair({}, { handshakeTimeout: 2_000 })
    const listener = await b.tunnel.listen('web')
    const rude = await swarmNode({ listen: false })
    const connection = await rude.dial(addressOf(b))
    for (const garbage of [
      Uint8Array.of(1, 2, 3),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
      Uint8Array.of(3, 0xff, 0xff, 0xff),
      new Uint8Array(100_000)
    ]) {
      const stream = await rude.newStream(connection, TUNNEL_PROTOCOL)
      stream.send(garbage)
      await until(() => stream.status !== 'open', 'the control stream is reset')
    }
    for (let i = 0; i < 3; i++) {
      const stream = await rude.newStream(connection, SESSION_PROTOCOL)
      if (stream.writeStatus === 'writable') stream.send(Uint8Array.of(1, 2, 3))
      await until(() => stream.status !== 'open', 'a session without a link is reset')
    }
    const bold = await rude.newStream(connection, SESSION_PROTOCOL)
    const answer = readStream(bold).next()
    if (bold.writeStatus === 'writable') bold.send(openHead('web'))
    const answered = await answer.then(({ value }) => value !== undefined).catch(() => false)
    assert.equal(answered, false, 'a session without a link is answered')
    assert.equal(b.tunnel.debug().sessions, 0)
    const session = await a.tunnel.dial('web')
    await session.send(message('unmoved'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'unmoved')
  })
})
