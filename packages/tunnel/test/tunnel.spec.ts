import assert from 'node:assert/strict'
import { createTunnel, generateToken } from '../src/index.ts'
import type { Session } from '../src/index.ts'
import {
  addressOf,
  cleanUp,
  linked,
  message,
  node,
  nodeOn,
  pair,
  swarmNode,
  textOf,
  TOKEN,
  until
} from './support/nodes.ts'

describe('tunnel', () => {
  afterEach(cleanUp)

  it('carries bytes both ways, with half-close', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('bytes', { bytes: true })
    const dialled = await a.tunnel.dial('bytes', { bytes: true })
    const accepted = await listener.accept()
    dialled.write(new TextEncoder().encode('question'))
    dialled.closeWrite()
    let question = ''
    for await (const chunk of accepted) question += new TextDecoder().decode(chunk)
    assert.equal(question, 'question')
    accepted.write(new TextEncoder().encode('answer'))
    accepted.closeWrite()
    let answer = ''
    for await (const chunk of dialled) answer += new TextDecoder().decode(chunk)
    assert.equal(answer, 'answer')
    await until(() => a.tunnel.debug().sessions + b.tunnel.debug().sessions === 0, 'all ended')
  })

  it('announces what was listened on before the link came', async () => {
    const b = await node()
    for (let i = 0; i < 250; i++) await b.tunnel.listen(`channel ${i}`)
    const a = await node({ nodes: [addressOf(b)] })
    await a.tunnel.connect()
    await until(() => a.tunnel.channels().length === 250, 'all 250 are known')
  })

  it('refuses a second listener, bad names, and any use after close', async () => {
    const only = await node()
    await only.tunnel.listen('web')
    await assert.rejects(only.tunnel.listen('web'), { code: 'ERR_ALREADY_LISTENING' })
    for (const bad of ['', 'a\u0000b', 'é'.repeat(128), 'a\nb', '\ud800', undefined as never]) {
      await assert.rejects(only.tunnel.listen(bad), { code: 'ERR_INVALID_CHANNEL' })
      await assert.rejects(only.tunnel.dial(bad), { code: 'ERR_INVALID_CHANNEL' })
    }
    await only.tunnel.listen('é'.repeat(127))
    await only.tunnel.listen('a,b')
    await only.tunnel.close()
    await only.tunnel.close()
    for (const use of [
      only.tunnel.listen('x'),
      only.tunnel.dial('x'),
      only.tunnel.connect(),
      only.tunnel.dial('web')
    ]) {
      await assert.rejects(use, { code: 'ERR_TUNNEL_CLOSED' })
    }
  })

  it('refuses options that cannot be meant', async () => {
    const swarm = await swarmNode({ listen: false })
    for (const [options, code] of [
      [{}, 'ERR_TUNNEL_OPTION'],
      [{ token: 'secret' }, 'ERR_INVALID_TOKEN'],
      [{ token: [TOKEN, generateToken(), generateToken()] }, 'ERR_TUNNEL_OPTION'],
      [{ token: TOKEN, open: true }, 'ERR_TUNNEL_OPTION'],
      [{ ticketKey: new Uint8Array(16) }, 'ERR_TUNNEL_OPTION'],
      [{ token: TOKEN, dialTimeout: Number.NaN }, 'ERR_TUNNEL_OPTION'],
      [{ token: TOKEN, limits: { links: 0 } }, 'ERR_TUNNEL_OPTION'],
      [{ token: TOKEN, nodes: ['/ip4/127.0.0.1/tcp/1'] }, 'ERR_TUNNEL_OPTION'],
      [{ token: TOKEN, sessionWindow: 1 }, 'ERR_SESSION_OPTION']
    ] as const) {
      assert.throws(() => createTunnel(swarm, options as never), { code }, JSON.stringify(options))
    }
  })

  it('keeps a second dial of crossed nodes to one link', async () => {
    const [a, b] = [await node(), await node()]
    a.tunnel.setNodes([addressOf(b)])
    b.tunnel.setNodes([addressOf(a)])
    await Promise.all([a.tunnel.connect(), b.tunnel.connect()])
    await linked(a, b)
    await until(
      () => a.tunnel.debug().links === 1 && b.tunnel.debug().links === 1,
      'one link is left'
    )
    assert.equal(a.tunnel.links()[0]?.id, b.tunnel.links()[0]?.id)
    const listener = await b.tunnel.listen('web')
    const session = await a.tunnel.dial('web')
    await session.send(message('hello'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'hello')
  })

  it('links and closes links as the node list changes', async () => {
    const [a, b, c] = [await node(), await node(), await node()]
    await a.tunnel.connect()
    a.tunnel.setNodes([addressOf(b), addressOf(c)])
    await Promise.all([linked(a, b), linked(a, c)])
    a.tunnel.setNodes([addressOf(c)])
    await until(
      () => a.tunnel.links().length === 1 && b.tunnel.links().length === 0,
      'the link to b is closed'
    )
    assert.equal(a.tunnel.links()[0]?.peer, c.peer)
    assert.equal(a.tunnel.debug().keepers, 1)
  })

  it('ends dials, waiting accepts and sessions with the tunnel, and leaves nothing', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    const waiting = listener.accept()
    const searching = b.tunnel.dial('nowhere', { timeout: 60_000 })
    waiting.catch(() => {})
    searching.catch(() => {})
    await dialled.send(message('last words'))
    const [last] = await Promise.all([accepted.receive(), a.tunnel.close()])
    assert.equal(textOf(last), 'last words')
    assert.equal(await accepted.receive(), undefined)
    await b.tunnel.close()
    await assert.rejects(waiting, { code: 'ERR_LISTENER_CLOSED' })
    await assert.rejects(searching, { code: 'ERR_TUNNEL_CLOSED' })
    for (const { tunnel } of [a, b]) {
      const { host, ...rest } = tunnel.debug()
      assert.deepEqual(rest, {
        links: 0,
        handshakes: 0,
        keepers: 0,
        listeners: 0,
        sessions: 0,
        groups: 0,
        waiting: 0,
        tickets: 0,
        refusedChannels: 0,
        revoked: 0
      })
      assert.ok(
        Object.values(host).every(size => size === 0),
        JSON.stringify(host)
      )
    }
    assert.equal(a.swarm.status, 'open')
  })

  it('can be made again on the same swarm', async () => {
    const [a, b] = await pair()
    await b.tunnel.close()
    await until(() => a.tunnel.links().length === 0, 'the link has ended')
    const again = nodeOn(b.swarm)
    const listener = await again.tunnel.listen('web')
    const session = await a.tunnel.dial('web')
    await session.send(message('again'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'again')
  })

  it('asks about access at each open; a channel that is denied looks like none', async () => {
    const asked: string[] = []
    const [a, b] = await pair(
      {},
      {
        authorize: async ({ peer, channel }) => {
          asked.push(`${peer} ${channel}`)
          if (channel === 'throws') throw new Error('no')
          return channel !== 'denied'
        }
      }
    )
    for (const channel of ['allowed', 'denied', 'throws']) await b.tunnel.listen(channel)
    const session = await a.tunnel.dial('allowed')
    await session.close()
    assert.ok(asked.includes(`${a.peer} allowed`))
    assert.deepEqual(
      a.tunnel.channels().map(({ channel }) => channel),
      ['allowed']
    )
    const errors: Error[] = []
    for (const channel of ['denied', 'throws', 'unknown']) {
      await a.tunnel.dial(channel, { wait: false }).catch(error => errors.push(error))
    }
    const [denied, , unknown] = errors.map(({ message }) => message)
    assert.equal(errors.length, 3)
    assert.equal(denied?.replace('denied', 'unknown'), unknown)
  })

  it('gives a session of a listener with readTimeout an end to its patience', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('slow', { readTimeout: 30 })
    const dialled = await a.tunnel.dial('slow')
    const accepted: Session = await listener.accept()
    await assert.rejects(accepted.receive(), { code: 'ERR_RECEIVE_TIMEOUT' })
    await dialled.send(message('late'))
    assert.equal(textOf(await accepted.receive({ timeout: 5_000 })), 'late')
  })
})
