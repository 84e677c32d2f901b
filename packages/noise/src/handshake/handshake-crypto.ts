import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject
} from 'node:crypto'
import type { ICryptoInterface, KeyPair } from '@chainsafe/libp2p-noise'
import { CIPHER, TAG_BYTES } from '../constants.ts'
import { NoiseHandshakeError } from '../errors.ts'
import { generateX25519, importX25519, sharedSecret, type X25519KeyPair } from './x25519.ts'

const AEAD = { authTagLength: TAG_BYTES } as const

/** Bytes of a hash, a chaining key and a cipher key. */
const KEY_BYTES = 32

type Data = Uint8Array | (Iterable<Uint8Array> & { subarray(): Uint8Array })

/** The transport keys that a handshake ends in (Noise specification, `Split()`). */
export interface TransportKeys {
  /** Seals what the initiator sends. */
  readonly initiator: KeyObject
  /** Seals what the responder sends. */
  readonly responder: KeyObject
}

/** What a {@link HandshakeCrypto} asks and tells its handshake. */
export interface PayloadHooks {
  /** The payload to send in the place of the library's: called when it is about to be sealed. */
  localPayload(): Uint8Array
  /** The peer's payload and static key, unsealed, before anything in them is used. May throw. */
  onRemotePayload(payload: Uint8Array, staticKey: Uint8Array): void
}

/**
 * The primitives of one handshake, for the library's `crypto` option, on `node:crypto`. Also the
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
  readonly #privateKeys = new Map<unknown, KeyObject>()
  /** Each public key of the peer is used in up to two agreements. */
  readonly #publicKeys = new Map<unknown, KeyObject>()
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

  readonly hashSHA256 = (data: Data): Uint8Array =>
    hash('sha256', data instanceof Uint8Array ? data : data.subarray(), 'buffer')

  readonly getHKDF = (ck: Uint8Array, ikm: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] => {
    const okm = new Uint8Array(hkdfSync('sha256', ikm, ck, new Uint8Array(0), KEY_BYTES * 2))
    const first = okm.subarray(0, KEY_BYTES)
    const second = okm.subarray(KEY_BYTES)
    if (ikm.byteLength === 0) {
      this.#transportKeys = {
        initiator: createSecretKey(first),
        responder: createSecretKey(second)
      }
      okm.fill(0)
    }
    // The third output is for pre-shared keys, which the XX pattern has none of.
    return [first, second, new Uint8Array(0)]
  }

  readonly generateX25519KeyPair = (): KeyPair => this.#lend(generateX25519())

  /** The seed is a formality: the library asks once, for the static key. */
  readonly generateX25519KeyPairFromSeed = (): KeyPair => this.#lend(this.#static)

  readonly generateX25519SharedKey = (privateToken: unknown, publicKey: Data): Uint8Array => {
    const privateKey = this.#privateKeys.get(privateToken)
    if (privateKey === undefined) throw new NoiseHandshakeError('the handshake lost its own key')
    let peer = this.#publicKeys.get(publicKey)
    if (peer === undefined) {
      peer = importX25519(publicKey instanceof Uint8Array ? publicKey : publicKey.subarray())
      this.#publicKeys.set(publicKey, peer)
    }
    return sharedSecret(privateKey, peer)
  }

  readonly chaCha20Poly1305Encrypt = (
    plaintext: Data,
    nonce: Uint8Array,
    ad: Uint8Array,
    key: Uint8Array
  ): Uint8Array => {
    const isPayload = ++this.#sealed === 2
    const bytes = isPayload ? this.#hooks.localPayload() : plaintext.subarray()
    const cipher = createCipheriv(CIPHER, createSecretKey(key), nonce, AEAD)
    cipher.setAAD(ad, { plaintextLength: bytes.byteLength })
    const text = cipher.update(bytes)
    cipher.final()
    return Buffer.concat([text, cipher.getAuthTag()])
  }

  readonly chaCha20Poly1305Decrypt = (
    ciphertext: Data,
    nonce: Uint8Array,
    ad: Uint8Array,
    key: Uint8Array
  ): Uint8Array => {
    const bytes = ciphertext.subarray()
    const size = bytes.byteLength - TAG_BYTES
    if (size < 0) throw new NoiseHandshakeError('the peer sent less than a tag')
    const decipher = createDecipheriv(CIPHER, createSecretKey(key), nonce, AEAD)
    decipher.setAAD(ad, { plaintextLength: size })
    decipher.setAuthTag(bytes.subarray(size))
    const text = decipher.update(bytes.subarray(0, size))
    decipher.final()
    this.#opened++
    if (this.#opened === 1) this.#remoteStatic = text
    else if (this.#opened === 2) this.#hooks.onRemotePayload(text, this.#remoteStatic)
    return text
  }

  #lend(pair: X25519KeyPair): KeyPair {
    const token = new Uint8Array(0)
    this.#privateKeys.set(token, pair.privateKey)
    return { publicKey: pair.publicKey, privateKey: token }
  }
}
