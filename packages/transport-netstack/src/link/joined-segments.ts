/**
 * Joining of TCP segments that follow each other into one packet, as network cards do on receipt: the
 * stack then looks once at what were forty. Only what differs in nothing but its place in the stream
 * is joined, so that cutting the packet again would give the same segments.
 */

const IPV6_HEADER = 40
const LENGTH_AT = 4
/** Traffic class and flow label at one end, hop limit and addresses at the other of the length. */
const NEXT_HEADER_AT = 6
const PROTOCOL_TCP = 6
const SEQUENCE_AT = IPV6_HEADER + 4
const ACKNOWLEDGEMENT_AT = IPV6_HEADER + 8
const DATA_OFFSET_AT = IPV6_HEADER + 12
const FLAGS_AT = IPV6_HEADER + 13
const WINDOW_AT = IPV6_HEADER + 14
const OPTIONS_AT = IPV6_HEADER + 20
const FLAG = { psh: 0x08, ack: 0x10 } as const

/** Largest packet that is joined: an IPv6 payload length has 16 bits. */
export const MAX_JOINED = 65_000

/** Bytes of the headers of a segment with data that others may be joined to; 0 when it is none. */
export function joinableHeader(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= OPTIONS_AT || bytes[start + NEXT_HEADER_AT] !== PROTOCOL_TCP) return 0
  if (bytes[start + FLAGS_AT] !== FLAG.ack) return 0
  const header = IPV6_HEADER + (((bytes[start + DATA_OFFSET_AT] as number) >> 4) << 2)
  return end - start > header ? header : 0
}

/**
 * Does the segment in `bytes` continue the packet at `at` in `into`, which has `length` bytes and
 * headers of `header` bytes?
 */
export function continues(
  into: Uint8Array,
  at: number,
  length: number,
  header: number,
  bytes: Uint8Array,
  start: number,
  end: number
): boolean {
  if (end - start <= header || length + end - start - header > MAX_JOINED) return false
  const flags = bytes[start + FLAGS_AT]
  if (flags !== FLAG.ack && flags !== (FLAG.ack | FLAG.psh)) return false
  if (sequence(bytes, start) !== ((sequence(into, at) + length - header) | 0)) return false
  return (
    same(into, at, bytes, start, 0, LENGTH_AT) &&
    same(into, at, bytes, start, NEXT_HEADER_AT, SEQUENCE_AT) &&
    same(into, at, bytes, start, ACKNOWLEDGEMENT_AT, FLAGS_AT) &&
    same(into, at, bytes, start, WINDOW_AT, WINDOW_AT + 2) &&
    same(into, at, bytes, start, OPTIONS_AT, header)
  )
}

/** Completes the headers of a packet of joined segments, of which the last had `flags`. */
export function finishJoined(into: Uint8Array, at: number, length: number, flags: number): void {
  const payload = length - IPV6_HEADER
  into[at + LENGTH_AT] = payload >> 8
  into[at + LENGTH_AT + 1] = payload & 0xff
  into[at + FLAGS_AT] = flags
}

/** The flags of a segment. */
export function flagsOf(bytes: Uint8Array, start: number): number {
  return bytes[start + FLAGS_AT] as number
}

function sequence(bytes: Uint8Array, start: number): number {
  const at = start + SEQUENCE_AT
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

function same(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  from: number,
  to: number
): boolean {
  for (let i = from; i < to; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}
