import assert from 'node:assert/strict'
import { byteStream, streamPair } from '@libp2p/utils'
import type { Connection, Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { AnswerMatcher } from '../src/streams/answer-matcher.ts'
import { propose } from '../src/streams/propose.ts'
import { connect, echo, readAll } from './support/pair.ts'
import { MUXERS, createPeer } from './support/peer.ts'

const PROTOCOL = '/test/lazy/1.0.0'
const LAZY = { negotiateFully: false }
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

/**
 * Reads until there are `length` characters. Stock streams tell their end only once, and here it may
 * come before anybody listens.
 */
async function readText(stream: Stream, length: number): Promise<string> {
  let got = ''
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      got += text(data instanceof Uint8Array ? data : data.subarray())
      if (got.length >= length) resolve()
    })
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('it has ended')))
  })
  return got
}

describe('AnswerMatcher', () => {
  const HEADER = '\x13/multistream/1.0.0\n'
  const AGREED = `${HEADER}\x11${PROTOCOL}\n`

  it('gives what follows the answer, for every split', () => {
    const all = bytes(`${AGREED}the first bytes`)
    for (let at = 0; at <= all.length; at++) {
      const matcher = new AnswerMatcher(PROTOCOL)
      assert.equal(text(matcher.proposal), AGREED)
      const first = matcher.push(all.subarray(0, at))
      const rest = first === undefined ? matcher.push(all.subarray(at)) : all.subarray(at)
      assert.ok(rest)
      assert.equal(
        text(first ?? new Uint8Array()) + text(rest),
        'the first bytes',
        `split at ${at}`
      )
    }
  })

  it('throws when the peer does not speak it, for every split, and at the first byte of anything else', () => {
    const all = bytes(`${HEADER}\x03na\n`)
    for (let at = 0; at <= all.length; at++) {
      const matcher = new AnswerMatcher(PROTOCOL)
      assert.throws(
        () => {
          matcher.push(all.subarray(0, at))
          matcher.push(all.subarray(at))
        },
        { name: 'UnsupportedProtocolError', message: /does not speak/ }
      )
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), noise => {
        const matcher = new AnswerMatcher(PROTOCOL)
        const agreed = bytes(AGREED)
        const honest = noise.every((byte, i) => i >= agreed.length || byte === agreed[i])
        if (honest) matcher.push(noise)
        else assert.throws(() => matcher.push(noise), { name: 'UnsupportedProtocolError' })
      })
    )
  })
})

describe('propose', () => {
  const AGREED = `\x13/multistream/1.0.0\n\x11${PROTOCOL}\n`
  const options = { ms: 1_000, timeout: () => new Error('it took too long') }

  it('gives what came in one piece with the answer, and then what comes, to a listener of before', async () => {
    const [near, far] = await streamPair()
    const agreed = propose(near, PROTOCOL, options)
    const all = readText(near, 11)
    far.send(bytes(`${AGREED}first,`))
    far.send(bytes('then.'))
    await agreed
    assert.equal(await all, 'first,then.')
    near.abort(new Error('the test is over'))
  })

  it('leaves the stream as it was, also what others had put on it', async () => {
    const [near, far] = await streamPair()
    const own = async function* (): AsyncGenerator<Uint8Array> {}
    Object.defineProperty(near, Symbol.asyncIterator, { value: own, configurable: true })
    const before = Reflect.ownKeys(near)
    const agreed = propose(near, PROTOCOL, options)
    far.send(bytes(AGREED))
    await agreed
    assert.deepEqual(Reflect.ownKeys(near), before)
    assert.equal(near[Symbol.asyncIterator], own)
    near.abort(new Error('the test is over'))
  })

  it('aborts the stream when the answer takes too long', async () => {
    const [near] = await streamPair()
    const all = readText(near, 1)
    const agreed = propose(near, PROTOCOL, { ...options, ms: 5 })
    await Promise.all([
      assert.rejects(agreed, { message: 'it took too long' }),
      assert.rejects(all, { message: 'it took too long' })
    ])
    assert.equal(near.status, 'aborted')
  })
})

