import { NetchanOptionError } from './errors.ts'
import { textBytes } from './protocol/byte-writer.ts'
import { NAME_BYTES } from './protocol/limits.ts'

/**
 * A name is 1–255 bytes of UTF-8 without control characters.
 *
 * @throws NetchanOptionError
 */
export function checkName(name: string): string {
  const isText = typeof name === 'string' && name.isWellFormed() && !/\p{Cc}/u.test(name)
  if (!isText || name === '' || textBytes(name) > NAME_BYTES) {
    throw new NetchanOptionError(
      'the name of a channel is 1 to 255 bytes of text without control characters'
    )
  }
  return name
}

/**
 * A whole number in a range.
 *
 * @throws NetchanOptionError
 */
export function checkNumber(option: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new NetchanOptionError(
      `${option} is a whole number from ${min} to ${max}, not ${String(value)}`
    )
  }
  return value
}
