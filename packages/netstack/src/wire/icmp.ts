import { finish, fold, sum } from './checksum.ts'
import type { Slab } from './slab.ts'

/** Length of the ICMP header of every message here; the body follows. */
export const ICMP_HEADER = 8

/** What a message means, the same for ICMP (RFC 792) and ICMPv6 (RFC 4443). */
export type IcmpKind =
  | 'echo-request'
  | 'echo-reply'
  | 'unreachable'
  | 'too-big'
  | 'time-exceeded'
  | 'parameter-problem'
  | 'other'

/** Why a destination cannot be reached, the same for both versions. */
export type UnreachableReason = 'network' | 'host' | 'protocol' | 'port' | 'prohibited' | 'other'

/** What an ICMP message says; one object is filled again for each message. */
export class IcmpView {
  kind: IcmpKind = 'other'
  type = 0
  code = 0
  /** Of an `unreachable`. */
  reason: UnreachableReason = 'other'
  /** Of an echo. */
  identifier = 0
  sequence = 0
  /** Of a `too-big`: the MTU of the next hop; 0 when an old IPv4 router did not tell (RFC 1191 §4). */
  mtu = 0
  /** Where the body starts and ends: the echoed data, or the packet that caused an error. */
  payload = 0
  end = 0
}

const KIND_V4: Readonly<Record<number, IcmpKind>> = {
  0: 'echo-reply',
  3: 'unreachable',
  8: 'echo-request',
  11: 'time-exceeded',
  12: 'parameter-problem'
}
const KIND_V6: Readonly<Record<number, IcmpKind>> = {
  1: 'unreachable',
  2: 'too-big',
  3: 'time-exceeded',
  4: 'parameter-problem',
  128: 'echo-request',
  129: 'echo-reply'
}
const REASON_V4: Readonly<Record<number, UnreachableReason>> = {
  0: 'network',
  1: 'host',
  2: 'protocol',
  3: 'port',
  6: 'network',
  7: 'host',
  9: 'prohibited',
  10: 'prohibited',
  13: 'prohibited'
}
const REASON_V6: Readonly<Record<number, UnreachableReason>> = {
  0: 'network',
  1: 'prohibited',
  3: 'host',
  4: 'port',
  5: 'prohibited',
  6: 'prohibited'
}
const TOO_BIG_V4 = 4

/** Type and code of the errors that we send. */
const UNREACHABLE_V4 = {
  network: 0,
  host: 1,
  protocol: 2,
  port: 3,
  prohibited: 13,
  other: 1
} as const
const UNREACHABLE_V6 = {
  network: 0,
  host: 3,
  protocol: 3,
  port: 4,
  prohibited: 1,
  other: 3
} as const

/** Reads an ICMP (`version` 4) or ICMPv6 message in place; `false` when it is cut short. */
export function parseIcmp(
  slab: Slab,
  start: number,
  end: number,
  version: 4 | 6,
  into: IcmpView
): boolean {
  if (end - start < ICMP_HEADER) return false
  const view = slab.view
  const type = view.getUint8(start)
  const code = view.getUint8(start + 1)
  into.type = type
  into.code = code
  into.kind = (version === 4 ? KIND_V4 : KIND_V6)[type] ?? 'other'
  into.reason = 'other'
  into.mtu = 0
  into.identifier = view.getUint16(start + 4)
  into.sequence = view.getUint16(start + 6)
  if (into.kind === 'unreachable') {
    if (version === 4 && code === TOO_BIG_V4) {
      into.kind = 'too-big'
      into.mtu = into.sequence
    } else into.reason = (version === 4 ? REASON_V4 : REASON_V6)[code] ?? 'other'
  } else if (into.kind === 'too-big') into.mtu = Math.min(view.getUint32(start + 4), 0xffff)
  into.payload = start + ICMP_HEADER
  into.end = end
  return true
}

/** Is the checksum right? `pseudo` is 0 for ICMP, and the pseudo-header with length for ICMPv6. */
export function icmpChecksumOk(slab: Slab, start: number, end: number, pseudo: number): boolean {
  return fold(sum(slab, start, end) + pseudo) === 0xffff
}

/** Writes the header of an echo whose body is already at `at + 8`. */
export function writeIcmpEcho(
  slab: Slab,
  at: number,
  end: number,
  version: 4 | 6,
  kind: 'echo-request' | 'echo-reply',
  identifier: number,
  sequence: number,
  pseudo: number
): void {
  const request = kind === 'echo-request'
  const type = version === 4 ? (request ? 8 : 0) : request ? 128 : 129
  writeHeader(slab, at, end, type, 0, (identifier << 16) | sequence, pseudo)
}

/** Writes the header of a "destination unreachable" whose body, the packet, is already at `at + 8`. */
export function writeIcmpUnreachable(
  slab: Slab,
  at: number,
  end: number,
  version: 4 | 6,
  reason: UnreachableReason,
  pseudo: number
): void {
  const type = version === 4 ? 3 : 1
  const code = version === 4 ? UNREACHABLE_V4[reason] : UNREACHABLE_V6[reason]
  writeHeader(slab, at, end, type, code, 0, pseudo)
}

/** Writes the header of a "packet too big" ("fragmentation needed") in the same way. */
export function writeIcmpTooBig(
  slab: Slab,
  at: number,
  end: number,
  version: 4 | 6,
  mtu: number,
  pseudo: number
): void {
  if (version === 4) writeHeader(slab, at, end, 3, TOO_BIG_V4, mtu & 0xffff, pseudo)
  else writeHeader(slab, at, end, 2, 0, mtu, pseudo)
}

/** Writes the header of a "time exceeded" (hops used up) in the same way. */
export function writeIcmpTimeExceeded(
  slab: Slab,
  at: number,
  end: number,
  version: 4 | 6,
  pseudo: number
): void {
  writeHeader(slab, at, end, version === 4 ? 11 : 3, 0, 0, pseudo)
}

function writeHeader(
  slab: Slab,
  at: number,
  end: number,
  type: number,
  code: number,
  rest: number,
  pseudo: number
): void {
  const view = slab.view
  view.setUint32(at, ((type << 24) | (code << 16)) >>> 0)
  view.setInt32(at + 4, rest)
  view.setUint16(at + 2, finish(sum(slab, at, end) + pseudo))
}
