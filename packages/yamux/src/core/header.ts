import { HEADER_BYTES } from './constants.ts'

/** One frame header as an array of 12 bytes. */
export function encodeHeader(
  type: number,
  flags: number,
  streamId: number,
  length: number
): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  header[1] = type
  header[2] = flags >>> 8
  header[3] = flags
  header[4] = streamId >>> 24
  header[5] = streamId >>> 16
  header[6] = streamId >>> 8
  header[7] = streamId
  header[8] = length >>> 24
  header[9] = length >>> 16
  header[10] = length >>> 8
  header[11] = length
  return header
}

/** An unsigned 32-bit big-endian number. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  )
}
