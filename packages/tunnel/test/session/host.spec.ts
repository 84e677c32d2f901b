import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { REFUSE } from '../../src/session/codes.ts'
import { encodeDataHeader } from '../../src/session/frames.ts'
import { type Head, HeadDecoder, type OpenHead, encodeHead } from '../../src/session/heads.ts'
import type { SessionHostOptions } from '../../src/session/session-host-types.ts'
import type { ByteSession, Session } from '../../src/session/session-types.ts'
import { TwoNodes } from './two-nodes.ts'

const OPEN: OpenHead = {
  type: 'open',
  id: new Uint8Array(16).fill(1),
  epoch: 0,
  mode: 'unicast',
  bytes: true,
  limit: 65_536,
  channel: 'files'
}

/** A peer that speaks the protocol by hand. */
class RawPeer {
  readonly stream: Stream
  #decoder: HeadDecoder | undefined = new HeadDecoder()
  readonly #head = Promise.withResolvers<Head | undefined>()
  readonly closed: Promise<void>

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', event => {
      const { data } = event
      const decoded = this.#decoder?.push(data instanceof Uint8Array ? data : data.subarray())
      if (decoded === undefined) return
      this.#decoder = undefined
      this.#head.resolve(decoded.head)
    })
    this.closed = new Promise(resolve => {
      stream.addEventListener('close', () => {
        this.#head.resolve(undefined)
        resolve()
      })
    })
  }

  send(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) this.stream.send(chunk)
    return this
  }

  /** The first head that comes; `undefined` when the stream is closed before. */
  head(): Promise<Head | undefined> {
    return this.#head.promise
  }
}

