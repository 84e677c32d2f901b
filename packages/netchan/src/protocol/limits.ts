/** Longest name of a channel, in bytes of UTF-8. */
export const NAME_BYTES = 255
/** Longest name of a codec. */
export const CODEC_NAME_BYTES = 32
/** Longest message of a failure. */
export const MESSAGE_BYTES = 1_024
/** Longest shape of a schema. */
export const SHAPE_BYTES = 4_096
/** Length of a fingerprint. */
export const FINGERPRINT_BYTES = 16
/** Ids: 31 bits, so that a link makes at most 2^30 bindings from each side. */
export const MAX_ID = 0x7fff_ffff
/** Largest number in any other field. */
export const MAX_NUMBER = Number.MAX_SAFE_INTEGER
/** Largest window that a sender makes use of, whatever the peer allows. */
export const MAX_WINDOW_ITEMS = 65_536
/** The same in bytes. */
export const MAX_WINDOW_BYTES = 16_777_216
/** About how many bytes leave in one packet. */
export const PACKET_BYTES = 65_536
/** Bytes of a frame around its body, at most: length, type, id. */
export const FRAME_OVERHEAD = 10
/** Bytes that wait for the link before pumps pause. */
export const OUTPUT_HIGH_WATER = 262_144
/** Bytes of answers that wait for the link before reading pauses. */
export const ANSWERS_HIGH_WATER = 65_536

/** The longest frame (what its length field says) that an end accepts. */
export function frameLimit(maxValueBytes: number): number {
  return Math.max(PACKET_BYTES, maxValueBytes + 32)
}
