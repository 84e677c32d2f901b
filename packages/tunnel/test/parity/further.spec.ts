import assert from 'node:assert/strict'
import { cleanUp, message, node, pair, textOf, until } from '../support/nodes.ts'
import { proxied } from '../support/proxied.ts'

/** What go-micro's tunnel does beyond its own tests, case by case. */
describe('parity with go-micro tunnel', () => {
  afterEach(cleanUp)

  it('a second listener on a channel is refused, until the first is closed', async () => {
    const { tunnel } = await node()
    const first = await tunnel.listen('web')
    await assert.rejects(tunnel.listen('web'), { code: 'ERR_ALREADY_LISTENING' })
    await first.close()
    await tunnel.listen('web')
  })

  it('a dial over a link that there is not is refused at once', async () => {
    const [a, b] = await pair()
    await b.tunnel.listen('web')
    await assert.rejects(a.tunnel.dial('web', { link: '0123456789abcdef', timeout: 60_000 }), {
      code: 'ERR_NO_LINK'
    })
  })

  it('a dial over a link on which the channel is merely unknown yet waits for it', async () => {
    const [a, b] = await pair()
    const [link] = a.tunnel.links()
    const dialling = a.tunnel.dial('web', { link: link?.id ?? '' })
    await until(() => a.tunnel.debug().waiting === 1, 'the dial waits')
    await b.tunnel.listen('web')
    assert.equal((await dialling).link, link?.id)
  })

  it('a dial ends with its timeout, and a receive with its own', async () => {
    const [a, b] = await pair()
    await assert.rejects(a.tunnel.dial('nowhere', { timeout: 20 }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
    const listener = await b.tunnel.listen('web', { readTimeout: 20 })
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    await assert.rejects(accepted.receive(), { code: 'ERR_RECEIVE_TIMEOUT' })
    await assert.rejects(dialled.receive({ timeout: 20 }), { code: 'ERR_RECEIVE_TIMEOUT' })
    // The session goes on.
    await dialled.send(message('late'))
    assert.equal(textOf(await accepted.receive()), 'late')
  })

  for (const closer of ['dialler', 'acceptor'] as const) {
    it(`a session that the ${closer} closes ends at the other`, async () => {
      const [a, b] = await pair()
      const listener = await b.tunnel.listen('web')
      const dialled = await a.tunnel.dial('web')
      const accepted = await listener.accept()
      const [closing, other] = closer === 'dialler' ? [dialled, accepted] : [accepted, dialled]
      await closing.send(message('last'))
      const closed = closing.close()
      assert.equal(textOf(await other.receive()), 'last')
      assert.equal(await other.receive(), undefined)
      await closed
      assert.equal(await other.closed, undefined)
      await assert.rejects(other.send(message('x')), { code: 'ERR_SESSION_CLOSED' })
      for (const { tunnel } of [a, b]) {
        await until(() => tunnel.debug().sessions === 0, 'no session is left')
      }
    })
  }

  it('a listener that closes ends its sessions; one that keeps them does not', async () => {
    for (const keepSessions of [false, true]) {
      const [a, b] = await pair()
      const listener = await b.tunnel.listen('web')
      const dialled = await a.tunnel.dial('web')
      const accepted = await listener.accept()
      const closing = listener.close({ keepSessions })
      if (keepSessions) {
        await dialled.send(message('still'))
        assert.equal(textOf(await accepted.receive()), 'still')
      } else assert.equal(await dialled.receive(), undefined)
      await closing
    }
  })

  it('an idle link is kept alive: both ends hear of each other, and it does not end', async () => {
    const { a, b, proxy } = await proxied({ probeInterval: 20, probeTimeout: 5_000 })
    let passed = 0
    proxy.onData = chunk => {
      passed += chunk.length
    }
    const before = a.tunnel.links()[0]?.id
    const first = passed
    await until(() => passed > first + 200, 'probes pass')
    assert.equal(a.tunnel.links()[0]?.id, before)
    assert.equal(b.tunnel.links()[0]?.id, before)
  })

  it('a dial in this process is found by channel, by link and by peer, and has an id at both ends', async () => {
    const { tunnel, peer } = await node()
    const listener = await tunnel.listen('web')
    for (const options of [{}, { link: 'local' }, { peer }]) {
      const dialled = await tunnel.dial('web', options)
      const accepted = await listener.accept()
      assert.equal(dialled.id, accepted.id)
      assert.equal(dialled.link, 'local')
      assert.equal(accepted.peer, peer)
      await dialled.close()
    }
  })
})
