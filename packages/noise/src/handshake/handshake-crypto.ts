import type { ICryptoInterface, KeyPair } from '@libp2p/noise'
import { TAG_BYTES } from '../constants.ts'
import { NoiseHandshakeError } from '../errors.ts'
import {
  aeadOpen,
  aeadSeal,
  generateX25519,
  hkdf,
  importKey,
  importX25519,
  sha256,
  x25519,
  type CipherKey,
  type X25519KeyPair,
  type X25519PrivateKey,
  type X25519PublicKey
} from '../platform/crypto.ts'

/** Bytes of a hash, a chaining key and a cipher key. */
const KEY_BYTES = 32

/** An array, or a list of arrays that can be joined. */
interface Data {
  subarray(): Uint8Array
}

/** The transport keys that a handshake ends in (Noise specification, `Split()`). */
export interface TransportKeys {
  /** Seals what the initiator sends. */
  readonly initiator: CipherKey
  /** Seals what the responder sends. */
  readonly responder: CipherKey
}

/** What a {@link HandshakeCrypto} asks and tells its handshake. */
export interface PayloadHooks {
  /** The payload to send in the place of the library's: called when it is about to be sealed. */
  localPayload(): Uint8Array
  /** The peer's payload and static key, unsealed, before anything in them is used. May throw. */
  onRemotePayload(payload: Uint8Array, staticKey: Uint8Array): void
}

/**
 * The primitives of one handshake, for the library's `crypto` option. Also the
 * place where the handshake is observed:
 *
 * - Each end of an XX handshake seals two things, its static key and its payload, and opens two of
 *   the peer's, in this order; so the second is the payload.
 * - `Split()` is the only HKDF with an empty input. The keys stay here, the library gets zeros:
 *   it never needs them, since the records are ours.
 *
 * Private keys are handed out as empty tokens, so the library has none to lose.
 */
export class HandshakeCrypto implements ICryptoInterface {
  readonly #static: X25519KeyPair
  readonly #hooks: PayloadHooks
  readonly #privateKeys = new Map<unknown, X25519PrivateKey>()
  /** The peer's ephemeral key is used in two agreements. */
  readonly #publicKeys = new Map<unknown, X25519PublicKey>()
  #sealed = 0
  #opened = 0
  #remoteStatic: Uint8Array = new Uint8Array(0)
  #transportKeys: TransportKeys | undefined

  constructor(staticKey: X25519KeyPair, hooks: PayloadHooks) {
    this.#static = staticKey
    this.#hooks = hooks
  }

  /** The transport keys, once the handshake has come to its end. */
  get transportKeys(): TransportKeys | undefined {
    return this.#transportKeys
  }

  readonly hashSHA256 = (data: Data): Uint8Array => sha256(data.subarray())

  readonly getHKDF = (ck: Uint8Array, ikm: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] => {
    const okm = hkdf(ck, ikm)
    const first = okm.subarray(0, KEY_BYTES)
    const second = okm.subarray(KEY_BYTES)
    if (ikm.byteLength === 0) {
      this.#transportKeys = { initiator: importKey(first), responder: importKey(second) }
      okm.fill(0)
    }
    // The third output is for pre-shared keys, which the XX pattern has none of.
    return [first, second, new Uint8Array(0)]
  }

  readonly generateX25519KeyPair = (): KeyPair => this.#lend(generateX25519())

  /** The seed is a formality: the library asks once, for the static key. */
  readonly generateX25519KeyPairFromSeed = (): KeyPair => this.#lend(this.#static)

  readonly generateX25519SharedKey = (token: unknown, publicKey: Data): Uint8Array => {
    const privateKey = this.#privateKeys.get(token)
    if (privateKey === undefined) throw new NoiseHandshakeError('the handshake lost its own key')
    try {
      return x25519(privateKey, this.#imported(publicKey))
    } catch (cause) {
      throw new NoiseHandshakeError('the peer sent an X25519 key that gives no secret', { cause })
    }
  }

  readonly chaCha20Poly1305Encrypt = (
    plaintext: Data,
    nonce: Uint8Array,
    ad: Uint8Array,
    key: Uint8Array
  ): Uint8Array => {
    const isPayload = ++this.#sealed === 2
    const bytes = isPayload ? this.#hooks.localPayload() : plaintext.subarray()
    return aeadSeal(importKey(key), nonce, ad, bytes)
  }

  readonly chaCha20Poly1305Decrypt = (
    ciphertext: Data,
    nonce: Uint8Array,
    ad: Uint8Array,
    key: Uint8Array
  ): Uint8Array => {
    const bytes = ciphertext.subarray()
    if (bytes.byteLength < TAG_BYTES) {
      throw new NoiseHandshakeError('the peer sent less than a tag')
    }
    const text = aeadOpen(importKey(key), nonce, ad, bytes)
    this.#opened++
    if (this.#opened === 1) this.#remoteStatic = text
    else if (this.#opened === 2) this.#hooks.onRemotePayload(text, this.#remoteStatic)
    return text
  }

  #imported(publicKey: Data): X25519PublicKey {
    let key = this.#publicKeys.get(publicKey)
    if (key === undefined) {
      key = importX25519(publicKey.subarray())
      this.#publicKeys.set(publicKey, key)
    }
    return key
  }

  #lend(pair: X25519KeyPair): KeyPair {
    const token = new Uint8Array(0)
    this.#privateKeys.set(token, pair.privateKey)
    return { publicKey: pair.publicKey, privateKey: token }
  }
}
