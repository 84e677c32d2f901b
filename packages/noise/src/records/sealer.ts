import { createCipheriv, type CipherChaCha20Poly1305, type KeyObject } from 'node:crypto'
import { CIPHER, LENGTH_BYTES, MAX_PLAINTEXT_BYTES, TAG_BYTES } from '../constants.ts'
import { NonceCounter } from './nonce.ts'

const OPTIONS = { authTagLength: TAG_BYTES } as const

/**
 * Up to this much plaintext a record is copied into one buffer; above, its parts leave as they came
 * from the cipher, because a copy of them costs more than the longer list.
 */
const COPY_LIMIT = 4_096

/** Bytes to seal: one array, or the parts of a list in order. */
export type SealInput = Uint8Array | (Iterable<Uint8Array> & { readonly byteLength: number })

/**
 * The sending half of a Noise transport: plaintext in, records out. No I/O.
 *
 * Not usable after it has thrown.
 */
export class RecordSealer {
  /** Made once: a raw key would be imported again for every record. */
  readonly #key: KeyObject
  readonly #nonces: NonceCounter
  #records = 0

  constructor(key: KeyObject, nonces: NonceCounter = new NonceCounter()) {
    this.#key = key
    this.#nonces = nonces
  }

  /** Records sealed so far. */
  get records(): number {
    return this.#records
  }

  /**
   * `data` as records of at most 65,519 bytes of plaintext; the parts are to be sent in order, and
   * together. Empty input gives one empty record.
   *
   * @throws {NonceExhaustedError} when the direction has used up its nonces
   */
  seal(data: SealInput): Uint8Array[] {
    if (data.byteLength <= COPY_LIMIT) return [this.#sealSmall(data)]
    return this.#sealLarge(data)
  }

  #sealSmall(data: SealInput): Uint8Array {
    const size = data.byteLength
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonces.next(), OPTIONS)
    const record = Buffer.allocUnsafe(LENGTH_BYTES + size + TAG_BYTES)
    record.writeUInt16BE(size + TAG_BYTES, 0)
    let at = LENGTH_BYTES
    if (data instanceof Uint8Array) {
      at += setAt(record, cipher.update(data), at)
    } else {
      // The parts are joined first, so that the cipher is called once.
      for (const part of data) at += setAt(record, part, at)
      setAt(record, cipher.update(record.subarray(LENGTH_BYTES, at)), LENGTH_BYTES)
    }
    cipher.final()
    setAt(record, cipher.getAuthTag(), at)
    this.#records++
    return record
  }

  #sealLarge(data: SealInput): Uint8Array[] {
    const count = Math.ceil(data.byteLength / MAX_PLAINTEXT_BYTES)
    const out: Uint8Array[] = []
    // All lengths and tags of the batch live in one buffer; a tag and the length of the record
    // after it are neighbours there and leave as one part.
    const edges = Buffer.allocUnsafe(count * (LENGTH_BYTES + TAG_BYTES))
    let edgeStart = 0
    let edgeEnd = 0
    let left = data.byteLength
    const parts = data instanceof Uint8Array ? [data] : data
    let cipher: CipherChaCha20Poly1305 | undefined
    let room = 0
    for (const part of parts) {
      let at = 0
      while (at < part.byteLength) {
        if (cipher === undefined) {
          room = Math.min(left, MAX_PLAINTEXT_BYTES)
          left -= room
          cipher = createCipheriv(CIPHER, this.#key, this.#nonces.next(), OPTIONS)
          edgeEnd = edges.writeUInt16BE(room + TAG_BYTES, edgeEnd)
          out.push(edges.subarray(edgeStart, edgeEnd))
          edgeStart = edgeEnd
        }
        const end = Math.min(part.byteLength, at + room)
        const piece = at === 0 && end === part.byteLength ? part : part.subarray(at, end)
        out.push(cipher.update(piece))
        room -= end - at
        at = end
        if (room === 0) {
          cipher.final()
          edgeEnd += setAt(edges, cipher.getAuthTag(), edgeEnd)
          cipher = undefined
          this.#records++
        }
      }
    }
    out.push(edges.subarray(edgeStart, edgeEnd))
    return out
  }
}

function setAt(target: Uint8Array, part: Uint8Array, at: number): number {
  target.set(part, at)
  return part.byteLength
}
