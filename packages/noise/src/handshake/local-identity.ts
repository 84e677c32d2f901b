import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { concat } from '../bytes.ts'
import { generateX25519, x25519FromSeed, type X25519KeyPair } from '../platform/crypto.ts'

const SIGNATURE_PREFIX = new TextEncoder().encode('noise-libp2p-static-key:')

/**
 * What an identity key signs, to bind a static Noise key to it (libp2p noise specification, "Static Key
 * Authentication").
 */
export function signedBytes(staticKey: Uint8Array): Uint8Array {
  return concat([SIGNATURE_PREFIX, staticKey])
}

/**
 * Who we are in every handshake: the identity key, one static Noise key, and the signature that
 * binds them, which is made once and not per handshake.
 */
export class LocalIdentity {
  readonly staticKey: X25519KeyPair
  /** The identity key in libp2p's protobuf encoding. */
  readonly publicKey: Uint8Array
  readonly #privateKey: PrivateKey
  #signature: Promise<Uint8Array> | undefined

  constructor(privateKey: PrivateKey, staticNoiseKey?: Uint8Array) {
    this.#privateKey = privateKey
    this.publicKey = publicKeyToProtobuf(privateKey.publicKey)
    this.staticKey =
      staticNoiseKey === undefined ? generateX25519() : x25519FromSeed(staticNoiseKey)
  }

  /** The identity key's signature of the static Noise key. */
  signature(): Promise<Uint8Array> {
    this.#signature ??= this.#sign()
    return this.#signature
  }

  /** The identity's private key in the library's eyes: it gets our one signature, nothing else. */
  signer(): PrivateKey {
    return Object.create(this.#privateKey, {
      sign: { value: () => this.signature() }
    }) as PrivateKey
  }

  async #sign(): Promise<Uint8Array> {
    return await this.#privateKey.sign(signedBytes(this.staticKey.publicKey))
  }
}
