/**
 * The primitives of Noise on `node:crypto`. `crypto.browser.ts` has the same exports.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  hkdfSync,
  type CipherChaCha20Poly1305,
  type KeyObject
} from 'node:crypto'
import { counterweigh, freeBuffer } from '@warren/utils'
import { TAG_BYTES } from '../constants.ts'

/** A symmetric key. An object made once: raw bytes would be imported again for every record. */
export type CipherKey = KeyObject

/** An X25519 private key, which stays in OpenSSL. */
export type X25519PrivateKey = KeyObject

/** An X25519 public key of a peer. */
export type X25519PublicKey = KeyObject

/** An X25519 key pair. */
export interface X25519KeyPair {
  readonly privateKey: X25519PrivateKey
  /** The public key's 32 bytes. */
  readonly publicKey: Uint8Array
}

const CIPHER = 'chacha20-poly1305'
const AEAD = { authTagLength: TAG_BYTES } as const

/** What stands before a private key's bytes in PKCS #8 (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')

/**
 * OpenSSL's output comes in a new buffer for each call; from this size on it is freed at once, so that
 * the same warm memory is used again and again.
 */
const FREED_BYTES = 1_024

/** Uninitialised memory for `size` bytes. */
export function allocate(size: number): Uint8Array {
  return Buffer.allocUnsafe(size)
}

/** The key object for 32 bytes, which are copied. */
export function importKey(bytes: Uint8Array): CipherKey {
  return createSecretKey(bytes)
}

/** SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer')
}

/** The first 64 bytes of HKDF-SHA-256 without info. */
export function hkdf(salt: Uint8Array, input: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', input, salt, new Uint8Array(0), 64))
}

/** ChaCha20-Poly1305: ciphertext and tag. */
export function aeadSeal(
  key: CipherKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array
): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce, AEAD)
  cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
  const text = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([text, cipher.getAuthTag()])
}

/** ChaCha20-Poly1305: the plaintext of ciphertext and tag; throws when it is not authentic. */
export function aeadOpen(
  key: CipherKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  sealed: Uint8Array
): Uint8Array {
  const size = sealed.byteLength - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, AEAD)
  decipher.setAAD(ad, { plaintextLength: size })
  decipher.setAuthTag(sealed.subarray(size))
  const text = decipher.update(sealed.subarray(0, size))
  decipher.final()
  return text
}

/** Encrypts one record, piece by piece, into its place. */
export class RecordCipher {
  readonly #cipher: CipherChaCha20Poly1305

  constructor(key: CipherKey, nonce: Uint8Array) {
    this.#cipher = createCipheriv(CIPHER, key, nonce, AEAD)
  }

  /** Encrypts the next piece to `target` at `at`; may be the place where it lies. */
  encrypt(plaintext: Uint8Array, target: Uint8Array, at: number): void {
    if (plaintext.byteLength === 0) return
    const text = this.#cipher.update(plaintext)
    target.set(text, at)
    if (text.byteLength >= FREED_BYTES) freeBuffer(text)
  }

  /** Writes the tag to `target` at `at`, right behind the ciphertext. */
  finish(target: Uint8Array, at: number): void {
    this.#cipher.final()
    target.set(this.#cipher.getAuthTag(), at)
  }
}

/**
 * Decrypts one record, whose ciphertext and tag are the bytes of `parts`, and adds its plaintext to
 * `out`. Throws when it is not authentic; `out` is as it was then.
 */
export function openRecord(
  key: CipherKey,
  nonce: Uint8Array,
  parts: readonly Uint8Array[],
  length: number,
  out: Uint8Array[]
): void {
  const decipher = createDecipheriv(CIPHER, key, nonce, AEAD)
  decipher.setAuthTag(lastBytes(parts, TAG_BYTES))
  const first = out.length
  let left = length - TAG_BYTES
  for (const part of parts) {
    if (left === 0) break
    const text = part.byteLength <= left ? part : part.subarray(0, left)
    left -= text.byteLength
    counterweigh(text.byteLength)
    out.push(decipher.update(text))
  }
  try {
    decipher.final()
  } catch (error) {
    out.length = first
    throw error
  }
}

/** A fresh key pair. */
export function generateX25519(): X25519KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  return { privateKey, publicKey: bytesOf(publicKey) }
}

/** The key pair of a private key of 32 bytes. */
export function x25519FromSeed(seed: Uint8Array): X25519KeyPair {
  const key = Buffer.concat([PKCS8_PREFIX, seed])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  key.fill(0)
  return { privateKey, publicKey: bytesOf(createPublicKey(privateKey)) }
}

/** A peer's public key. By JWK, which OpenSSL takes as raw bytes: cheaper than its DER decoder. */
export function importX25519(bytes: Uint8Array): X25519PublicKey {
  const { buffer, byteOffset, byteLength } = bytes
  const x = Buffer.from(buffer, byteOffset, byteLength).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
}

/**
 * The secret that `privateKey` shares with the owner of `publicKey`, 32 bytes. Throws for a public
 * key of small order, whose secret would be all zeros.
 */
export function x25519(privateKey: X25519PrivateKey, publicKey: X25519PublicKey): Uint8Array {
  return diffieHellman({ privateKey, publicKey })
}

function bytesOf(publicKey: KeyObject): Uint8Array {
  return Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url')
}

/** The last `count` bytes of `parts`, without a copy where they lie in one part. */
function lastBytes(parts: readonly Uint8Array[], count: number): Uint8Array {
  const last = parts[parts.length - 1] as Uint8Array
  if (last.byteLength >= count) return last.subarray(last.byteLength - count)
  const bytes = new Uint8Array(count)
  let at = count
  for (let i = parts.length - 1; at > 0; i--) {
    const part = parts[i] as Uint8Array
    const tail = part.subarray(Math.max(0, part.byteLength - at))
    at -= tail.byteLength
    bytes.set(tail, at)
  }
  return bytes
}
