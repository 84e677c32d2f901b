import assert from 'node:assert/strict'
import { HandshakeCrypto } from '../src/handshake/handshake-crypto.ts'
import {
  generateX25519,
  importX25519,
  sharedSecret,
  x25519FromSeed
} from '../src/handshake/x25519.ts'

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function crypto(): HandshakeCrypto {
  return new HandshakeCrypto(generateX25519(), {
    localPayload: () => assert.fail('no payload is sealed here'),
    onRemotePayload: () => assert.fail('no payload is opened here')
  })
}

describe('published vectors', () => {
  describe('RFC 8439 section 2.8.2: ChaCha20-Poly1305', () => {
    const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
    const nonce = hex('070000004041424344454647')
    const ad = hex('50515253c0c1c2c3c4c5c6c7')
    const plaintext = new TextEncoder().encode(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    )
    const sealed =
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
      '3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
      '92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
      '3ff4def08e4b7a9de576d26586cec64b6116' +
      '1ae10b594f09e26a7e902ecbd0600691'

    it('seals', () => {
      assert.equal(toHex(crypto().chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)), sealed)
    })

    it('opens, and refuses with any one byte changed', () => {
      const bytes = hex(sealed)
      assert.deepEqual(
        Buffer.from(crypto().chaCha20Poly1305Decrypt(bytes, nonce, ad, key)),
        Buffer.from(plaintext)
      )
      for (let i = 0; i < bytes.byteLength; i++) {
        const changed = bytes.slice()
        changed[i] = (changed[i] as number) ^ 1
        assert.throws(() => crypto().chaCha20Poly1305Decrypt(changed, nonce, ad, key))
      }
      assert.throws(() => crypto().chaCha20Poly1305Decrypt(bytes, nonce, ad.subarray(1), key))
    })

    it('refuses what is shorter than a tag', () => {
      for (let size = 0; size < 16; size++) {
        assert.throws(() => crypto().chaCha20Poly1305Decrypt(new Uint8Array(size), nonce, ad, key))
      }
    })
  })

  describe('RFC 7748: X25519', () => {
    it('section 6.1: both ends come to the published secret', () => {
      const alice = x25519FromSeed(
        hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
      )
      const bob = x25519FromSeed(
        hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
      )
      assert.equal(
        toHex(alice.publicKey),
        '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'
      )
      assert.equal(
        toHex(bob.publicKey),
        'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'
      )
      const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
      assert.equal(toHex(sharedSecret(alice.privateKey, importX25519(bob.publicKey))), secret)
      assert.equal(toHex(sharedSecret(bob.privateKey, importX25519(alice.publicKey))), secret)
    })

    const SMALL_ORDER = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'
    ]
    for (const point of SMALL_ORDER) {
      it(`refuses the point of small order ${point.slice(0, 8)}…`, () => {
        assert.throws(() => sharedSecret(generateX25519().privateKey, importX25519(hex(point))), {
          code: 'ERR_NOISE_HANDSHAKE'
        })
      })
    }

    it('refuses a key that has not 32 bytes', () => {
      for (const size of [0, 31, 33]) {
        assert.throws(() => importX25519(new Uint8Array(size)), { code: 'ERR_NOISE_HANDSHAKE' })
      }
    })
  })

  it('RFC 5869 appendix A.3: HKDF without info, the first 64 bytes', () => {
    // A.3 has an empty salt, which HMAC pads to zeros, and 22 bytes of input.
    const [first, second] = crypto().getHKDF(new Uint8Array(32), new Uint8Array(22).fill(0x0b))
    const okm =
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'
    assert.equal(toHex(first) + toHex(second.subarray(0, 10)), okm)
  })
})
