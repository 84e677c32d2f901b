import { WarrenError } from '@warren/interface'

/** Thrown when a varint from the wire is not canonical or passes its limit. */
export class VarintError extends WarrenError {
  readonly code = 'ERR_VARINT'
}

/** A varint that was read: its value and how many bytes it took. */
export interface Varint {
  readonly value: number
  readonly bytes: number
}

/**
 * Reads one unsigned varint (multiformats: LEB128, canonical) no greater than `max`.
 *
 * The only reader of lengths from the wire in Warren: a length is checked before anything is
 * allocated or kept for it.
 *
 * @returns `undefined` while `data` holds only the beginning of a varint
 * @throws {VarintError} when the value is over `max` or has a needless trailing zero byte
 */
export function readVarint(data: Uint8Array, offset: number, max: number): Varint | undefined {
  let value = 0
  let scale = 1
  for (let i = offset; i < data.length; i++) {
    const byte = data[i] ?? 0
    value += (byte & 0x7f) * scale
    if (value > max) {
      throw new VarintError(`a length of ${value} or more is over the limit of ${max}`)
    }
    if (byte < 0x80) {
      if (byte === 0 && i > offset) {
        throw new VarintError('a varint has a needless trailing zero byte')
      }
      return { value, bytes: i - offset + 1 }
    }
    if (i - offset >= 7) {
      throw new VarintError('a varint is longer than 8 bytes')
    }
    scale *= 0x80
  }
  return undefined
}

/** How many bytes `value` takes as a varint. */
export function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** Writes `value` at `offset` and returns the offset behind it. */
export function encodeVarint(value: number, target: Uint8Array, offset = 0): number {
  let rest = value
  let at = offset
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  target[at++] = rest
  return at
}
