import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { KeyType } from '@libp2p/interface'
import { HandshakeConn } from '../src/handshake/handshake-conn.ts'
import { testPeer, type Maker, type TestPeer } from './support/peers.ts'
import { closePair, securedPair } from './support/secured.ts'
import { inbox, pattern } from './support/traffic.ts'
import { cut, wire, type WireEnd } from './support/wire.ts'

const KEY_TYPES: readonly KeyType[] = ['Ed25519', 'secp256k1', 'ECDSA', 'RSA']

type Outcome = PromiseSettledResult<unknown>

/** Lets both shake hands, tolerating failure; a side that fails hangs up, as an upgrader does. */
async function shake(
  dialler: TestPeer,
  listener: TestPeer,
  ends: [WireEnd, WireEnd],
  expected = listener.peerId
): Promise<[Outcome, Outcome]> {
  const [outbound, inbound] = ends
  const hangUp = (end: WireEnd) => (error: unknown) => {
    end.abort(error as Error)
    throw error
  }
  return Promise.allSettled([
    dialler.encrypter.secureOutbound(outbound, { remotePeer: expected }).catch(hangUp(outbound)),
    listener.encrypter.secureInbound(inbound).catch(hangUp(inbound))
  ])
}

function assertFails(outcome: Outcome, code: string): void {
  assert.equal(outcome.status, 'rejected')
  assert.equal((outcome.reason as { code?: string }).code, code, String(outcome.reason))
}

/** No listener of ours may stay on a raw stream whose handshake has failed. */
function assertLetGo(end: WireEnd, before: readonly number[]): void {
  assert.deepEqual(listeners(end), before)
}

function listeners(end: WireEnd): number[] {
  return ['message', 'close', 'drain', 'remoteCloseWrite'].map(type => end.listenerCount(type))
}

