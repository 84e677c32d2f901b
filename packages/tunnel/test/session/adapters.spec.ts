import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { defaultLogger } from '@libp2p/logger'
import type { ByteSession, Session } from '../../src/session/session-types.ts'
import { sessionToDuplex } from '../../src/session/session-to-duplex.ts'
import { sessionToMessageStream } from '../../src/session/session-to-message-stream.ts'
import { TwoNodes } from './two-nodes.ts'

const log = defaultLogger().forComponent('test')

describe('session adapters', () => {
  let nodes: TwoNodes
  let pair: () => Promise<[ByteSession, ByteSession]>

  beforeEach(async () => {
    let take: (session: ByteSession | Session) => void = () => {}
    nodes = await TwoNodes.create('yamux', () => ({ accept: session => take(session) }), {
      closeTimeout: 200
    })
    pair = async () => {
      const accepted = new Promise<ByteSession>(resolve => {
        take = session => resolve(session as ByteSession)
      })
      const ours = await nodes.dialler.open({
        channel: 'adapted',
        mode: 'unicast',
        bytes: true,
        peer: nodes.peer,
        openStream: nodes.openStream
      })
      return [ours, await accepted]
    }
  })

  afterEach(async () => nodes.close())

  it('make it a Node duplex: both ways, half-open, by hash', async () => {
    const [ours, theirs] = await pair()
    const near = sessionToDuplex(ours)
    const far = sessionToDuplex(theirs)
    const sent = randomBytes(3 << 20)
    const echo = pipeline(far, far)
    const hash = createHash('sha256')
    const received = (async () => {
      for await (const chunk of near) hash.update(chunk as Uint8Array)
    })()
    for (let at = 0; at < sent.length; at += 50_000) {
      const part = Buffer.from(sent.subarray(at, at + 50_000))
      if (!near.write(part, () => part.fill(0))) await once(near, 'drain')
    }
    near.end()
    await Promise.all([received, echo])
    assert.equal(hash.digest('hex'), createHash('sha256').update(sent).digest('hex'))
    assert.equal(await ours.closed, undefined)
  })

  it('take the destruction of a duplex to the other end', async () => {
    const [ours, theirs] = await pair()
    const near = sessionToDuplex(ours)
    const far = sessionToDuplex(theirs)
    near.on('error', () => {})
    near.destroy(new Error('enough'))
    const [error] = (await once(far, 'error')) as [Error & { code?: string }]
    assert.equal(error.code, 'ERR_SESSION_RESET')
  })

  it('make it a libp2p stream: both ways, half-closed, with back-pressure', async () => {
    const [ours, theirs] = await pair()
    const near = sessionToMessageStream(ours, { log, direction: 'outbound' })
    const far = sessionToMessageStream(theirs, { log, direction: 'inbound' })
    far.addEventListener('message', () => {})
    far.pause()
    let written = 0
    while (near.send(new Uint8Array(10_000)) && written < 1e8) written += 10_000
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.ok(written <= 65_536, `${written} bytes`)
    assert.ok(theirs.stats().unreadBytes > 0, 'a paused stream takes nothing')
    assert.equal(far.readBufferLength, 0)
    let received = 0
    far.addEventListener('message', event => {
      received += event.data.byteLength
    })
    const ended = once(far as unknown as EventTarget, 'remoteCloseWrite')
    far.resume()
    await near.close()
    await ended
    assert.equal(received, written + 10_000)
    const echoed = once(near as unknown as EventTarget, 'message')
    far.send(Buffer.from('bye'))
    await echoed
    await far.close()
    assert.equal(await theirs.closed, undefined)
    assert.equal(near.status, 'closed')
  })

  it('take the abort of a stream to the other end', async () => {
    const [ours, theirs] = await pair()
    const near = sessionToMessageStream(ours, { log, direction: 'outbound' })
    const far = sessionToMessageStream(theirs, { log, direction: 'inbound' })
    const closed = once(far as unknown as EventTarget, 'close')
    near.abort(new Error('enough'))
    await closed
    assert.equal(far.status, 'reset')
  })
})
