import assert from 'node:assert/strict'
import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import { byteStream, streamPair } from '@libp2p/utils'
import { sealInbound, sealOutbound, type Sealed, type SealOptions } from '../src/index.ts'
import { testPeer, type TestPeer } from './support/peers.ts'
import { inbox, pattern, sendAll, sha256 } from './support/traffic.ts'
import { cut, wire } from './support/wire.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('sealed streams', () => {
  let one: TestPeer
  let two: TestPeer
  before(async () => {
    one = await testPeer()
    two = await testPeer({ keyType: 'secp256k1' })
  })

  interface SealedPair {
    readonly near: Sealed
    readonly far: Sealed
    readonly raw: readonly [Stream, Stream]
  }

  async function sealedPair(
    nearOptions: Partial<SealOptions> = {},
    farOptions: Partial<SealOptions> = {}
  ): Promise<SealedPair> {
    const raw = await streamPair()
    const hangUp = (stream: Stream) => (error: unknown) => {
      stream.abort(error as Error)
      throw error
    }
    const [near, far] = await Promise.allSettled([
      sealOutbound(raw[0], { privateKey: one.privateKey, ...nearOptions }).catch(hangUp(raw[0])),
      sealInbound(raw[1], { privateKey: two.privateKey, ...farOptions }).catch(hangUp(raw[1]))
    ])
    if (near.status === 'rejected') throw near.reason
    if (far.status === 'rejected') throw far.reason
    return { near: near.value, far: far.value, raw }
  }

  it('carry bytes both ways and prove both identities', async () => {
    const prologue = text('token, session 7, epoch 2')
    const { near, far } = await sealedPair(
      { prologue, remotePeer: two.peerId },
      { prologue, remotePeer: one.peerId }
    )
    assert.ok(near.remotePeer.equals(two.peerId))
    assert.ok(far.remotePeer.equals(one.peerId))
    const data = pattern(262_144)
    const [up, down] = [inbox(far.stream), inbox(near.stream)]
    await Promise.all([
      sendAll(
        near.stream,
        cut(data, () => 100_000)
      ),
      sendAll(
        far.stream,
        cut(data, () => 1_000)
      ),
      up.has(data.byteLength),
      down.has(data.byteLength)
    ])
    assert.equal(sha256(up.bytes()), sha256(data))
    assert.equal(sha256(down.bytes()), sha256(data))
  })

  it('need the same prologue on both ends', async () => {
    await assert.rejects(sealedPair({ prologue: text('epoch 1') }, { prologue: text('epoch 2') }), {
      code: 'ERR_NOISE_HANDSHAKE'
    })
    await assert.rejects(sealedPair({ prologue: text('epoch 1') }), { code: 'ERR_NOISE_HANDSHAKE' })
  })

  it('can begin in the middle of a stream, with bytes that were read too far', async () => {
    const raw = await streamPair()
    const near = sealOutbound(raw[0], { privateKey: one.privateKey })
    const { promise, resolve } = Promise.withResolvers<Uint8Array>()
    raw[1].addEventListener(
      'message',
      event => {
        // Whoever read a head has read on into the handshake, and has stopped there.
        raw[1].pause()
        resolve(event.data.subarray())
      },
      { once: true }
    )
    const early = await promise
    const [a, b] = await Promise.all([
      near,
      sealInbound(raw[1], { privateKey: two.privateKey, early })
    ])
    const inbound = inbox(b.stream)
    a.stream.send(pattern(100_000))
    await inbound.has(100_000)
    assert.equal(sha256(inbound.bytes()), sha256(pattern(100_000)))
  })

  it('fail, and do not wait, on a stream that has ended already', async () => {
    const raw = await streamPair()
    raw[0].abort(new Error('gone'))
    await assert.rejects(sealOutbound(raw[0], { privateKey: one.privateKey }), {
      code: 'ERR_NOISE_HANDSHAKE'
    })
  })

  it('are refused to another peer, or another kind of key', async () => {
    await assert.rejects(sealedPair({ remotePeer: one.peerId }), { code: 'ERR_UNEXPECTED_PEER' })
    await assert.rejects(sealedPair({ keyTypes: ['RSA'] }), { code: 'ERR_NOISE_KEY_REFUSED' })
  })

  it('close one half at a time', async () => {
    const { near, far } = await sealedPair()
    const up = byteStream(far.stream)
    const down = inbox(near.stream)
    near.stream.send(text('request'))
    await near.stream.close()
    assert.equal(near.stream.status, 'open')
    assert.equal((await up.read({ bytes: 7 })).byteLength, 7)
    assert.equal(await up.read(), null, 'the end of the request')
    far.stream.send(text('answer'))
    await far.stream.close()
    await down.closed
    assert.equal(Buffer.from(down.bytes()).toString(), 'answer')
    assert.equal(near.stream.status, 'closed')
    assert.equal(far.stream.status, 'closed')
  })

  it('an end that the peer did not make is no end', async () => {
    const { near, far, raw } = await sealedPair()
    const received = inbox(far.stream)
    near.stream.send(pattern(10))
    await received.has(10)
    // Whoever is in between ends the stream between two records.
    await raw[0].close()
    const event = await received.closed
    assert.equal((event.error as { code?: string }).code, 'ERR_NOISE_TRUNCATED')
    assert.equal(far.stream.status, 'aborted')
  })

  it('an end is seen behind bytes that the stream below still holds', async () => {
    const { near, far, raw } = await sealedPair()
    const received = inbox(far.stream)
    far.stream.pause()
    raw[1].pause()
    near.stream.send(pattern(1_000))
    await near.stream.close()
    if (raw[1].readBufferLength === 0) {
      await new Promise<void>(resolve =>
        raw[1].addEventListener('remoteCloseWrite', () => resolve(), { once: true })
      )
    }
    assert.equal(far.stream.remoteWriteStatus, 'closed')
    assert.equal(far.stream.status, 'open')
    far.stream.resume()
    await received.has(1_000)
    assert.equal(far.stream.readableEnded, true)
  })

  it('over a connection, that closes as a whole, the end is authenticated too', async () => {
    for (const cutShort of [false, true]) {
      const [outbound, inbound] = wire()
      const [near, far] = await Promise.all([
        sealOutbound(outbound, { privateKey: one.privateKey }),
        sealInbound(inbound, { privateKey: two.privateKey })
      ])
      const { closed } = inbox(far.stream)
      const nearClosed = inbox(near.stream).closed
      if (cutShort) outbound.tamper = () => []
      await near.stream.close()
      const event: StreamCloseEvent = await closed
      const code = (event.error as { code?: string } | undefined)?.code
      assert.equal(code, cutShort ? 'ERR_NOISE_TRUNCATED' : undefined)
      await nearClosed
    }
  })

  it('closeRead() drops what comes and leaves the other half alone', async () => {
    const { near, far } = await sealedPair()
    const { closed } = inbox(far.stream)
    await far.stream.closeRead()
    assert.equal(far.stream.readableEnded, true)
    near.stream.send(pattern(100))
    const down = inbox(near.stream)
    far.stream.send(text('still here'))
    await down.has(10)
    await near.stream.close()
    await far.stream.close()
    assert.equal((await closed).error, undefined)
  })
})
