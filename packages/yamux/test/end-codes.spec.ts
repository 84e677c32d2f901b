import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { CONNECTION_CODE, STREAM_CODE } from '@warren/interface'
import type { AccountingMuxerFactory, AccountingStream, ByteAccount } from '@warren/interface'
import { yamux } from '@warren/yamux'

const KiB = 1024

/** An account with a limit of its own. */
class Account implements ByteAccount {
  held = 0
  resets = 0
  readonly #limit: number

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  get over(): boolean {
    return this.held > this.#limit
  }

  get tight(): boolean {
    return this.held * 4 > this.#limit * 3
  }

  hold(bytes: number): void {
    this.held += bytes
  }

  refused(): void {
    this.resets++
  }
}

function pair(account?: ByteAccount) {
  const [outbound, inbound] = multiaddrConnectionPair()
  const factory = yamux()() as AccountingMuxerFactory
  return {
    client: factory.createStreamMuxer(outbound),
    server: factory.createStreamMuxer(inbound, account === undefined ? {} : { account }),
    outbound
  }
}

async function inboundOf(server: StreamMuxer): Promise<Stream> {
  const [event] = (await once(server, 'stream')) as [CustomEvent<Stream>]
  return event.detail
}

describe('yamux end codes', () => {
  const ends: StreamMuxer[] = []
  afterEach(() => {
    for (const muxer of ends.splice(0)) muxer.abort(new Error('the test is over'))
  })

  it('says why a muxer is closed, and the peer takes a calm reason in peace', async () => {
    const { client, server, outbound } = pair()
    ends.push(client, server)
    await server.close({ reason: CONNECTION_CODE.garbageCollected } as object)
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(Reflect.get(client, 'remoteGoAway'), CONNECTION_CODE.garbageCollected)
    assert.equal(outbound.status, 'open')
    await assert.rejects(client.createStream(), { name: 'MuxerClosedError' })
  })

  it('tells streams that were open with which code their connection was ended', async () => {
    const { client, server, outbound } = pair()
    ends.push(client, server)
    const stream = await client.createStream()
    await inboundOf(server)
    const closed = once(stream, 'close') as Promise<[{ error?: Error }]>
    Reflect.get(server, 'session').goAway(CONNECTION_CODE.shutdown)
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(outbound.status, 'open')
    await outbound.close()
    const [{ error }] = await closed
    assert.equal(Reflect.get(error ?? {}, 'goAwayCode'), CONNECTION_CODE.shutdown)
  })

  it('aborts with the code of the error, which ends the peer with that code', async () => {
    const { client, server, outbound } = pair()
    ends.push(client, server)
    const ended = once(outbound, 'close')
    server.abort(Object.assign(new Error('not you'), { goAwayCode: CONNECTION_CODE.gated }))
    await ended
    assert.equal(Reflect.get(client, 'remoteGoAway'), CONNECTION_CODE.gated)
    assert.equal(client.status, 'closed')
  })

  it('counts what is unread on the accounts of the connection and of the stream', async () => {
    const whole = new Account()
    const own = new Account()
    const { client, server } = pair(whole)
    ends.push(client, server)
    const stream = await client.createStream()
    stream.send(new Uint8Array(10 * KiB))
    const inbound = await inboundOf(server)
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(whole.held, 10 * KiB)
    ;(inbound as Stream & AccountingStream).countIn(own)
    assert.equal(own.held, 10 * KiB)
    stream.send(new Uint8Array(10 * KiB))
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.deepEqual([whole.held, own.held], [20 * KiB, 20 * KiB])
    inbound.addEventListener('message', () => {})
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.deepEqual([whole.held, own.held], [0, 0])
  })

  it('resets the stream whose account is over its limit, and no other', async () => {
    const whole = new Account()
    const own = new Account(16 * KiB)
    const { client, server } = pair(whole)
    ends.push(client, server)
    const other = await client.createStream()
    other.send(new Uint8Array(64 * KiB))
    await inboundOf(server)
    const stream = await client.createStream()
    stream.send(new Uint8Array(8 * KiB))
    const inbound = await inboundOf(server)
    ;(inbound as Stream & AccountingStream).countIn(own)
    const closed = once(stream, 'close') as Promise<[{ error?: Error }]>
    stream.send(new Uint8Array(16 * KiB))
    const [{ error }] = await closed
    assert.equal(Reflect.get(error ?? {}, 'resetCode'), STREAM_CODE.resourceLimit)
    assert.equal(other.status, 'open')
    assert.deepEqual([whole.held, own.held], [64 * KiB, 0])
    assert.deepEqual([whole.resets, own.resets], [0, 1])
  })

  it('resets the stream that holds most when the account of the connection is over', async () => {
    const whole = new Account(100 * KiB)
    const { client, server } = pair(whole)
    ends.push(client, server)
    const small = await client.createStream()
    small.send(new Uint8Array(10 * KiB))
    await inboundOf(server)
    const large = await client.createStream()
    const closed = once(large, 'close') as Promise<[{ error?: Error }]>
    large.send(new Uint8Array(128 * KiB))
    const [{ error }] = await closed
    assert.equal(Reflect.get(error ?? {}, 'resetCode'), STREAM_CODE.resourceLimit)
    assert.equal(small.status, 'open')
    assert.equal(whole.held, 10 * KiB)
    assert.equal(whole.resets, 1)
  })
})
