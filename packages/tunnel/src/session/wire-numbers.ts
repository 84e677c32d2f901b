/**
 * Big-endian numbers as the session's frames carry them. Offsets are u64 on the wire and must stay
 * below 2^53, so that they are exact as JavaScript numbers.
 */
import { SessionProtocolError } from './errors.ts'

export function readU16(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0)
}

export function readU32(data: Uint8Array, at: number): number {
  return readU16(data, at) * 0x1_0000 + readU16(data, at + 2)
}

/** @throws {SessionProtocolError} when the offset is 2^53 or more */
export function readOffset(data: Uint8Array, at: number): number {
  const high = readU32(data, at)
  if (high > 0x1f_ffff) {
    throw new SessionProtocolError('an offset is beyond 2^53: the peer sent no valid frame')
  }
  return high * 0x1_0000_0000 + readU32(data, at + 4)
}

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 8
  target[at + 1] = value
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

export function writeOffset(target: Uint8Array, at: number, value: number): void {
  writeU32(target, at, Math.floor(value / 0x1_0000_0000))
  writeU32(target, at + 4, value % 0x1_0000_0000)
}
