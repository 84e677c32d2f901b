import { DEFAULTS } from '../defaults.ts'
import { NetchanOptionError, ValueInvalidError } from '../errors.ts'
import { GREATEST_DEPTH } from './cbor-check.ts'

/** Options of the built-in codecs. */
export interface CodecOptions {
  /**
   * How deep arrays, objects, maps and sets may be nested, 1 to 64; deeper values are refused, here
   * and there, with code `ERR_VALUE_INVALID`.
   *
   * @default 16
   */
  readonly maxDepth?: number
}

/** @throws code `ERR_NETCHAN_OPTION` */
export function checkDepth({ maxDepth = DEFAULTS.maxDepth }: CodecOptions): number {
  if (Number.isInteger(maxDepth) && maxDepth >= 1 && maxDepth <= GREATEST_DEPTH) return maxDepth
  throw new NetchanOptionError(
    `maxDepth is a whole number from 1 to ${GREATEST_DEPTH}, not ${String(maxDepth)}`
  )
}

/** A value holds a channel, and not one of its ends. */
export function wholeChannel(): never {
  throw new ValueInvalidError(
    'the value holds a channel: say which end the peer gets, its sender or its receiver'
  )
}
