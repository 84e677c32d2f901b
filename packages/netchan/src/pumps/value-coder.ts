import type { AttachEnd, Codec, ResolveEnd } from '../codec/codec-types.ts'
import type { ValueSchema } from '../codec/schema-types.ts'
import { ValueInvalidError, ValueTooLongError } from '../errors.ts'
import { describeError } from '@warren/utils'

/** Encoded bytes are good until the next value is encoded, by whichever coder: counts them. */
let encoded = 0

/** Values of one channel to bytes and back, checked by its schema. */
export class ValueCoder {
  readonly codec: Codec
  readonly schema: ValueSchema
  readonly #name: string
  readonly #maxBytes: number
  readonly #maxEnds: number
  /** What {@link check} encoded last, for the send that follows it in the same step. */
  #checked: { readonly value: unknown; readonly bytes: Uint8Array; readonly at: number } | undefined

  constructor(init: {
    readonly name: string
    readonly codec: Codec
    readonly schema: ValueSchema
    readonly maxValueBytes: number
    /** Channels that one value may carry. */
    readonly maxEnds: number
  }) {
    this.#name = init.name
    this.codec = init.codec
    this.schema = init.schema
    this.#maxBytes = init.maxValueBytes
    this.#maxEnds = init.maxEnds
  }

  /**
   * Would this value arrive? For the guard of a channel, so that `send` itself refuses it.
   *
   * @param peerMaxBytes longest value that the peer accepts, where there is one peer
   * @throws ValueInvalidError, ValueTooLongError
   */
  check(value: unknown, peerMaxBytes = Infinity): void {
    this.#checked = undefined
    const validation = this.schema.validate(value)
    if (!validation.ok) throw this.#invalid('the schema refuses a value', validation.issues)
    let ends = 0
    const bytes = this.encode(value, () => ends++)
    if (bytes.length > peerMaxBytes) throw this.#tooLong(bytes.length, peerMaxBytes)
    if (ends === 0) this.#checked = { value, bytes, at: encoded }
  }

  /**
   * The bytes are good until the next call.
   *
   * @throws ValueInvalidError, ValueTooLongError
   */
  encode(value: unknown, attach: AttachEnd): Uint8Array {
    const checked = this.#checked
    this.#checked = undefined
    if (checked !== undefined && checked.value === value && checked.at === encoded)
      return checked.bytes
    encoded++
    let ends = 0
    let bytes: Uint8Array
    try {
      bytes = this.codec.encode(value, end => {
        if (++ends > this.#maxEnds) {
          const most = this.#maxEnds === 0 ? 'none may be in it' : `${this.#maxEnds} at most`
          throw new ValueInvalidError(`too many channels in one value: ${most}`)
        }
        return attach(end)
      })
    } catch (cause) {
      throw this.#invalid(`a value cannot be encoded as ${this.codec.name}`, [], cause)
    }
    if (bytes.length > this.#maxBytes) {
      throw this.#tooLong(bytes.length, this.#maxBytes)
    }
    return bytes
  }

  /** @throws ValueInvalidError */
  decode(bytes: Uint8Array, resolve: ResolveEnd): unknown {
    let value: unknown
    try {
      value = this.codec.decode(bytes, resolve)
    } catch (cause) {
      throw this.#invalid(`what came is no ${this.codec.name}`, [], cause)
    }
    const validation = this.schema.validate(value)
    if (!validation.ok) throw this.#invalid('the schema refuses what came', validation.issues)
    return validation.value
  }

  #tooLong(length: number, max: number): ValueTooLongError {
    return new ValueTooLongError(
      `${this.#name}: a value of ${length} bytes, encoded, is over the limit of ${max}`
    )
  }

  #invalid(
    why: string,
    issues: ConstructorParameters<typeof ValueInvalidError>[1],
    cause?: unknown
  ): ValueInvalidError {
    const at = issues?.map(issue => `${issue.path}: ${issue.message}`).join('; ')
    const detail = cause === undefined ? (at ?? '') : describeError(cause)
    return new ValueInvalidError(
      `${this.#name}: ${why}${detail === '' ? '' : ` (${detail})`}`,
      issues,
      cause === undefined ? {} : { cause }
    )
  }
}
