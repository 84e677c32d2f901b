/**
 * The primitives of Noise in JavaScript, as `@libp2p/noise` has them. The same exports as
 * `crypto.ts`, which the `browser` field of `package.json` replaces by this.
 */
import { pureJsCrypto } from '@libp2p/noise'
import { concat } from '../bytes.ts'

/** A symmetric key. */
export type CipherKey = Uint8Array

/** An X25519 private key. */
export type X25519PrivateKey = Uint8Array

/** An X25519 public key of a peer. */
export type X25519PublicKey = Uint8Array

/** An X25519 key pair. */
export interface X25519KeyPair {
  readonly privateKey: X25519PrivateKey
  readonly publicKey: Uint8Array
}

const NO_AD = new Uint8Array(0)

/** Memory for `size` bytes. */
export function allocate(size: number): Uint8Array {
  return new Uint8Array(size)
}

/** The key for 32 bytes, which are copied. */
export function importKey(bytes: Uint8Array): CipherKey {
  return bytes.slice()
}

/** SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  return pureJsCrypto.hashSHA256(data)
}

/** The first 64 bytes of HKDF-SHA-256 without info. */
export function hkdf(salt: Uint8Array, input: Uint8Array): Uint8Array {
  const [first, second] = pureJsCrypto.getHKDF(salt, input)
  return concat([first, second])
}

/** ChaCha20-Poly1305: ciphertext and tag. */
export function aeadSeal(
  key: CipherKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array
): Uint8Array {
  return pureJsCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key).subarray()
}

/** ChaCha20-Poly1305: the plaintext of ciphertext and tag; throws when it is not authentic. */
export function aeadOpen(
  key: CipherKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  sealed: Uint8Array
): Uint8Array {
  return pureJsCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key).subarray()
}

/** Encrypts one record into its place: gathered piece by piece, encrypted as a whole. */
export class RecordCipher {
  readonly #key: CipherKey
  readonly #nonce: Uint8Array
  #start: number | undefined

  constructor(key: CipherKey, nonce: Uint8Array) {
    this.#key = key
    this.#nonce = nonce
  }

  /** Takes the next piece, for `target` at `at`; may be the place where it lies. */
  encrypt(plaintext: Uint8Array, target: Uint8Array, at: number): void {
    this.#start ??= at
    target.set(plaintext, at)
  }

  /** Encrypts all of it and writes the tag to `target` at `at`, right behind it. */
  finish(target: Uint8Array, at: number): void {
    const start = this.#start ?? at
    target.set(aeadSeal(this.#key, this.#nonce, NO_AD, target.subarray(start, at)), start)
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
  _length: number,
  out: Uint8Array[]
): void {
  const text = aeadOpen(
    key,
    nonce,
    NO_AD,
    parts.length === 1 ? (parts[0] as Uint8Array) : concat(parts)
  )
  if (text.byteLength > 0) out.push(text)
}

/** A fresh key pair. */
export function generateX25519(): X25519KeyPair {
  return pureJsCrypto.generateX25519KeyPair()
}

/** The key pair of a private key of 32 bytes. */
export function x25519FromSeed(seed: Uint8Array): X25519KeyPair {
  return pureJsCrypto.generateX25519KeyPairFromSeed(seed.slice())
}

/** A peer's public key. */
export function importX25519(bytes: Uint8Array): X25519PublicKey {
  return bytes
}

/**
 * The secret that `privateKey` shares with the owner of `publicKey`, 32 bytes. Throws for a public
 * key of small order, whose secret would be all zeros.
 */
export function x25519(privateKey: X25519PrivateKey, publicKey: X25519PublicKey): Uint8Array {
  return pureJsCrypto.generateX25519SharedKey(privateKey, publicKey)
}
