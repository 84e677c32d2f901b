import { ValueInvalidError } from '../errors.ts'
import type { Codec } from './codec-types.ts'

/** Plain bytes: each value is a `Uint8Array`, and travels as it is. */
export function bytesCodec(): Codec {
  return {
    name: 'bytes',
    encode(value) {
      if (value instanceof Uint8Array) return value
      throw new ValueInvalidError('a channel of bytes carries Uint8Array, and nothing else')
    },
    decode: bytes => Uint8Array.from(bytes)
  }
}
