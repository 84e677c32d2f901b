import { createCipheriv } from 'node:crypto'
import { pureJsCrypto } from '@chainsafe/libp2p-noise'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

const TAG = 16

/** Seals records of its own: it has listened to the handshake, and so knows the initiator's key. */
export class RecordForger {
  readonly crypto: ICryptoInterface
  #key: Uint8Array | undefined
  #nonce = 0

  constructor() {
    this.crypto = {
      ...pureJsCrypto,
      getHKDF: (chainingKey, input) => {
        const keys = pureJsCrypto.getHKDF(chainingKey, input)
        // Noise's Split() is the one with an empty input; its first key seals what the initiator sends.
        if (input.length === 0) this.#key = keys[0].slice()
        return keys
      }
    }
  }

  /** The next record in order, behind its length. */
  seal(plaintext: Uint8Array): Buffer {
    if (this.#key === undefined) throw new Error('the handshake is not done')
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32LE(this.#nonce++, 4)
    const cipher = createCipheriv('chacha20-poly1305', this.#key, nonce, { authTagLength: TAG })
    const text = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    const length = Buffer.alloc(2)
    length.writeUInt16BE(text.length)
    return Buffer.concat([length, text])
  }
}
