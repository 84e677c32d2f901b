import assert from 'node:assert/strict'
import { generateToken } from '../src/index.ts'
import type { Session } from '../src/index.ts'
import {
  addressOf,
  cleanUp,
  linked,
  message,
  node,
  once,
  pair,
  textOf,
  until
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'

const [OLD, NEW] = [generateToken(), generateToken()]

describe('tokens that change at run time', () => {
  afterEach(cleanUp)

  /** Two linked nodes with the old token, and a session between them. */
  async function withSession(): Promise<[Node, Node, Session, Session]> {
    const [a, b] = await pair({ token: OLD }, { token: OLD })
    const listener = await b.tunnel.listen('web')
    const here = await a.tunnel.dial('web')
    return [a, b, here, await listener.accept()]
  }

  async function carries(here: Session, there: Session): Promise<void> {
    await here.send(message('on'))
    assert.equal(textOf(await there.receive()), 'on')
  }

  for (const first of ['dialler', 'listener'] as const) {
    it(`no link and no session is lost while both are valid (the ${first} first)`, async () => {
      const [a, b, here, there] = await withSession()
      const link = a.tunnel.links()[0]?.id
      const order = first === 'dialler' ? [a, b] : [b, a]
      for (const { tunnel } of order) tunnel.setTokens([NEW, OLD])
      await roundTrip(a, b)
      for (const { tunnel } of order) tunnel.setTokens(NEW)
      await roundTrip(a, b)
      await carries(here, there)
      assert.equal(a.tunnel.links()[0]?.id, link, 'the link is the same')
      assert.equal(here.stats().resumes, 0)
      // What was proven again is the new token: others come with that, and with no other.
      const newcomer = await node({ token: NEW, nodes: [addressOf(b)] })
      await newcomer.tunnel.connect()
      await linked(newcomer, b)
      const late = await node({ token: OLD, nodes: [addressOf(b)] })
      const failed = once(late.tunnel, 'link-error')
      await late.tunnel.connect()
      assert.equal(((await failed)[0] as { code?: string }).code, 'ERR_AUTHENTICATION')
    })
  }

  it('links of nodes that have the new one by different ways are made with what is common', async () => {
    const [a, b] = await pair({ token: [NEW, OLD] }, { token: [OLD] })
    b.tunnel.setTokens([OLD, NEW])
    await roundTrip(a, b)
    const link = a.tunnel.links()[0]?.id
    // The proof of the new one came with the handshake, before the other end had it.
    a.tunnel.setTokens(NEW)
    b.tunnel.setTokens(NEW)
    await roundTrip(a, b)
    assert.equal(b.tunnel.links()[0]?.id, link)
  })

  it('who has not got the new one loses link and sessions with the old one, and comes back', async () => {
    const [a, b, here, there] = await withSession()
    const unlinked = once(a.tunnel, 'unlink')
    b.tunnel.setTokens([NEW, OLD])
    await roundTrip(a, b)
    b.tunnel.setTokens(NEW)
    for (const session of [here, there]) {
      assert.equal(((await session.closed) as { code?: string }).code, 'ERR_SESSION_REVOKED')
    }
    assert.equal(((await unlinked)[1] as { code?: string }).code, 'ERR_AUTHENTICATION')
    await assert.rejects(a.tunnel.dial('web', { timeout: 300 }), { code: 'ERR_NO_LINK' })
    a.tunnel.setTokens(NEW)
    await (await a.tunnel.dial('web')).close()
  })

  it('a token that goes while a link is being proven proves nothing', async () => {
    const b = await node({ token: OLD })
    const a = await node({ token: OLD, nodes: [addressOf(b)] })
    b.swarm.addEventListener('connected', () => b.tunnel.setTokens(NEW))
    const failed = once(a.tunnel, 'link-error')
    await a.tunnel.connect()
    await until(() => b.tunnel.links().length === 0, 'no link is left')
    await Promise.race([failed, once(a.tunnel, 'unlink')])
    await assert.rejects(a.tunnel.dial('web', { timeout: 200 }), { code: 'ERR_NO_LINK' })
  })

  it('must be tokens, at most two, and not none where nothing else proves a link', async () => {
    const a = await node({ token: OLD })
    assert.throws(() => a.tunnel.setTokens('secret'), { code: 'ERR_INVALID_TOKEN' })
    assert.throws(() => a.tunnel.setTokens([]), { code: 'ERR_TUNNEL_OPTION' })
    assert.throws(() => a.tunnel.setTokens([OLD, NEW, generateToken()]), {
      code: 'ERR_TUNNEL_OPTION'
    })
    const open = await node({ open: true })
    assert.throws(() => open.tunnel.setTokens(NEW), { code: 'ERR_TUNNEL_OPTION' })
    await a.tunnel.close()
    assert.throws(() => a.tunnel.setTokens(NEW), { code: 'ERR_TUNNEL_CLOSED' })
  })
})

/** What each has told the other before has arrived. */
async function roundTrip(...[a, b]: [Node, Node]): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a]
  ] as const) {
    const channel = `round trip ${Math.random()}`
    const listener = await from.tunnel.listen(channel)
    await until(
      () => to.tunnel.channels().some(known => known.channel === channel),
      'a channel that was announced later is known'
    )
    await listener.close()
  }
}
