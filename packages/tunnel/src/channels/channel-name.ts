import { printable } from '@warren/utils'
import { InvalidChannelError } from '../errors.ts'

/** Bytes of UTF-8 that a channel name may have. */
export const MAX_CHANNEL_BYTES = 255

/** C0, DEL and C1. */
const CONTROL = /\p{Cc}/u

const encoder = new TextEncoder()

/** `true` when `name` is 1–255 bytes of well-formed UTF-8 without control characters. */
export function isChannelName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_CHANNEL_BYTES) return false
  if (!name.isWellFormed() || CONTROL.test(name)) return false
  return encoder.encode(name).length <= MAX_CHANNEL_BYTES
}

/**
 * Refuses what is no channel name.
 *
 * @throws {InvalidChannelError}
 */
export function checkChannelName(name: unknown): asserts name is string {
  if (isChannelName(name)) return
  throw new InvalidChannelError(
    `${JSON.stringify(printable(name, 64))} is not a channel name: ` +
      `use 1 to ${MAX_CHANNEL_BYTES} bytes of UTF-8 without control characters`
  )
}