describe('session host against a hostile peer', () => {
  let nodes: TwoNodes
  let sessions: (Session | ByteSession)[]

  async function start(options: Partial<SessionHostOptions> = {}): Promise<void> {
    sessions = []
    nodes = await TwoNodes.create(
      'yamux',
      () => ({ accept: session => void sessions.push(session) }),
      { closeTimeout: 100, ...options }
    )
  }

  async function raw(): Promise<RawPeer> {
    const { stream } = await nodes.openStream(AbortSignal.timeout(5_000))
    return new RawPeer(stream)
  }

  afterEach(async () => nodes.close())

  it('refuses a resume of a session that it does not hold, and one without proof, alike', async () => {
    await start()
    const first = (await raw()).send(encodeHead(OPEN))
    assert.equal((await first.head())?.type, 'accept')
    const resume = {
      type: 'resume',
      epoch: 9,
      received: 0,
      sent: 0,
      proof: new Uint8Array(32)
    } as const
    const unknown = (await raw()).send(encodeHead({ ...resume, id: new Uint8Array(16) }))
    const unproven = (await raw()).send(encodeHead({ ...resume, id: OPEN.id }))
    const refusal = { type: 'refuse', code: REFUSE.unknown }
    assert.deepEqual(await unknown.head(), refusal)
    assert.deepEqual(await unproven.head(), refusal)
    // The session was not disturbed: its stream is not fenced.
    first.send(encodeDataHeader(0, 3, false), Buffer.from('abc'))
    const session = sessions[0] as ByteSession
    for await (const chunk of session) {
      assert.equal(Buffer.from(chunk).toString(), 'abc')
      break
    }
    assert.equal(session.stats().epoch, 0)
  })

  it('answers an open again while the dialler has not heard the answer, and not afterwards', async () => {
    await start()
    const first = (await raw()).send(encodeHead(OPEN))
    const accept = await first.head()
    const second = (await raw()).send(encodeHead({ ...OPEN, epoch: 1 }))
    assert.deepEqual(await second.head(), accept)
    assert.equal(sessions.length, 1, 'the application has one session')
    second.send(encodeDataHeader(0, 1, false), Uint8Array.of(1))
    await first.closed
    while (sessions[0]?.stats().receivedBytes !== 1) await new Promise(setImmediate)
    const third = (await raw()).send(encodeHead({ ...OPEN, epoch: 2 }))
    assert.deepEqual(await third.head(), { type: 'refuse', code: REFUSE.unknown })
  })

  it('drops a stream that begins with anything else, and goes on', async () => {
    await start()
    for (const junk of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Uint8Array.of(1, 0xff, 0xff),
      encodeHead({ type: 'accept', secret: new Uint8Array(32), limit: 1 }),
      encodeHead({ ...OPEN, channel: 'a' }).fill(0, 31)
    ]) {
      const peer = (await raw()).send(junk)
      assert.equal(await peer.head(), undefined)
    }
    const peer = (await raw()).send(Uint8Array.of(1, 0, 1, 2))
    assert.deepEqual(await peer.head(), { type: 'refuse', code: REFUSE.version })
    assert.equal(nodes.acceptor.debug().accepted, 0)
    const honest = (await raw()).send(encodeHead(OPEN))
    assert.equal((await honest.head())?.type, 'accept')
  })

  it('waits for a head no longer than headTimeout', async () => {
    await start({ headTimeout: 50 })
    const peer = (await raw()).send(encodeHead(OPEN).subarray(0, 10))
    await peer.closed
    assert.equal(nodes.acceptor.debug().heads, 0)
  })

  it('refuses when the application does not decide in time, or throws', async () => {
    nodes = await TwoNodes.create(
      'yamux',
      async ({ channel }) => {
        if (channel === 'throws') throw new Error('bug')
        return new Promise(() => {})
      },
      { headTimeout: 400, closeTimeout: 2_000 }
    )
    const failed = { type: 'refuse', code: REFUSE.failed }
    const late = (await raw()).send(encodeHead(OPEN))
    assert.deepEqual(await late.head(), failed)
    const throwing = (await raw()).send(encodeHead({ ...OPEN, channel: 'throws' }))
    assert.deepEqual(await throwing.head(), failed)
    assert.equal(nodes.acceptor.debug().accepted, 0)
  })

  it('refuses sessions beyond the limit of a peer', async () => {
    await start({ sessionsPerPeer: 3 })
    const types: (string | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      const id = new Uint8Array(16).fill(i)
      const peer = (await raw()).send(encodeHead({ ...OPEN, id }))
      types.push((await peer.head())?.type)
    }
    assert.deepEqual(types, ['accept', 'accept', 'accept', 'refuse'])
    assert.equal(nodes.acceptor.debug().accepted, 3)
  })

  it('holds no more than a window of tiny frames, and ends the one that passes it', async () => {
    await start()
    const peer = (await raw()).send(encodeHead(OPEN))
    await peer.head()
    const frames: Uint8Array[] = []
    for (let i = 0; i < 1_000; i++) frames.push(encodeDataHeader(i, 1, false), Uint8Array.of(i))
    peer.send(Buffer.concat(frames))
    const session = sessions[0] as ByteSession
    while (session.stats().receivedBytes < 1_000) await new Promise(setImmediate)
    let reads = 0
    for (let left = 1_000; left > 0; reads++) left -= session.read()?.length ?? 0
    assert.ok(reads <= 4, `copied together: ${reads} chunks`)
    peer.send(encodeDataHeader(1_000, 1 << 20, false))
    const error = (await session.closed) as Error & { code?: string }
    assert.equal(error.code, 'ERR_SESSION_PROTOCOL')
  })

  it('forgets tombstones by time when the peer never says that it is done', async () => {
    await start({ resumeTimeout: 100 })
    const peer = (await raw()).send(encodeHead(OPEN))
    await peer.head()
    const session = sessions[0] as ByteSession
    session.closeWrite()
    // The peer ends and confirms, but says no more.
    peer.send(Buffer.from('130000000000000000', 'hex'))
    peer.send(Buffer.from('1100000000000000010000000000010000', 'hex'))
    assert.equal(await session.closed, undefined)
    assert.equal(nodes.acceptor.debug().tombstones, 1)
    while (nodes.acceptor.debug().tombstones > 0) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    assert.equal(nodes.acceptor.debug().accepted, 0)
  })
})