describe('handshake', () => {
  let ours: TestPeer
  let other: TestPeer
  before(async () => {
    ours = await testPeer()
    other = await testPeer()
  })

  for (const keyType of KEY_TYPES) {
    // Stock js-libp2p has no peer ids for ECDSA keys; go-libp2p has.
    const makers: readonly Maker[] = keyType === 'ECDSA' ? ['ours'] : ['ours', '@libp2p/noise']
    for (const maker of makers) {
      it(`proves a ${keyType} identity to ${maker}, both ways`, async () => {
        const peer = await testPeer({ keyType })
        const stock = await testPeer({ maker, keyType })
        for (const [dialler, listener] of [
          [peer, stock],
          [stock, peer]
        ] as const) {
          const pair = await securedPair(dialler, listener)
          assert.ok(pair.dialler.remotePeer.equals(listener.peerId))
          assert.ok(pair.listener.remotePeer.equals(dialler.peerId))
          await closePair(pair)
        }
      })
    }

    it(`refuses another peer than the one dialled: ${keyType} expected and found`, async () => {
      const ends = wire()
      const before = listeners(ends[0])
      const [impostor, expected] = [await testPeer({ keyType }), await testPeer({ keyType })]
      const [dialled, accepted] = await shake(ours, impostor, ends, expected.peerId)
      assertFails(dialled, 'ERR_UNEXPECTED_PEER')
      assert.equal(
        (dialled as PromiseRejectedResult).reason.name,
        'UnexpectedPeerError',
        'the name that libp2p has for it'
      )
      // Refused before the third message: the impostor has not even learnt who dialled.
      assertFails(accepted, 'ERR_NOISE_HANDSHAKE')
      assert.equal(ends[0].sent.length, 1)
      assertLetGo(ends[0], before)
    })
  }

  it('refuses an expected peer on the listening side too', async () => {
    const [outbound, inbound] = wire()
    const dialling = ours.encrypter.secureOutbound(outbound)
    await assert.rejects(other.encrypter.secureInbound(inbound, { remotePeer: other.peerId }), {
      code: 'ERR_UNEXPECTED_PEER'
    })
    // The dialler is done before the listener judges; it sees the end of the connection.
    inbound.abort(new Error('refused'))
    const { connection } = await dialling
    await inbox(connection).closed
    assert.equal(connection.status, 'reset')
  })

  it('takes only the key types that it was told to', async () => {
    const strict = await testPeer({ options: { keyTypes: ['Ed25519'] } })
    await closePair(await securedPair(strict, ours))
    for (const keyType of ['secp256k1', 'ECDSA', 'RSA'] as const) {
      const peer = await testPeer({ keyType })
      assertFails((await shake(strict, peer, wire()))[0], 'ERR_NOISE_KEY_REFUSED')
      assertFails((await shake(peer, strict, wire()))[1], 'ERR_NOISE_KEY_REFUSED')
    }
  })

  it('takes RSA keys of 2048 bits or what it was told, and no others', async () => {
    const short = await testPeer({ privateKey: await generateKeyPair('RSA', 1024) })
    assertFails((await shake(ours, short, wire()))[0], 'ERR_NOISE_KEY_REFUSED')
    const lenient = await testPeer({ options: { minRsaBits: 1_024 } })
    await closePair(await securedPair(lenient, short))
    const common = await testPeer({ keyType: 'RSA' })
    const demanding = await testPeer({ options: { minRsaBits: 2_049 } })
    assertFails((await shake(demanding, common, wire()))[0], 'ERR_NOISE_KEY_REFUSED')
    const narrow = await testPeer({ options: { minRsaBits: 1_024, maxRsaBits: 2_047 } })
    assertFails((await shake(narrow, common, wire()))[0], 'ERR_NOISE_KEY_REFUSED')
    await closePair(await securedPair(narrow, short))
  })

  describe('a prologue', () => {
    const withPrologue = (maker: Maker, text?: string): Promise<TestPeer> =>
      testPeer({
        maker,
        options: text === undefined ? {} : { prologue: new TextEncoder().encode(text) }
      })

    it('that both know lets them in, with stock noise too', async () => {
      for (const maker of ['ours', '@chainsafe/libp2p-noise'] as const) {
        await closePair(
          await securedPair(await withPrologue('ours', 'abc'), await withPrologue(maker, 'abc'))
        )
      }
    })

    for (const [mine, theirs] of [
      ['abc', 'abd'],
      ['abc', undefined],
      [undefined, 'abc']
    ]) {
      it(`${mine} against ${theirs} does not`, async () => {
        const ends = wire()
        const outcomes = await shake(
          await withPrologue('ours', mine),
          await withPrologue('ours', theirs),
          ends
        )
        for (const outcome of outcomes) assertFails(outcome, 'ERR_NOISE_HANDSHAKE')
      })
    }
  })

  it('has the static key that it was given', async () => {
    const seed = pattern(32)
    const peer = await testPeer({ options: { staticNoiseKey: seed } })
    seed.fill(0)
    await closePair(await securedPair(peer, ours))
  })

  it('works when every byte arrives alone', async () => {
    for (const [dials, listens] of [
      ['ours', 'ours'],
      ['ours', '@libp2p/noise'],
      ['@libp2p/noise', 'ours']
    ] as const) {
      const ends = wire()
      for (const end of ends) end.tamper = bytes => cut(bytes, () => 1)
      const pair = await securedPair(
        await testPeer({ maker: dials }),
        await testPeer({ maker: listens }),
        {},
        ends
      )
      const received = inbox(pair.listener.connection)
      pair.dialler.connection.send(pattern(50))
      await received.has(50)
      assert.deepEqual(Buffer.from(received.bytes()), Buffer.from(pattern(50)))
      await closePair(pair)
    }
  })

  it('works for every split of its messages and of the records behind them', async () => {
    // Both sides' bytes in one piece each, cut once: the dialler's third message, and data with it.
    for (let at = 1; at < 260; at += 1) {
      const ends = wire()
      for (const end of ends) {
        end.tamper = bytes => [bytes.subarray(0, at), bytes.subarray(at)].filter(b => b.length)
      }
      const [outbound, inbound] = ends
      const accepting = other.encrypter.secureInbound(inbound)
      const dialled = await ours.encrypter.secureOutbound(outbound, { remotePeer: other.peerId })
      dialled.connection.send(pattern(20))
      const accepted = await accepting
      const received = inbox(accepted.connection)
      await received.has(20)
      assert.deepEqual(Buffer.from(received.bytes()), Buffer.from(pattern(20)), `split at ${at}`)
    }
  })

  it('keeps data that comes in one chunk with the last message', async () => {
    const ends = wire()
    const held: Uint8Array[] = []
    let messages = 0
    // The third message is held back until data is behind it.
    ends[0].tamper = bytes => {
      if (++messages === 1) return [bytes]
      held.push(bytes)
      return messages === 2 ? [] : [Buffer.concat(held)]
    }
    const accepting = other.encrypter.secureInbound(ends[1])
    const dialled = await ours.encrypter.secureOutbound(ends[0], { remotePeer: other.peerId })
    dialled.connection.send(pattern(70_000))
    const accepted = await accepting
    const received = inbox(accepted.connection)
    await received.has(70_000)
    assert.ok(Buffer.from(pattern(70_000)).equals(received.bytes()))
  })

  it('holds back a peer that floods it behind the handshake, and loses nothing', async () => {
    const ends = wire(1_048_576)
    const peer = await testPeer({ maker: '@libp2p/noise' })
    const accepting = other.encrypter.secureInbound(ends[1])
    const dialled = await peer.encrypter.secureOutbound(ends[0])
    const size = 4 * 1_048_576
    ends[0].tamper = bytes => cut(bytes, () => 65_536)
    dialled.connection.send(pattern(size))
    const accepted = await accepting
    // Nobody reads for a while.
    for (let i = 0; i < 200; i++) await new Promise(resolve => setImmediate(resolve))
    assert.ok(accepted.connection.readBufferLength <= 1_048_576)
    const received = inbox(accepted.connection)
    await received.has(size)
    assert.ok(Buffer.from(pattern(size)).equals(received.bytes()))
  })
})

