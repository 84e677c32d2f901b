import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject
} from 'node:crypto'
import { X25519_BYTES } from '../constants.ts'
import { NoiseHandshakeError } from '../errors.ts'

/** An X25519 key pair whose private half stays in OpenSSL. */
export interface X25519KeyPair {
  readonly privateKey: KeyObject
  /** The public key's 32 bytes. */
  readonly publicKey: Uint8Array
}

/** What stands before a private key's bytes in PKCS #8 (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A fresh key pair. */
export function generateX25519(): X25519KeyPair {
  return pairOf(generateKeyPairSync('x25519').privateKey)
}

/** The key pair of a private key of 32 bytes. */
export function x25519FromSeed(seed: Uint8Array): X25519KeyPair {
  const key = Buffer.concat([PKCS8_PREFIX, seed])
  const pair = pairOf(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
  key.fill(0)
  return pair
}

/**
 * A peer's public key. By JWK, which OpenSSL takes as raw bytes: cheaper than its DER decoder.
 *
 * @throws {NoiseHandshakeError} when it has not 32 bytes
 */
export function importX25519(bytes: Uint8Array): KeyObject {
  if (bytes.byteLength !== X25519_BYTES) {
    throw new NoiseHandshakeError(`the peer sent an X25519 key of ${bytes.byteLength} bytes`)
  }
  const x = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
}

/**
 * The shared secret. OpenSSL refuses a public key of small order, whose secret would be all zeros.
 *
 * @throws {NoiseHandshakeError} when the peer's key is such a one
 */
export function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch (cause) {
    throw new NoiseHandshakeError('the peer sent an X25519 key that gives no secret', { cause })
  }
}

function pairOf(privateKey: KeyObject): X25519KeyPair {
  // The JWK of the public half only: that of the private key would bring the secret into the heap.
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { privateKey, publicKey: Buffer.from(x as string, 'base64url') }
}
