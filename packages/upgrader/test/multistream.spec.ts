import assert from 'node:assert/strict'
import type { MessageStream, MultiaddrConnection } from '@libp2p/interface'
import * as stock from '@libp2p/multistream-select'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { answerProtocol } from '../src/multistream/answer-protocol.ts'
import { encodeLines, encodeList, readLine } from '../src/multistream/lines.ts'
import { selectProtocol } from '../src/multistream/select-protocol.ts'

const HEADER = '/multistream/1.0.0'

describe('multistream-select', () => {
  let near: MultiaddrConnection
  let far: MultiaddrConnection
  beforeEach(() => {
    ;[near, far] = multiaddrConnectionPair()
  })
  afterEach(() => {
    near.abort(new Error('done'))
    far.abort(new Error('done'))
  })

  /** The bytes that `stream` gets, until there are `count`. */
  async function bytesOf(stream: MessageStream, count: number): Promise<Buffer> {
    const parts: Uint8Array[] = []
    let size = 0
    return new Promise(resolve => {
      stream.addEventListener('message', ({ data }) => {
        parts.push(data.subarray())
        size += data.byteLength
        if (size >= count) resolve(Buffer.concat(parts))
      })
    })
  }

  it('frames lines as the specification does', () => {
    assert.equal(
      Buffer.from(encodeLines(HEADER, '/a')).toString('latin1'),
      '\x13/multistream/1.0.0\n\x03/a\n'
    )
    assert.equal(Buffer.from(encodeList(['/a', '/b'])).toString('latin1'), '\x09\x03/a\n\x03/b\n\n')
    assert.equal(readLine(Buffer.from('\x03/a', 'latin1'), 0), undefined)
    assert.deepEqual(readLine(Buffer.from('\x03/a\n', 'latin1'), 0), { text: '/a', end: 4 })
    assert.throws(() => readLine(Buffer.from('\x03/ab', 'latin1'), 0), { code: 'ERR_NEGOTIATION' })
    assert.throws(() => readLine(Buffer.from([0]), 0), { code: 'ERR_NEGOTIATION' })
    assert.throws(() => readLine(Buffer.from([0x81, 0x08]), 0), { code: 'ERR_NEGOTIATION' })
  })

  const sides = {
    ours: [selectProtocol, answerProtocol],
    stock: [stock.select, stock.handle]
  } as const
  for (const [select, answer] of [
    ['ours', 'ours'],
    ['ours', 'stock'],
    ['stock', 'ours']
  ] as const) {
    it(`${select} selects, ${answer} answers: the first that both speak`, async () => {
      const protocols = await Promise.all([
        sides[select][0](near, ['/x', '/y', '/b', '/a']),
        sides[answer][1](far, ['/a', '/b'])
      ])
      assert.deepEqual(protocols, ['/b', '/b'])
      near.send(Buffer.from('behind'))
      assert.equal(String(await bytesOf(far, 6)), 'behind')
    })
  }

  it('leaves what comes behind the agreement to the next reader', async () => {
    near.send(Buffer.concat([encodeLines(HEADER, '/a'), Buffer.from('early')]))
    assert.equal(await answerProtocol(far, ['/a']), '/a')
    assert.equal(String(await bytesOf(far, 5)), 'early')
    assert.deepEqual(await bytesOf(near, 24), Buffer.from(encodeLines(HEADER, '/a')))
  })

  it('reads lines that come byte by byte', async () => {
    const answered = answerProtocol(far, ['/a'])
    for (const byte of encodeLines(HEADER, '/nothing', 'ls', '/a')) near.send(Uint8Array.of(byte))
    assert.equal(await answered, '/a')
    const wanted = Buffer.concat([encodeLines(HEADER, 'na'), encodeList(['/a']), encodeLines('/a')])
    assert.deepEqual(await bytesOf(near, wanted.length), wanted)
  })

  it('ends with a peer that proposes without end, breaks the protocol or goes away', async () => {
    const many = answerProtocol(far, ['/a'])
    near.send(encodeLines(HEADER, ...Array.from({ length: 64 }, (_, i) => `/nothing/${i}`)))
    await assert.rejects(many, { code: 'ERR_NEGOTIATION' })

    const [left, right] = multiaddrConnectionPair()
    const mute = selectProtocol(left, ['/a'])
    right.send(encodeLines('/other/1.0.0'))
    await assert.rejects(mute, { code: 'ERR_NEGOTIATION' })
    const gone = selectProtocol(left, ['/a'])
    right.abort(new Error('cut'))
    await assert.rejects(gone, { name: 'StreamResetError' })
    await assert.rejects(selectProtocol(left, ['/a']), { name: 'StreamStateError' })
  })

  it('says so when the peer speaks none of them', async () => {
    const answered = answerProtocol(far, ['/c'])
    await assert.rejects(selectProtocol(near, ['/a', '/b']), { name: 'UnsupportedProtocolError' })
    near.abort(new Error('over'))
    await assert.rejects(answered, { name: 'StreamResetError' })
  })
})