describe('the conn that the library sees', () => {
  it('shows whole messages only, keeps all behind them, and then holds the raw stream', async () => {
    const [outbound, inbound] = wire()
    const conn = new HandshakeConn(inbound, { frames: 2, maxFrameBytes: 100 })
    const shown = inbox(conn)
    outbound.inject(Uint8Array.of(0, 3, 1), Uint8Array.of(2), Uint8Array.of(3, 0, 0, 9))
    await shown.has(7)
    assert.deepEqual(
      shown.chunks.map(chunk => [...chunk]),
      [
        [0, 3, 1, 2, 3],
        [0, 0]
      ]
    )
    outbound.inject(pattern(262_143))
    while (outbound.flyingBytes > 0) await new Promise(resolve => setImmediate(resolve))
    assert.equal(inbound.readStatus, 'readable')
    outbound.inject(Uint8Array.of(7), pattern(100))
    await new Promise(resolve => inbound.addEventListener('message', resolve, { once: true }))
    assert.equal(inbound.readStatus, 'paused')
    const { early, paused } = conn.release()
    assert.equal(paused, true)
    assert.equal(shown.byteLength, 7)
    assert.deepEqual(
      Buffer.concat(early),
      Buffer.concat([Uint8Array.of(9), pattern(262_143), Uint8Array.of(7)])
    )
    assert.deepEqual(listeners(inbound), listeners(outbound))
  })
})

