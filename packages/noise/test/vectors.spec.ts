import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as browser from '../src/platform/crypto.browser.ts'
import * as node from '../src/platform/crypto.ts'
import { pattern } from './support/traffic.ts'

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The same checks for both platforms; the keys' types differ and are not looked at here. */
const PLATFORMS: Record<string, typeof node> = {
  'node:crypto': node,
  'in a browser': browser as unknown as typeof node
}

for (const [name, platform] of Object.entries(PLATFORMS)) {
  describe(`published vectors, ${name}`, () => {
    describe('RFC 8439 section 2.8.2: ChaCha20-Poly1305', () => {
      const key = platform.importKey(
        hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
      )
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
        assert.equal(toHex(platform.aeadSeal(key, nonce, ad, plaintext)), sealed)
      })

      it('opens, and refuses with any one byte changed', () => {
        const bytes = hex(sealed)
        const opened = platform.aeadOpen(key, nonce, ad, bytes)
        assert.equal(toHex(opened), toHex(plaintext))
        for (let i = 0; i < bytes.byteLength; i++) {
          const changed = Uint8Array.from(bytes)
          changed[i] = (changed[i] as number) ^ 1
          assert.throws(() => platform.aeadOpen(key, nonce, ad, changed))
        }
        assert.throws(() => platform.aeadOpen(key, nonce, ad.subarray(1), bytes))
      })
    })

    describe('RFC 7748: X25519', () => {
      it('section 6.1: both ends come to the published secret', () => {
        const alice = platform.x25519FromSeed(
          hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
        )
        const bob = platform.x25519FromSeed(
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
        const agree = (mine: typeof alice, theirs: typeof bob): string =>
          toHex(platform.x25519(mine.privateKey, platform.importX25519(theirs.publicKey)))
        assert.equal(agree(alice, bob), secret)
        assert.equal(agree(bob, alice), secret)
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
          const { privateKey } = platform.generateX25519()
          assert.throws(() => platform.x25519(privateKey, platform.importX25519(hex(point))))
        })
      }

      it('refuses a key that has not 32 bytes', () => {
        const { privateKey } = platform.generateX25519()
        for (const size of [0, 31, 33]) {
          assert.throws(() =>
            platform.x25519(privateKey, platform.importX25519(new Uint8Array(size)))
          )
        }
      })
    })

    it('RFC 5869 appendix A.3: HKDF-SHA-256 without info', () => {
      // A.3 has an empty salt, which HMAC pads to zeros, and 22 bytes of input.
      const okm = platform.hkdf(new Uint8Array(32), new Uint8Array(22).fill(0x0b))
      assert.equal(
        toHex(okm.subarray(0, 42)),
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'
      )
    })

    it('FIPS 180-2: SHA-256 of abc', () => {
      assert.equal(
        toHex(platform.sha256(new TextEncoder().encode('abc'))),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
      )
    })

    it('a record of many pieces opens in many parts, on either platform', () => {
      const bytes = randomBytes(32)
      const nonce = randomBytes(12)
      const record = new Uint8Array(10_000 + 16)
      const cipher = new platform.RecordCipher(platform.importKey(bytes), nonce)
      for (let at = 0; at < 10_000; at += 2_500) {
        cipher.encrypt(pattern(2_500, at), record, at)
      }
      cipher.finish(record, 10_000)
      for (const other of Object.values(PLATFORMS)) {
        const key = other.importKey(bytes)
        for (const at of [0, 1, 5_000, 10_000, 10_007, 10_016]) {
          const parts = [record.subarray(0, at), record.subarray(at)].filter(p => p.length > 0)
          const out: Uint8Array[] = []
          other.openRecord(key, nonce, parts, record.byteLength, out)
          assert.equal(toHex(Buffer.concat(out)), toHex(pattern(10_000)))
        }
        const forged = Uint8Array.from(record)
        forged[10_015] = (forged[10_015] as number) ^ 128
        const out = [pattern(1)]
        assert.throws(() => other.openRecord(key, nonce, [forged], record.byteLength, out))
        assert.equal(out.length, 1)
      }
    })
  })
}