for (const name of ['yamux', 'mplex'] as const) {
  describe(`a stream that is negotiated lazily (${name})`, () => {
    let outbound: Connection
    let inbound: Connection
    let handler: (stream: Stream) => void

    beforeEach(async () => {
      const muxers = { muxers: [MUXERS[name]] }
      const [dialler, listener] = await Promise.all([createPeer(muxers), createPeer(muxers)])
      handler = echo
      listener.registrar.handle(PROTOCOL, stream => handler(stream))
      ;({ outbound, inbound } = await connect(dialler, listener))
    })
    afterEach(() => {
      outbound.abort(new Error('the test is over'))
      inbound.abort(new Error('the test is over'))
    })

    it('is there before the peer has answered, and carries what is sent at once', async () => {
      const stream = await outbound.newStream(PROTOCOL, LAZY)
      assert.equal(stream.protocol, PROTOCOL)
      const all = readText(stream, 13)
      stream.send(bytes('first'))
      stream.send(bytes(', second'))
      assert.equal(await all, 'first, second')
      await stream.close()
    })

    it('is the same to an iterator, and to a byte stream', async () => {
      const iterated = await outbound.newStream(PROTOCOL, LAZY)
      iterated.send(bytes('iterated'))
      let got = ''
      for await (const chunk of iterated) {
        got += text(chunk instanceof Uint8Array ? chunk : chunk.subarray())
        if (got.length >= 8) break
      }
      assert.equal(got, 'iterated')
      const pulled = await outbound.newStream(PROTOCOL, LAZY)
      const reader = byteStream(pulled)
      await reader.write(bytes('abc'))
      assert.equal(text((await reader.read({ bytes: 3 })).subarray()), 'abc')
    })

    it('keeps what the peer sends first, in order, for whoever listens late', async () => {
      handler = stream => {
        for (let i = 0; i < 50; i++) stream.send(bytes(`${i},`))
      }
      const stream = await outbound.newStream(PROTOCOL, LAZY)
      await new Promise(resolve => setTimeout(resolve, 20))
      const sent = Array.from({ length: 50 }, (_, i) => `${i},`).join('')
      assert.equal(await readText(stream, sent.length), sent)
    })

    it('heeds a pause from before the answer, and removes listeners', async () => {
      handler = stream => void stream.send(bytes('hello'))
      const stream = await outbound.newStream(PROTOCOL, LAZY)
      let got = ''
      const never = (): void => assert.fail('it was removed')
      stream.pause()
      stream.addEventListener('message', never)
      stream.removeEventListener('message', never)
      stream.addEventListener('message', ({ data }) => {
        got += text(data instanceof Uint8Array ? data : data.subarray())
      })
      await new Promise(resolve => setTimeout(resolve, 20))
      assert.equal(got, '')
      stream.resume()
      await new Promise(resolve => setTimeout(resolve, 20))
      assert.equal(got, 'hello')
    })

    it('tells its reader when the peer does not speak the protocol', async () => {
      const stream = await outbound.newStream('/test/unknown/1.0.0', LAZY)
      stream.send(bytes('for nobody'))
      await assert.rejects(readAll(stream), { name: 'UnsupportedProtocolError' })
      const iterated = await outbound.newStream('/test/unknown/1.0.0', LAZY)
      await assert.rejects(
        async () => {
          for await (const chunk of iterated) assert.ok(chunk)
        },
        { name: 'UnsupportedProtocolError' }
      )
      assert.equal(outbound.status, 'open')
    })

    it('tells its reader when the connection ends before the answer', async () => {
      const stream = await outbound.newStream(PROTOCOL, LAZY)
      const all = readAll(stream)
      outbound.abort(new Error('gone'))
      await assert.rejects(all)
    })

    it('waits for the answer where nothing is known of several protocols, and not where it is', async () => {
      const first = await outbound.newStream(['/test/unknown/1.0.0', PROTOCOL], LAZY)
      assert.equal(first.protocol, PROTOCOL)
      const second = await outbound.newStream(['/test/unknown/1.0.0', PROTOCOL], LAZY)
      assert.equal(Object.hasOwn(second, 'pause'), true, 'the answer is still to come')
      second.send(bytes('x'))
      assert.equal(await readText(second, 1), 'x')
      assert.equal(Object.hasOwn(second, 'pause'), false, 'nothing of it is left')
    })
  })
}
