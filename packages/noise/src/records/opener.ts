import { MAX_EMPTY_RECORDS, TAG_BYTES } from '../constants.ts'
import { RecordError } from '../errors.ts'
import { openRecord, type CipherKey } from '../platform/crypto.ts'
import { NonceCounter } from './nonce.ts'
import { PartialRecord } from './partial-record.ts'

/** How a {@link RecordOpener} reads. */
export interface OpenerOptions {
  readonly nonces?: NonceCounter
  /**
   * Whether the peer's last record is an empty one, and nothing may follow it. Without it an empty
   * record means nothing, as in plain `/noise`.
   *
   * @default false
   */
  readonly endRecord?: boolean
  /**
   * Called with each chunk that went through {@link RecordOpener.push} once none of its bytes is
   * needed any more.
   */
  readonly onSpent?: (chunk: Uint8Array) => void
}

/**
 * The receiving half of a Noise transport: bytes in any chunking in, checked plaintext out. No I/O.
 *
 * A record that lies whole in a chunk is opened where it lies. Not usable after it has thrown.
 */
export class RecordOpener {
  readonly #key: CipherKey
  readonly #nonces: NonceCounter
  /** First byte of a length whose second has not come; -1 when there is none. */
  #lengthHigh = -1
  /** The record that the last chunk did not finish. */
  #partial: PartialRecord | undefined
  #records = 0
  #emptyInARow = 0
  readonly #endRecord: boolean
  readonly #onSpent: ((chunk: Uint8Array) => void) | undefined
  #ended = false

  constructor(key: CipherKey, options: OpenerOptions = {}) {
    this.#key = key
    this.#nonces = options.nonces ?? new NonceCounter()
    this.#endRecord = options.endRecord === true
    this.#onSpent = options.onSpent
  }

  /** Records opened so far. */
  get records(): number {
    return this.#records
  }

  /** Whether the bytes so far end inside a record. */
  get insideRecord(): boolean {
    return this.#lengthHigh !== -1 || this.#partial !== undefined
  }

  /** Whether the bytes so far end where the peer may end: see {@link OpenerOptions.endRecord}. */
  get ended(): boolean {
    return this.#endRecord ? this.#ended : !this.insideRecord
  }

  /** Bytes of ciphertext held for the record that is not finished. */
  get heldBytes(): number {
    return (this.#lengthHigh === -1 ? 0 : 1) + (this.#partial?.heldBytes ?? 0)
  }

  /**
   * Adds to `out` the plaintext of every record that `chunk` completes, in order. What is in `out`
   * when this throws was authentic; so the outcome does not depend on how the bytes were cut.
   *
   * @throws {RecordError} when a record is not authentic or too short
   * @throws {NonceExhaustedError} when the direction has used up its nonces
   */
  push(chunk: Uint8Array, out: Uint8Array[]): void {
    this.#openAll(chunk, out)
    if (this.#partial === undefined) this.#onSpent?.(chunk)
    else if (this.#onSpent !== undefined) this.#partial.chunks.push(chunk)
  }

  #openAll(chunk: Uint8Array, out: Uint8Array[]): void {
    let at = 0
    while (at < chunk.byteLength) {
      if (this.#partial !== undefined) {
        at += this.#partial.take(chunk, at)
        if (!this.#partial.complete) return
        const partial = this.#partial
        this.#partial = undefined
        this.#open(partial.parts(), partial.length, out)
        for (const spent of partial.chunks) this.#onSpent?.(spent)
        continue
      }
      let length: number
      if (this.#lengthHigh !== -1) {
        length = (this.#lengthHigh << 8) | (chunk[at] as number)
        this.#lengthHigh = -1
        at += 1
      } else if (chunk.byteLength - at === 1) {
        this.#lengthHigh = chunk[at] as number
        return
      } else {
        length = ((chunk[at] as number) << 8) | (chunk[at + 1] as number)
        at += 2
      }
      if (length < TAG_BYTES) {
        throw new RecordError(
          `the peer sent a record of ${length} bytes, which is less than its tag; the connection cannot go on`
        )
      }
      if (chunk.byteLength - at >= length) {
        this.#open([chunk.subarray(at, at + length)], length, out)
        at += length
      } else {
        this.#partial = new PartialRecord(length)
      }
    }
  }

  /** Opens the record whose bytes are `parts`, `length` in all. */
  #open(parts: readonly Uint8Array[], length: number, out: Uint8Array[]): void {
    if (this.#ended) {
      throw new RecordError('the peer sent more after the last record of a sealed stream')
    }
    const nonce = this.#nonces.next()
    try {
      openRecord(this.#key, nonce, parts, length, out)
    } catch (cause) {
      throw new RecordError(
        `record ${this.#records} of the peer is not authentic: it was changed, repeated or lost on the way`,
        { cause }
      )
    }
    this.#records++
    this.#countEmpty(length === TAG_BYTES)
  }

  #countEmpty(empty: boolean): void {
    this.#ended = empty && this.#endRecord
    this.#emptyInARow = empty ? this.#emptyInARow + 1 : 0
    if (this.#emptyInARow > MAX_EMPTY_RECORDS) {
      throw new RecordError(`the peer sent more than ${MAX_EMPTY_RECORDS} empty records in a row`)
    }
  }
}
