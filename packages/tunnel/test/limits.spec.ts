import assert from 'node:assert/strict'
import type { ChannelDirectory, Session } from '../src/index.ts'
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

describe('limits and lookups', () => {
  afterEach(cleanUp)

  it('carry 300 sessions on one link at once', async () => {
    const [a, b] = await pair({}, { acceptBacklog: 300 })
    const listener = await b.tunnel.listen('web')
    const dialled = await Promise.all(
      Array.from({ length: 300 }, () => a.tunnel.dial('web', { timeout: 30_000 }))
    )
    const accepted = new Map<string, Session>()
    for (const _ of dialled) {
      const session = await listener.accept()
      accepted.set(session.id, session)
    }
    await Promise.all(dialled.map(session => session.send(message(session.id))))
    for (const [id, session] of accepted) assert.equal(textOf(await session.receive()), id)
    assert.equal(a.tunnel.links()[0]?.sessions, 300)
    await Promise.all(dialled.map(session => session.close()))
  }).timeout(10_000)

  it('refuse a session that finds the queue of its listener full', async () => {
    const [a, b] = await pair({}, { acceptBacklog: 2 })
    const listener = await b.tunnel.listen('web')
    await a.tunnel.dial('web')
    await a.tunnel.dial('web')
    await assert.rejects(a.tunnel.dial('web'), { code: 'ERR_SESSION_REFUSED' })
    await listener.accept()
    await (await a.tunnel.dial('web')).close()
  })

  it('refuse a link beyond limits.links, and say so', async () => {
    const b = await node({ limits: { links: 1 } })
    const a = await node({ nodes: [addressOf(b)] })
    await a.tunnel.connect()
    await linked(a, b)
    const c = await node({ nodes: [addressOf(b)] })
    const failed = once(c.tunnel, 'link-error')
    await c.tunnel.connect()
    const [error, , fatal] = await failed
    assert.equal((error as { code?: string }).code, 'ERR_LINK_LIMIT')
    assert.equal(fatal, false)
    await a.tunnel.close()
    await linked(c, b)
  })

  it('hold no more channels of a peer than limits.channels, and count the others', async () => {
    const [a, b] = await pair({ limits: { channels: 3 } })
    for (let i = 0; i < 5; i++) await b.tunnel.listen(`${i}`)
    await until(() => a.tunnel.debug().refusedChannels >= 2, 'two are refused')
    assert.equal(a.tunnel.channels().length, 3)
    await assert.rejects(
      node({ limits: { listeners: 1 } }).then(async ({ tunnel }) => {
        await tunnel.listen('one')
        await tunnel.listen('two')
      }),
      { code: 'ERR_TUNNEL_LIMIT' }
    )
  })

  it('forget a channel that is not announced again, and know it by discovery', async () => {
    const times = { mappingLifetime: 400, probeInterval: 10 }
    const [a, b] = await pair({ ...times, discoverInterval: 60_000 })
    await b.tunnel.listen('web')
    await until(() => a.tunnel.channels().length === 1, 'web is known')
    await until(() => a.tunnel.channels().length === 0, 'web is forgotten')
    const asked = await a.tunnel.dial('web')
    assert.equal(asked.channel, 'web')
    const c = await node({ ...times, discoverInterval: 40, nodes: [addressOf(b)] })
    await c.tunnel.connect()
    await until(() => c.tunnel.channels().length === 1, 'web is known')
    let gone = 0
    c.tunnel.on('channel', (_channel, _link, open) => {
      if (!open) gone++
    })
    await new Promise(resolve => setTimeout(resolve, 600))
    assert.equal(gone, 0, 'forgotten although it is discovered every 40 ms')
  })

  it('dial over the link or to the peer that is named, and no other', async () => {
    const [b, c] = [await node(), await node()]
    const a = await node({ nodes: [addressOf(b), addressOf(c)] })
    await a.tunnel.connect()
    await Promise.all([b.tunnel.listen('web'), c.tunnel.listen('web')])
    await Promise.all([linked(a, b), linked(a, c)])
    for (const wanted of [b, c]) {
      for (let i = 0; i < 5; i++) {
        const byPeer = await a.tunnel.dial('web', { peer: wanted.swarm.peerId })
        assert.equal(byPeer.peer, wanted.peer)
      }
      const link = a.tunnel.links().find(({ peer }) => peer === wanted.peer)
      const byLink = await a.tunnel.dial('web', { link: link?.id ?? '' })
      assert.equal(byLink.link, link?.id)
    }
    const started = performance.now()
    await assert.rejects(a.tunnel.dial('web', { link: 'ffffffffffffffff', timeout: 30_000 }), {
      code: 'ERR_NO_LINK'
    })
    assert.ok(performance.now() - started < 5_000)
    await assert.rejects(a.tunnel.dial('web', { peer: 'nobody', timeout: 20 }), {
      code: 'ERR_NO_LINK'
    })
  })

  it('say who was asked when nobody listens, and what was awaited when a dial takes too long', async () => {
    let hold = (): void => {}
    const held = new Promise<void>(resolve => {
      hold = resolve
    })
    let asked = 0
    const [a, b] = await pair(
      {},
      {
        authorize: async ({ channel }) => {
          // Known at once; opening it takes longer than the dial has.
          if (channel === 'slow' && asked++ > 0) await held
          return true
        }
      }
    )
    const { code, message: text } = await a.tunnel.dial('nowhere', { timeout: 40 }).then(
      () => assert.fail('somebody listens'),
      (error: Error & { code?: string }) => error
    )
    assert.equal(code, 'ERR_CHANNEL_NOT_FOUND')
    assert.ok(text.includes(b.peer) && text.includes('"nowhere"'))
    await b.tunnel.listen('slow')
    await until(() => a.tunnel.channels().length === 1, 'slow is known')
    await assert.rejects(a.tunnel.dial('slow', { timeout: 40 }), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'ERR_CHANNEL_DIAL_TIMEOUT')
      assert.ok(error.message.includes(b.peer))
      return true
    })
    hold()
    const reason = new Error('changed my mind')
    const dialling = a.tunnel.dial('nowhere', { signal: AbortSignal.abort(reason) })
    await assert.rejects(dialling, reason)
    const controller = new AbortController()
    const waiting = a.tunnel.dial('nowhere', { signal: controller.signal })
    await until(() => a.tunnel.debug().waiting === 1, 'the dial waits')
    controller.abort(reason)
    await assert.rejects(waiting, reason)
    assert.equal(a.tunnel.debug().waiting, 0)
  })

  it('find a channel at a peer that a directory names, and link to it', async () => {
    const provider = await node()
    const listener = await provider.tunnel.listen('web')
    const told: string[] = []
    let closed = 0
    const directory: ChannelDirectory = {
      announce: (channel, open) => {
        told.push(`${channel} ${open}`)
      },
      find: async function* (channel) {
        if (channel !== 'web') return
        yield { peer: provider.swarm.peerId, addrs: provider.swarm.listenAddrs() }
      },
      close: () => {
        closed++
      }
    }
    const a = await node({ directories: [directory] })
    const session = await a.tunnel.dial('web')
    await session.send(message('found'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'found')
    const own = await a.tunnel.listen('own')
    await own.close()
    assert.deepEqual(told, ['own true', 'own false'])
    await a.tunnel.close()
    assert.equal(closed, 1)
  })

  it('leave a second tunnel on one swarm to its error, and the first unharmed', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    const { nodeOn } = await import('./support/nodes.ts')
    const second = nodeOn(b.swarm)
    await assert.rejects(second.tunnel.listen('other'), { code: 'ERR_PROTOCOL_HANDLED' })
    await second.tunnel.close()
    const session = await a.tunnel.dial('web')
    await session.send(message('still'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'still')
  })
})
