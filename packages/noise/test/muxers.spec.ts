import assert from 'node:assert/strict'
import { noise } from '../src/index.ts'
import { agreedMuxer, answerAsInitiator, offerAsResponder } from '../src/muxers.ts'
import { testPeer, type Maker } from './support/peers.ts'
import { closePair, securedPair } from './support/secured.ts'

const Y = '/yamux/1.0.0'
const M = '/mplex/6.7.0'

interface Case {
  readonly dials: readonly string[]
  readonly listens: readonly string[]
  /** What both ends come to inside the handshake; nothing leaves it to multistream-select. */
  readonly agreed: Partial<Record<`${'ours' | 'stock'}-${'ours' | 'stock'}`, string>>
}

const CASES: readonly Case[] = [
  { dials: [Y], listens: [Y], agreed: { 'ours-ours': Y, 'ours-stock': Y, 'stock-ours': Y } },
  { dials: [Y, M], listens: [M], agreed: { 'ours-ours': M, 'ours-stock': M, 'stock-ours': M } },
  // With two to choose from, our listener offers none; our dialler names its own first choice.
  { dials: [Y, M], listens: [M, Y], agreed: { 'ours-stock': Y } },
  { dials: [M, Y], listens: [M, Y], agreed: { 'ours-stock': M } },
  { dials: [], listens: [Y], agreed: {} },
  { dials: [], listens: [], agreed: {} }
]

const MAKERS = { ours: 'ours', stock: '@libp2p/noise' } as const satisfies Record<string, Maker>

describe('early muxer negotiation', () => {
  for (const { dials, listens, agreed } of CASES) {
    for (const pairing of ['ours-ours', 'ours-stock', 'stock-ours'] as const) {
      const [a, b] = pairing.split('-') as ['ours' | 'stock', 'ours' | 'stock']
      // A stock dialler without any muxer breaks off when it is offered one.
      if (pairing === 'stock-ours' && dials.length === 0 && listens.length === 1) continue
      it(`${pairing}: [${dials.join()}] dials [${listens.join()}]: both ends choose ${agreed[pairing] ?? 'later'}`, async () => {
        const pair = await securedPair(
          await testPeer({ maker: MAKERS[a], muxers: dials }),
          await testPeer({ maker: MAKERS[b], muxers: listens })
        )
        assert.equal(pair.dialler.streamMuxer?.protocol, agreed[pairing])
        assert.equal(pair.listener.streamMuxer?.protocol, agreed[pairing])
        await closePair(pair)
      })
    }
  }

  it('no common one is left to multistream-select, not an error', async () => {
    const pair = await securedPair(
      await testPeer({ muxers: [Y] }),
      await testPeer({ maker: '@libp2p/noise', muxers: [M] })
    )
    assert.equal(pair.dialler.streamMuxer, undefined)
    assert.equal(pair.listener.streamMuxer, undefined)
    await closePair(pair)
  })

  it('is left out when it is to be skipped, on either side', async () => {
    const one = await testPeer({ muxers: [Y] })
    const two = await testPeer({ muxers: [Y] })
    const both = await securedPair(one, two, { skipStreamMuxerNegotiation: true })
    assert.equal(both.dialler.streamMuxer, undefined)
    assert.equal(both.listener.streamMuxer, undefined)
    await closePair(both)
  })

  it('earlyMuxers: a listener with several offers the one it is told to', async () => {
    const listener = await testPeer({ muxers: [M, Y], options: { earlyMuxers: [Y, '/other'] } })
    for (const maker of ['ours', '@libp2p/noise'] as const) {
      const pair = await securedPair(await testPeer({ maker, muxers: [M, Y] }), listener)
      assert.equal(pair.dialler.streamMuxer?.protocol, Y)
      assert.equal(pair.listener.streamMuxer?.protocol, Y)
      await closePair(pair)
    }
  })

  it('without an upgrader there is none', async () => {
    const listener = await testPeer({ muxers: [Y] })
    const encrypter = noise()({ privateKey: listener.privateKey })
    const pair = await securedPair({ ...listener, encrypter }, listener)
    assert.equal(pair.dialler.streamMuxer, undefined)
    assert.equal(pair.listener.streamMuxer, undefined)
    await closePair(pair)
  })

  it('the rules, on lists', () => {
    assert.deepEqual(offerAsResponder([Y], undefined), [Y])
    assert.deepEqual(offerAsResponder([Y, M], undefined), [])
    assert.deepEqual(offerAsResponder([Y, M], [M]), [M])
    assert.deepEqual(offerAsResponder([Y], []), [])
    assert.deepEqual(answerAsInitiator([Y, M], [M, Y]), [Y])
    assert.deepEqual(answerAsInitiator([Y, M], ['/x', M]), [M])
    assert.deepEqual(answerAsInitiator([Y], []), [])
    assert.equal(agreedMuxer([Y, M], [M, Y]), Y)
    assert.equal(agreedMuxer([Y], [M]), undefined)
  })
})
