import assert from 'node:assert/strict'
import { DEFAULTS, noise, type NoiseOptions } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'

describe('options', () => {
  const WRONG: readonly [string, NoiseOptions][] = [
    ['a static key that has not 32 bytes', { staticNoiseKey: new Uint8Array(31) }],
    ['no key type at all', { keyTypes: [] }],
    ['a key type that does not exist', { keyTypes: ['DSA' as 'RSA'] }],
    ['fewer RSA bits than are safe to talk about', { minRsaBits: 1_023 }],
    ['more RSA bits than the key library reads', { maxRsaBits: 8_193 }],
    ['RSA limits the wrong way round', { minRsaBits: 4_096, maxRsaBits: 2_048 }],
    ['bits that are no whole number', { minRsaBits: 2_048.5 }],
    ['a handshake limit that no handshake fits in', { maxHandshakeMessageBytes: 100 }],
    ['a handshake limit beyond 16 bits', { maxHandshakeMessageBytes: 65_536 }],
    ['a muxer without a name', { earlyMuxers: ['/yamux/1.0.0', ''] }]
  ]
  for (const [what, options] of WRONG) {
    it(`refuse ${what}, when the encrypter is made`, () => {
      assert.throws(() => noise(options), { code: 'ERR_NOISE_OPTIONS' })
    })
  }

  it('have the documented defaults', () => {
    const { prologue, webtransportCerthashes, ...rest } = resolveOptions()
    assert.deepEqual(rest, { ...DEFAULTS })
    assert.equal(prologue.byteLength, 0)
    assert.deepEqual(webtransportCerthashes, [])
  })

  it('are copied, so that a caller can neither change nor lose them', () => {
    const options = {
      prologue: Uint8Array.of(1),
      staticNoiseKey: new Uint8Array(32).fill(1),
      keyTypes: ['Ed25519' as const],
      earlyMuxers: ['/a'],
      extensions: { webtransportCerthashes: [Uint8Array.of(1)] }
    }
    const resolved = resolveOptions(options)
    options.prologue[0] = 2
    options.staticNoiseKey.fill(2)
    options.keyTypes.pop()
    options.earlyMuxers.pop()
    options.extensions.webtransportCerthashes[0]?.fill(2)
    assert.deepEqual([...resolved.prologue], [1])
    assert.equal(resolved.staticNoiseKey?.[0], 1)
    assert.deepEqual(resolved.keyTypes, ['Ed25519'])
    assert.deepEqual(resolved.earlyMuxers, ['/a'])
    assert.deepEqual([...(resolved.webtransportCerthashes[0] ?? [])], [1])
  })
})