describe('handshake with a peer that does not play by the rules', () => {
  let ours: TestPeer
  let other: TestPeer
  let lengths: number[]
  before(async () => {
    ours = await testPeer()
    other = await testPeer()
    const pair = await securedPair(ours, other)
    lengths = [
      (pair.diallerWire.sent[0] as Uint8Array).byteLength,
      (pair.listenerWire.sent[0] as Uint8Array).byteLength,
      (pair.diallerWire.sent[1] as Uint8Array).byteLength
    ]
    await closePair(pair)
  })

  /** Runs a handshake whose message `index` is changed on its way. */
  async function shakeWith(
    index: number,
    change: (bytes: Uint8Array) => Uint8Array[]
  ): Promise<[Outcome, Outcome]> {
    const ends = wire()
    let fromDialler = 0
    ends[0].tamper = bytes => (index === 2 * fromDialler++ ? change(bytes) : [bytes])
    ends[1].tamper = bytes => (index === 1 ? change(bytes) : [bytes])
    // An honest upgrader has a deadline; here it is the quiet of the wire.
    const outcomes = shake(ours, other, ends)
    let quiet = false
    outcomes.then(
      () => (quiet = true),
      () => {}
    )
    for (let turns = 0; !quiet && turns < 60; turns++) {
      await new Promise(resolve => setImmediate(resolve))
    }
    for (const end of ends) end.abort(new Error('deadline'))
    return outcomes
  }

  for (const index of [0, 1, 2]) {
    it(`a bit flipped in any byte of message ${index + 1}: no end gets through with it`, async () => {
      for (let at = 0; at < (lengths[index] as number); at++) {
        const bit = 1 << (at % 8)
        const [dialled, accepted] = await shakeWith(index, bytes => {
          const copy = Uint8Array.from(bytes)
          copy[at] = (copy[at] as number) ^ bit
          return [copy]
        })
        // Who receives the changed message fails; before it sends anything behind it.
        const victim = index === 1 ? dialled : accepted
        assert.equal(victim.status, 'rejected', `byte ${at}`)
        if (index < 2) assert.equal(dialled.status, 'rejected', `byte ${at}`)
        assert.equal(accepted.status, 'rejected', `byte ${at}`)
      }
    })

    it(`message ${index + 1} cut short anywhere: an error, no end gets through`, async () => {
      for (let size = 0; size < (lengths[index] as number); size += 7) {
        const ends = wire()
        const victim = index === 1 ? ends[0] : ends[1]
        let fromDialler = 0
        const cutShort = (bytes: Uint8Array): Uint8Array[] => {
          setImmediate(() => victim.peer.abort(new Error('hung up')))
          return size === 0 ? [] : [bytes.subarray(0, size)]
        }
        ends[0].tamper = bytes => (index === 2 * fromDialler++ ? cutShort(bytes) : [bytes])
        if (index === 1) ends[1].tamper = cutShort
        const [dialled, accepted] = await shake(ours, other, ends)
        assert.equal((index === 1 ? dialled : accepted).status, 'rejected')
      }
    })

    it(`message ${index + 1} sent twice, or made longer: no end gets through`, async () => {
      const changes: ((bytes: Uint8Array) => Uint8Array[])[] = [
        bytes => {
          const longer = Buffer.concat([bytes, new Uint8Array(5)])
          longer.writeUInt16BE(bytes.byteLength - 2 + 5, 0)
          return [longer]
        },
        bytes => {
          const shorter = Buffer.from(bytes.subarray(0, -1))
          shorter.writeUInt16BE(bytes.byteLength - 3, 0)
          return [shorter]
        }
      ]
      for (const change of changes) {
        const [dialled, accepted] = await shakeWith(index, change)
        assert.equal((index === 1 ? dialled : accepted).status, 'rejected')
      }
      if (index === 0) {
        assert.equal((await shakeWith(0, bytes => [bytes, bytes]))[1].status, 'rejected')
      }
    })
  }

  it('an announced length beyond the limit ends it before the body comes', async () => {
    for (const length of [4_193, 65_535]) {
      const [outbound, inbound] = wire()
      const accepting = other.encrypter.secureInbound(inbound)
      outbound.inject(Uint8Array.of(length >>> 8, length & 0xff))
      await assert.rejects(accepting, { code: 'ERR_NOISE_HANDSHAKE' })
      assert.equal(inbound.status, 'open', 'ending the connection is for its owner')
    }
    const small = await testPeer({ options: { maxHandshakeMessageBytes: 512 } })
    const [outbound, inbound] = wire()
    const accepting = small.encrypter.secureInbound(inbound)
    outbound.inject(Uint8Array.of(2, 1))
    await assert.rejects(accepting, { code: 'ERR_NOISE_HANDSHAKE' })
  })

  it('an ephemeral key of small order is refused on both sides', async () => {
    const [outbound, inbound] = wire()
    const accepting = other.encrypter.secureInbound(inbound)
    outbound.inject(Buffer.concat([Uint8Array.of(0, 32), new Uint8Array(32)]))
    await assert.rejects(accepting, { code: 'ERR_NOISE_HANDSHAKE' })
    assert.equal(inbound.sent.length, 0)

    const [outbound2, inbound2] = wire()
    const dialling = ours.encrypter.secureOutbound(outbound2)
    inbound2.inject(Buffer.concat([Uint8Array.of(0, 200), new Uint8Array(200)]))
    await assert.rejects(dialling, { code: 'ERR_NOISE_HANDSHAKE' })
  })

  it('one that closes politely, or at once, gives an error that says so', async () => {
    for (const end of ['close', 'abort'] as const) {
      const [outbound, inbound] = wire()
      const accepting = other.encrypter.secureInbound(inbound)
      if (end === 'close') await outbound.close()
      else outbound.abort(new Error('gone'))
      await assert.rejects(accepting, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_NOISE_HANDSHAKE')
        assert.match(error.message, /closed during the Noise handshake/)
        assert.ok(error.cause !== undefined)
        return true
      })
    }
  })
})

describe('a handshake and its signal', () => {
  it('does not begin when the signal has fired', async () => {
    const peer = await testPeer()
    const [outbound] = wire()
    const reason = new Error('too late')
    await assert.rejects(
      peer.encrypter.secureOutbound(outbound, { signal: AbortSignal.abort(reason) }),
      reason
    )
    assert.equal(outbound.sent.length, 0)
  })

  it('ends with the reason, wherever it waits, and lets go of stream and signal', async () => {
    const peer = await testPeer()
    for (const role of ['secureOutbound', 'secureInbound'] as const) {
      const [outbound, inbound] = wire()
      const end = role === 'secureOutbound' ? outbound : inbound
      const before = listeners(end)
      const controller = new AbortController()
      let added = 0
      const { signal } = controller
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        added++
        add(...args)
      }
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        added--
        remove(...args)
      }
      const shaking = peer.encrypter[role](end, { signal })
      await new Promise(resolve => setImmediate(resolve))
      const reason = new Error('deadline')
      controller.abort(reason)
      await assert.rejects(shaking, reason)
      assert.equal(added, 0)
      assertLetGo(end, before)
      assert.equal(end.status, 'open')
    }
  })
})
