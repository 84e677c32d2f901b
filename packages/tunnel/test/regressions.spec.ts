import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Stream } from '@libp2p/interface'
import type { Session } from '../src/index.ts'
import { readStream } from '../src/links/read-stream.ts'
import { TUNNEL_PROTOCOL } from '../src/links/link-broker.ts'
import { SESSION_PROTOCOL } from '../src/channels/dial-session.ts'
import { generateToken } from '../src/index.ts'
import { openHead } from './support/heads.ts'
import {
  addressOf,
  afterwards,
  cleanUp,
  message,
  node,
  once,
  pair,
  swarmNode,
  textOf,
  until
} from './support/nodes.ts'

/** Reads `count` messages of a session as text. */
async function read(session: Session, count: number): Promise<string[]> {
  const texts: string[] = []
  for (let i = 0; i < count; i++) texts.push(textOf(await session.receive()) ?? 'end')
  return texts
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `message ${i}`)

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R1: a dial without a link waits for one, or says that there is none', async () => {
    const b = await node()
    const listener = await b.tunnel.listen('web')
    const a = await node()
    await assert.rejects(a.tunnel.dial('web', { timeout: 30 }), { code: 'ERR_NO_LINK' })
    await assert.rejects(a.tunnel.dial('web', { wait: false }), { code: 'ERR_NO_LINK' })
    const dialling = a.tunnel.dial('web')
    a.tunnel.setNodes([addressOf(b)])
    const session = await dialling
    await session.send(message('not lost'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'not lost')
  })

  it('R2: 1000 sends to an unread session all arrive; the sender waits', async () => {
    const [a, b] = await pair({ maxSessionWindow: 65_536, maxMessageBytes: 32_768 })
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    let sent = 0
    const sending = (async () => {
      for (let i = 0; i < 1_000; i++) {
        await dialled.send({ body: new Uint8Array(1_024).fill(i & 0xff) })
        sent++
      }
    })()
    await until(() => dialled.stats().unackedBytes > 50_000, 'the window is full')
    const stalledAt = sent
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(sent, stalledAt, 'the sender goes on although nobody reads')
    assert.ok(sent < 100)
    for (let i = 0; i < 1_000; i++) {
      const got = await accepted.receive()
      assert.equal(got?.body.length, 1_024)
      assert.equal(got?.body[0], i & 0xff)
    }
    await sending
    assert.equal(sent, 1_000)
  })

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

  it('R5: a send after close is refused here, and makes no session there', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    const dialled = await a.tunnel.dial('web')
    const accepted = await listener.accept()
    const closing = dialled.close()
    await assert.rejects(dialled.send(message('ghost')), { code: 'ERR_SESSION_CLOSED' })
    assert.equal(await accepted.receive(), undefined)
    await closing
    await assert.rejects(dialled.send(message('ghost')), { code: 'ERR_SESSION_CLOSED' })
    await until(() => b.tunnel.debug().sessions === 0, 'the session has ended')
  })

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

  it('R8: 30 dials of a channel that is not known yet, with two links, all find it', async () => {
    const [empty, provider] = [await node(), await node()]
    for (let i = 0; i < 30; i++) {
      const a = await node({ nodes: [addressOf(empty), addressOf(provider)] })
      await a.tunnel.connect()
      const listener = await provider.tunnel.listen(`channel ${i}`)
      const session = await a.tunnel.dial(`channel ${i}`)
      assert.equal(session.peer, provider.peer)
      await listener.accept()
      await a.tunnel.close()
      await a.swarm.close()
    }
  })

  it('R13: listen, then connect, then close: accept ends', async () => {
    const a = await node()
    const listener = await a.tunnel.listen('web')
    const accepting = listener.accept()
    accepting.catch(() => {})
    await a.tunnel.connect()
    await a.tunnel.close()
    await assert.rejects(accepting, { code: 'ERR_LISTENER_CLOSED' })
    await assert.rejects(listener.accept(), { code: 'ERR_LISTENER_CLOSED' })
    for await (const _session of listener) assert.fail('a session came after the end')
  })

  it('R14: 20 garbage connections, and 20 silent control streams, are freed by the deadline', async () => {
    const b = await node({ handshakeTimeout: 100, upgradeTimeout: 200 })
    await b.tunnel.connect()
    const [address] = b.swarm.listenAddrs()
    const port = Number(address?.getComponents().find(({ name }) => name === 'tcp')?.value)
    const sockets: Socket[] = []
    for (let i = 0; i < 20; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(Buffer.alloc(64, i * 13))
      sockets.push(socket)
    }
    afterwards(async () => sockets.forEach(socket => socket.destroy()))
    const rude = await swarmNode({ listen: false })
    const connection = await rude.dial(addressOf(b))
    const streams: Stream[] = []
    for (let i = 0; i < 20; i++) streams.push(await rude.newStream(connection, TUNNEL_PROTOCOL))
    await until(() => b.tunnel.debug().handshakes > 0, 'the proofs have begun')
    await until(() => streams.every(({ status }) => status !== 'open'), 'all streams are reset')
    await until(() => b.tunnel.debug().handshakes === 0, 'no proof is left')
    await Promise.all(
      sockets.map(
        socket =>
          new Promise<void>(resolve =>
            socket.closed ? resolve() : socket.once('close', () => resolve())
          )
      )
    )
    assert.equal(b.tunnel.debug().links, 0)
  })

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

  it('R16: a wrong token fails the link at both ends and the dial at once; and is told once', async () => {
    const b = await node()
    await b.tunnel.listen('web')
    const refused = once(b.tunnel, 'link-error')
    const a = await node({
      token: generateToken(),
      nodes: [addressOf(b)],
      reconnect: { first: 5, factor: 2, max: 10 }
    })
    const errors: [string | undefined, boolean][] = []
    a.tunnel.on('link-error', (error, _node, fatal) => {
      errors.push([(error as { code?: string }).code, fatal])
    })
    let attempts = 0
    b.tunnel.on('link-error', () => attempts++)
    await a.tunnel.connect()
    assert.equal(((await refused)[0] as { code?: string }).code, 'ERR_AUTHENTICATION')
    const started = performance.now()
    await assert.rejects(a.tunnel.dial('web', { timeout: 60_000 }), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'ERR_NO_LINK')
      assert.equal((error.cause as { code?: string }).code, 'ERR_AUTHENTICATION')
      assert.match(error.message, /same/)
      return true
    })
    assert.ok(performance.now() - started < 10_000, 'waited for a timeout')
    await until(() => attempts >= 3, 'it is still tried')
    assert.deepEqual(errors, [['ERR_AUTHENTICATION', true]])
    assert.equal(a.tunnel.status().unlinked.length, 1)
  })
})
