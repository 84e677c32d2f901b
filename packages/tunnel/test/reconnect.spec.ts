import assert from 'node:assert/strict'
import type { ByteSession, Session } from '../src/index.ts'
import { TunnelLink } from '../src/links/tunnel-link.ts'
import type { Node } from './support/nodes.ts'
import {
  addressOf,
  cleanUp,
  linked,
  loopbackAddress,
  message,
  node,
  nodeOn,
  once,
  pair,
  swarmNode,
  textOf,
  until
} from './support/nodes.ts'
import { TcpProxy } from './support/tcp-proxy.ts'
import { proxied } from './support/proxied.ts'

/** The only link of a node, with all it knows. */
function linkOf({ tunnel }: Node): TunnelLink {
  const [link] = tunnel.links()
  assert.ok(link instanceof TunnelLink)
  return link
}

/** Byte `offset` of a stream of test bytes. */
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8) * 7) & 0xff

async function writeBytes(session: ByteSession, total: number): Promise<void> {
  const size = 8_192
  for (let at = 0; at < total; at += size) {
    const chunk = Uint8Array.from({ length: Math.min(size, total - at) }, (_, i) => byteAt(at + i))
    if (!session.write(chunk)) await session.drained()
  }
  session.closeWrite()
}

/** Reads to the end and checks every byte. */
async function readBytes(
  session: ByteSession,
  onProgress: (read: number) => void
): Promise<number> {
  let read = 0
  for await (const chunk of session) {
    for (const byte of chunk) {
      if (byte !== byteAt(read++)) assert.fail(`byte ${read - 1} is wrong`)
    }
    onProgress(read)
  }
  return read
}

