import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { REFUSE, type RefuseCode } from '../../src/session/codes.ts'
import { SessionLostError, SessionResetError } from '../../src/session/errors.ts'
import { SessionHost } from '../../src/session/session-host.ts'
import type { SessionHostOptions, SessionRequest } from '../../src/session/session-host-types.ts'
import type { ByteSession, Session } from '../../src/session/session-types.ts'
import { type MuxerName, TwoNodes } from './two-nodes.ts'

/** The code of an error, as callers match it. */
function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code
}

/** Accepts everything, and gives what came one by one. */
class Acceptances {
  readonly requests: SessionRequest[] = []
  readonly #waiting: ((session: Session | ByteSession) => void)[] = []
  readonly #ready: (Session | ByteSession)[] = []

  readonly acceptor = (request: SessionRequest) => {
    this.requests.push(request)
    return {
      accept: (session: Session | ByteSession): void => {
        const waiting = this.#waiting.shift()
        if (waiting === undefined) this.#ready.push(session)
        else waiting(session)
      }
    }
  }

  async bytes(): Promise<ByteSession> {
    return (await this.#next()) as ByteSession
  }

  async messages(): Promise<Session> {
    return (await this.#next()) as Session
  }

  async #next(): Promise<Session | ByteSession> {
    const ready = this.#ready.shift()
    if (ready !== undefined) return ready
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

describe('sessions over stock libp2p', () => {
  let nodes: TwoNodes
  let incoming: Acceptances

  async function start(
    muxer: MuxerName = 'yamux',
    options: Partial<SessionHostOptions> = {}
  ): Promise<void> {
    incoming = new Acceptances()
    nodes = await TwoNodes.create(muxer, incoming.acceptor, options)
  }

  async function openBytes(): Promise<[ByteSession, ByteSession]> {
    const ours = await nodes.dialler.open({
      channel: 'files',
      mode: 'unicast',
      bytes: true,
      peer: nodes.peer,
      openStream: nodes.openStream
    })
    return [ours, await incoming.bytes()]
  }

  async function openMessages(): Promise<[Session, Session]> {
    const ours = await nodes.dialler.open({
      channel: 'orders',
      mode: 'unicast',
      bytes: false,
      peer: nodes.peer,
      openStream: nodes.openStream
    })
    return [ours, await incoming.messages()]
  }

  afterEach(async () => {
    await nodes.close()
    assert.equal(nodes.budget.used, 0, 'the budget is given back')
    for (const host of [nodes.dialler, nodes.acceptor]) {
      for (const [name, size] of Object.entries(host.debug())) assert.equal(size, 0, name)
    }
  })

  for (const muxer of ['yamux', 'mplex'] as const) {
    it(`carries bulk over ${muxer} while its TCP connection is cut, by hash`, async function () {
      this.timeout(60_000)
      await start(muxer)
      const [ours, theirs] = await openBytes()
      let detached = 0
      let resumed = 0
      ours.on('detached', () => detached++)
      ours.on('resumed', () => resumed++)
      // mplex of stock libp2p is slow; the cuts are the same.
      const total = muxer === 'yamux' ? 64 << 20 : 16 << 20
      const chunk = new Uint8Array(1 << 16)
      for (let i = 0; i < chunk.length; i++) chunk[i] = (i * 7) ^ (i >> 8)
      const sent = createHash('sha256')
      const write = async (): Promise<void> => {
        for (let at = 0; at < total; at += chunk.length) {
          // Every chunk is another one.
          const own = chunk.slice()
          new DataView(own.buffer).setUint32(0, at)
          sent.update(own)
          if (!ours.write(own)) await ours.drained()
        }
        ours.closeWrite()
      }
      const received = createHash('sha256')
      let bytes = 0
      let cuts = 0
      const read = async (): Promise<void> => {
        for await (const part of theirs) {
          received.update(part)
          bytes += part.length
          if (bytes > ((cuts + 1) * total) / 6 && cuts < 5) {
            cuts++
            nodes.wire.cut()
          }
        }
      }
      await Promise.all([write(), read()])
      assert.equal(bytes, total)
      assert.equal(received.digest('hex'), sent.digest('hex'))
      assert.equal(nodes.wire.cuts, 5)
      assert.ok(resumed >= 3 && detached >= resumed, `${detached} detached, ${resumed} resumed`)
      assert.ok(ours.stats().replayedBytes > 0)
      theirs.closeWrite()
      await Promise.all([ours.close(), theirs.close()])
      assert.equal(await theirs.closed, undefined)
    })
  }

  it('stalls the sender of a reader that never reads, at the window', async () => {
    await start('yamux', { sessionWindow: 65_536, maxSessionWindow: 1 << 20 })
    const [ours, theirs] = await openBytes()
    let written = 0
    while (ours.write(new Uint8Array(16_384))) written += 16_384
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.ok(written <= 65_536, `${written} bytes were taken`)
    assert.ok(theirs.stats().unreadBytes <= 65_536)
    assert.equal(theirs.stats().receiveWindow, 65_536, 'nobody read, so nothing grew')
    // Another session of the same link is not held up.
    const [a, b] = await openMessages()
    await a.send({ body: new Uint8Array([1]) })
    assert.deepEqual(await b.receive(), { body: new Uint8Array([1]) })
    await Promise.all([a.close(), b.close()])
    ours.abort()
    assert.equal(codeOf(await theirs.closed), 'ERR_SESSION_RESET')
  })

  it('ends each direction on its own', async () => {
    await start()
    const [ours, theirs] = await openBytes()
    ours.write(Buffer.from('question'))
    ours.closeWrite()
    assert.equal(await text(theirs), 'question')
    assert.equal(theirs.readEnded, true)
    assert.equal(theirs.status, 'open')
    theirs.write(Buffer.from('a long '))
    theirs.write(Buffer.from('answer'))
    theirs.closeWrite()
    assert.equal(await text(ours), 'a long answer')
    assert.equal(await ours.closed, undefined)
    assert.equal(await theirs.closed, undefined)
    assert.throws(() => ours.write(new Uint8Array(1)), { code: 'ERR_SESSION_CLOSED' })
  })

  it('takes an abort to the other side, with the code of the application', async () => {
    await start()
    const [ours, theirs] = await openBytes()
    theirs.abort(new SessionResetError('no more paper', 4_711))
    const error = await ours.closed
    assert.ok(error instanceof SessionResetError)
    assert.equal(error.resetCode, 4_711)
    assert.equal(error.reason, 'no more paper')
    await assert.rejects(ours.drained(), SessionResetError)
    const [a, b] = await openMessages()
    const waiting = b.receive()
    a.abort()
    await assert.rejects(waiting, { code: 'ERR_SESSION_RESET', resetCode: 1 })
  })

  it('carries messages with headers, large ones and many, in order', async () => {
    await start()
    const [ours, theirs] = await openMessages()
    assert.equal(theirs.id, ours.id)
    assert.deepEqual(incoming.requests[0]?.channel, 'orders')
    const large = new Uint8Array(200_000).fill(7)
    await ours.send({ headers: { a: '1', __proto__x: 'ü' }, body: new Uint8Array(0) })
    const sending = ours.send({ body: large })
    const count = 2_000
    const rest = (async () => {
      await sending
      for (let i = 0; i < count; i++) await ours.send({ body: Buffer.from(String(i)) })
      await ours.flush()
    })()
    assert.deepEqual(await theirs.receive(), {
      headers: { a: '1', __proto__x: 'ü' },
      body: new Uint8Array(0)
    })
    assert.deepEqual(await theirs.receive(), { body: large })
    for (let i = 0; i < count; i++) {
      assert.equal(Buffer.from((await theirs.receive())?.body ?? []).toString(), String(i))
    }
    await rest
    assert.equal(ours.stats().unackedBytes, 0)
    await ours.close()
    assert.equal(await theirs.receive(), undefined)
    await assert.rejects(ours.send({ body: large }), { code: 'ERR_SESSION_CLOSED' })
    await assert.rejects(theirs.send({ body: large }), { code: 'ERR_SESSION_CLOSED' })
  })

  it('refuses messages beyond the limits, and gives up waiting on request', async () => {
    await start('yamux', { maxMessageBytes: 1_000, headerBytes: 50 })
    const [ours, theirs] = await openMessages()
    const body = new Uint8Array(1_001)
    await assert.rejects(ours.send({ body }), { code: 'ERR_MESSAGE_TOO_LONG' })
    const headers = { name: 'x'.repeat(60) }
    await assert.rejects(ours.send({ headers, body: new Uint8Array(1) }), {
      code: 'ERR_MESSAGE_TOO_LONG'
    })
    await assert.rejects(theirs.receive({ timeout: 5 }), { code: 'ERR_RECEIVE_TIMEOUT' })
    const stop = new AbortController()
    const waiting = theirs.receive({ signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await ours.send({ body: new Uint8Array(1_000) })
    assert.equal((await theirs.receive())?.body.length, 1_000)
  })

  it('makes send wait at the window, and flush for the application', async () => {
    await start('yamux', { sessionWindow: 4_096, maxSessionWindow: 4_096, maxMessageBytes: 2_000 })
    const [ours, theirs] = await openMessages()
    const sends: Promise<void>[] = []
    let settled = 0
    for (let i = 0; i < 10; i++) {
      const send = ours.send({ body: new Uint8Array(1_000).fill(i) })
      sends.push(send)
      void send.then(() => settled++)
    }
    const flushed = ours.flush()
    let isFlushed = false
    void flushed.then(() => {
      isFlushed = true
    })
    await new Promise(resolve => setTimeout(resolve, 60))
    assert.equal(settled, 4)
    assert.equal(isFlushed, false)
    for (let i = 0; i < 10; i++) assert.equal((await theirs.receive())?.body[0], i)
    await Promise.all(sends)
    await flushed
  })

  it('sends what waits at the window before it closes', async () => {
    await start('yamux', { sessionWindow: 4_096, maxSessionWindow: 4_096, maxMessageBytes: 2_000 })
    const [ours, theirs] = await openMessages()
    for (let i = 0; i < 10; i++) ours.send({ body: new Uint8Array(1_000).fill(i) }).catch(() => {})
    const closed = ours.close()
    const got: (number | undefined)[] = []
    for await (const message of theirs) got.push(message.body[0])
    assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await closed
  })

  it('tells the dialler why it is refused, and unknown and forbidden alike', async () => {
    incoming = new Acceptances()
    let code: RefuseCode = REFUSE.channel
    nodes = await TwoNodes.create('yamux', () => ({ refuse: code }))
    const codes: (string | undefined)[] = []
    for (code of [REFUSE.channel, REFUSE.mode, REFUSE.kind, REFUSE.overloaded]) {
      await openBytes().catch((error: unknown) => codes.push(codeOf(error)))
    }
    assert.deepEqual(codes, [
      'ERR_CHANNEL_REFUSED',
      'ERR_MODE_MISMATCH',
      'ERR_KIND_MISMATCH',
      'ERR_SESSION_REFUSED'
    ])
  })

  it('refuses more sessions of a peer than the limit, and takes more when some end', async () => {
    await start('yamux', { sessionsPerPeer: 2 })
    const [first] = await openBytes()
    await openBytes()
    await assert.rejects(openBytes(), { code: 'ERR_SESSION_LIMIT' })
    first.abort()
    await first.closed
    const deadline = Date.now() + 2_000
    while (nodes.dialler.debug().dialled > 1 && Date.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await openBytes()
  })

  it('says so at once when the peer has lost the state', async () => {
    await start('yamux', { closeTimeout: 100 })
    const [ours] = await openBytes()
    ours.write(new Uint8Array(1_000))
    const old = nodes.acceptor
    nodes.acceptor = new SessionHost({ acceptor: incoming.acceptor, budget: nodes.budget })
    nodes.wire.cut()
    const error = await ours.closed
    assert.ok(error instanceof SessionLostError)
    assert.equal(error.unconfirmed, 1_000)
    await old.close()
  })

  it('gives up after resumeTimeout, at both ends, with what is unconfirmed', async () => {
    await start('yamux', { resumeTimeout: 150 })
    const [ours, theirs] = await openBytes()
    ours.write(new Uint8Array(10))
    theirs.write(new Uint8Array(20))
    await nodes.wire.close()
    const [a, b] = await Promise.all([ours.closed, theirs.closed])
    assert.ok(a instanceof SessionLostError && b instanceof SessionLostError)
    assert.deepEqual([a.unconfirmed, b.unconfirmed], [10, 20])
  })

  it('detaches at once when the tunnel says that a link is down', async () => {
    await start()
    const [ours, theirs] = await openBytes()
    const link = ours.link
    assert.ok(link !== undefined)
    const resumed = new Promise<void>(resolve => ours.on('resumed', resolve))
    nodes.dialler.linkDown(link, new Error('no answer'))
    assert.equal(ours.link, undefined)
    await resumed
    assert.equal(ours.stats().epoch, 1)
    ours.write(Buffer.from('again'))
    ours.closeWrite()
    assert.equal(await text(theirs), 'again')
  })

  it('stops a dial on request, and the peer keeps nothing of it', async () => {
    const requested = Promise.withResolvers<void>()
    incoming = new Acceptances()
    let signalled = false
    nodes = await TwoNodes.create('yamux', async (_request, signal) => {
      requested.resolve()
      await once(signal, 'abort')
      signalled = true
      return { refuse: REFUSE.failed }
    })
    const stop = new AbortController()
    const dialling = nodes.dialler.open({
      channel: 'slow',
      mode: 'unicast',
      bytes: true,
      peer: nodes.peer,
      openStream: nodes.openStream,
      signal: stop.signal
    })
    await requested.promise
    stop.abort(new Error('enough'))
    await assert.rejects(dialling, /enough/)
    while (!signalled) await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(nodes.acceptor.debug().accepted, 0)
  })

  it('ends with the tunnel: everything written is delivered first', async () => {
    await start()
    const [ours, theirs] = await openMessages()
    await ours.send({ body: Buffer.from('last words') })
    const closing = nodes.dialler.close()
    assert.equal(Buffer.from((await theirs.receive())?.body ?? []).toString(), 'last words')
    await closing
    assert.equal(await theirs.receive(), undefined)
    await assert.rejects(openBytes(), { code: 'ERR_SESSION_CLOSED' })
  })
})

async function text(session: ByteSession): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of session) parts.push(part)
  return Buffer.concat(parts).toString()
}