describe('links that break', () => {
  afterEach(cleanUp)

  it('a link that carries a session and is lost soon, again and again, is made anew without growing pauses', async () => {
    const { a, b, proxy } = await proxied({ reconnect: { first: 1, factor: 1_000, max: 600_000 } })
    const listener = await b.tunnel.listen('web')
    const session = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    for (let round = 0; round < 6; round++) {
      const { promise: resumed, resolve } = Promise.withResolvers<void>()
      const stop = session.on('resumed', resolve)
      proxy.cut()
      await resumed
      stop()
    }
    await session.send(message('still here'))
    assert.equal(textOf(await accepted.receive()), 'still here')
  })

  it('a session that the far end dialled goes on too', async () => {
    const { a, b, proxy } = await proxied()
    const listener = await a.tunnel.listen('reverse')
    const dialled = await b.tunnel.dial('reverse')
    const accepted = await listener.accept()
    for (let round = 0; round < 3; round++) {
      const lost = once(b.tunnel, 'unlink')
      proxy.cut()
      await lost
      await Promise.all([dialled.send(message(`${round}`)), accepted.send(message(`${round}`))])
      assert.equal(textOf(await accepted.receive()), `${round}`)
      assert.equal(textOf(await dialled.receive()), `${round}`)
    }
  })

  it('bytes both ways through many cuts arrive once and in order', async () => {
    const { a, b, proxy } = await proxied()
    const listener = await b.tunnel.listen('bytes', { bytes: true })
    const dialled = await a.tunnel.dial('bytes', { bytes: true })
    const accepted = await listener.accept()
    const total = 2 * 1024 * 1024
    let cuts = 0
    let nextCut = 100_000
    const onProgress = (read: number): void => {
      if (read < nextCut || cuts >= 8) return
      nextCut = read + 150_000
      cuts++
      proxy.cut()
    }
    const [, , there, back] = await Promise.all([
      writeBytes(dialled, total),
      writeBytes(accepted, total),
      readBytes(accepted, onProgress),
      readBytes(dialled, () => {})
    ])
    assert.equal(there, total)
    assert.equal(back, total)
    assert.equal(cuts, 8)
    await Promise.all([dialled.closed, accepted.closed])
  })

  it('a link that was established is made anew at once, and the two agree on one', async () => {
    const { a, b, proxy } = await proxied()
    const before = a.tunnel.links()[0]?.id
    await new Promise(resolve => setTimeout(resolve, 250))
    const relinked = once(a.tunnel, 'link')
    const started = performance.now()
    proxy.cut()
    await relinked
    assert.ok(performance.now() - started < 1_000, 'waited before it dialled again')
    await linked(a, b)
    await until(
      () => a.tunnel.debug().links === 1 && b.tunnel.debug().links === 1,
      'one link is left'
    )
    assert.notEqual(a.tunnel.links()[0]?.id, before)
    assert.equal(a.tunnel.links()[0]?.id, b.tunnel.links()[0]?.id)
  })

  it('a link to a peer with many is made anew at once for a session or a dial, else when there is room', async () => {
    const { a, b, proxy } = await proxied({ reconnect: { first: 60_000, factor: 1, max: 600_000 } })
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    await listener.accept()
    // What the peer tells of itself when it has very many.
    const tellCrowd = async (): Promise<void> => {
      linkOf(b).send({ crowd: { links: 100_000 } })
      await until(() => linkOf(a).crowd === 100_000, 'a has been told')
      await new Promise(resolve => setTimeout(resolve, 250))
    }
    const cut = async (): Promise<void> => {
      const lost = once(a.tunnel, 'unlink')
      proxy.cut()
      await lost
    }
    await tellCrowd()
    await cut()
    await linked(a, b)
    await dialled.close()
    await until(() => a.tunnel.debug().sessions === 0, 'the session is over')

    await tellCrowd()
    const before = proxy.connections
    await cut()
    await new Promise(resolve => setTimeout(resolve, 100))
    assert.equal(proxy.connections, before, 'nothing waits for the link, so it can wait')
    await (await a.tunnel.dial('web')).close()
    assert.equal(proxy.connections, before + 1)
  })

  it('a link that another takes the place of ends after that one has come, at both ends', async () => {
    const nodes = [await node(), await node()].toSorted((one, other) =>
      one.peer < other.peer ? -1 : 1
    )
    // The one with the smaller id says which of two links is kept.
    const [decides, dials] = nodes as [Node, Node]
    const port = decides.swarm
      .listenAddrs()[0]
      ?.getComponents()
      .find(({ name }) => name === 'tcp')?.value
    const slow = await TcpProxy.to(Number(port))
    slow.delay = 30
    await dials.tunnel.connect()
    dials.tunnel.setNodes([addressOf(decides)])
    await linked(dials, decides)
    // Taken for one through a relay, so that a direct one is better.
    for (const each of nodes)
      Object.defineProperty(linkOf(each).connection, 'direct', { value: false })
    const events: string[] = []
    for (const { tunnel } of nodes) {
      tunnel.on('link', () => events.push('link'))
      tunnel.on('unlink', () => events.push('unlink'))
    }
    // What decides is on the fast way, and must not overtake the proof on the slow one.
    await dials.swarm.dial(loopbackAddress(slow.port, decides.peer), { force: true })
    await until(() => events.length === 4, 'one has taken the place of the other')
    assert.deepEqual(events, ['link', 'link', 'unlink', 'unlink'])
  })

  for (const muxer of ['yamux', 'mplex'] as const) {
    it(`a link that says nothing any more is noticed and replaced (${muxer})`, async () => {
      const { a, b, proxy } = await proxied({
        muxer,
        probeInterval: 40,
        probeTimeout: 40,
        probeMisses: 2
      })
      const listener = await b.tunnel.listen('web')
      const dialled = await a.tunnel.dial('web')
      const accepted = await listener.accept()
      const lost = once(a.tunnel, 'unlink')
      proxy.blackhole()
      await dialled.send(message('into the hole'))
      const error = (await lost)[1] as { code?: string }
      assert.equal(error.code, 'ERR_LINK_CLOSED')
      assert.equal(textOf(await accepted.receive()), 'into the hole')
      await accepted.send(message('out of it'))
      assert.equal(textOf(await dialled.receive()), 'out of it')
      await until(() => a.swarm.connections().length === 1, 'the dead connection is closed')
    })
  }

  it('a node that comes later is found; reconnect() does not wait for the pause', async () => {
    const swarm = await swarmNode()
    const a = await node({
      nodes: [addressOf({ swarm })],
      reconnect: { first: 60_000, factor: 2, max: 60_000 }
    })
    const failed = once(a.tunnel, 'link-error')
    await a.tunnel.connect()
    const [error, , fatal] = await failed
    assert.equal((error as { code?: string }).code, 'ERR_LINK_PROTOCOL')
    assert.equal(fatal, false)
    assert.match(a.tunnel.status().unlinked[0]?.error ?? '', /runs no tunnel/)
    const b = nodeOn(swarm)
    await b.tunnel.connect()
    assert.equal(a.tunnel.links().length, 0)
    a.tunnel.reconnect()
    await linked(a, b)
    assert.deepEqual(a.tunnel.status().unlinked, [])
  })

  it('a peer that says goodbye is not dialled in a loop', async () => {
    const [a, b] = await pair({ reconnect: { first: 10_000, factor: 2, max: 10_000 } })
    await new Promise(resolve => setTimeout(resolve, 250))
    const unlinked = once(a.tunnel, 'unlink')
    await b.tunnel.close()
    assert.equal((await unlinked)[1], undefined)
    assert.equal(a.tunnel.links().length, 0)
    assert.equal(a.tunnel.debug().handshakes, 0)
  })

  it('a listener is known again after the break, and a dial waits for it', async () => {
    const { a, b, proxy } = await proxied()
    const listener = await b.tunnel.listen('web')
    await until(() => a.tunnel.channels().length === 1, 'web is known')
    const lost = once(a.tunnel, 'unlink')
    proxy.cut()
    await lost
    assert.deepEqual(a.tunnel.channels(), [])
    const session: Session = await a.tunnel.dial('web')
    await session.send(message('found again'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'found again')
  })
})
