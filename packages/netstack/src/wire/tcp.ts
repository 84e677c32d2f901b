import { finish, fold, sum } from './checksum.ts'
import { Slab } from './slab.ts'

/** Length of a TCP header without options. */
export const TCP_HEADER = 20

/** Control bits (RFC 9293 §3.1). */
export const FLAG = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80
} as const

/** Option kinds (RFC 9293 §3.2, 7323, 2018). */
export const OPTION = {
  end: 0,
  nop: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8
} as const

/** The largest shift of the window (RFC 7323 §2.3); larger ones from the wire count as this. */
export const MAX_WINDOW_SCALE = 14

/** SACK blocks that fit in one header. */
export const MAX_SACK_BLOCKS = 4

/**
 * One TCP segment as it lies in its slab: the fields of the header, and where the payload is.
 * One object is filled again for each segment; nobody keeps it.
 *
 * Sequence numbers and timestamps are int32 (`|0`), as everywhere in `tcp/`.
 */
export class TcpSegment {
  slab: Slab = NO_SLAB
  sourcePort = 0
  destinationPort = 0
  seq = 0
  ack = 0
  flags = 0
  /** As on the wire, not scaled. */
  window = 0
  urgent = 0
  /** Where the payload starts and ends in the slab. */
  payload = 0
  end = 0
  /** 0 when the option is absent. */
  mss = 0
  /** -1 when the option is absent. */
  windowScale = -1
  sackPermitted = false
  hasTimestamps = false
  tsValue = 0
  tsEcho = 0
  /** Pairs of edges in `sacks` that count. */
  sackBlocks = 0
  readonly sacks = new Int32Array(2 * MAX_SACK_BLOCKS)

  /** Bytes of payload. */
  get length(): number {
    return this.end - this.payload
  }
}

const NO_SLAB = new Slab(0)

/**
 * Reads a TCP segment in place: `start` is its header, `end` the end of its payload.
 *
 * Options of a wrong length are skipped as unknown; an option that runs over the header ends the
 * list, as Linux does.
 *
 * @returns `false` when the header is cut short or its data offset is wrong
 */
export function parseTcp(slab: Slab, start: number, end: number, into: TcpSegment): boolean {
  if (end - start < TCP_HEADER) return false
  const view = slab.view
  const word = view.getUint16(start + 12)
  const header = (word >>> 12) << 2
  if (header < TCP_HEADER || header > end - start) return false
  into.slab = slab
  into.sourcePort = view.getUint16(start)
  into.destinationPort = view.getUint16(start + 2)
  into.seq = view.getInt32(start + 4)
  into.ack = view.getInt32(start + 8)
  into.flags = word & 0xff
  into.window = view.getUint16(start + 14)
  into.urgent = view.getUint16(start + 18)
  into.payload = start + header
  into.end = end
  into.mss = 0
  into.windowScale = -1
  into.sackPermitted = false
  into.hasTimestamps = false
  into.sackBlocks = 0
  if (header === TCP_HEADER) return true
  // The usual options of a data segment, in the order that everyone writes them.
  if (header === TCP_HEADER + 12 && view.getInt32(start + TCP_HEADER) === NOP_NOP_TIMESTAMPS) {
    into.hasTimestamps = true
    into.tsValue = view.getInt32(start + TCP_HEADER + 4)
    into.tsEcho = view.getInt32(start + TCP_HEADER + 8)
    return true
  }
  parseOptions(slab, start + TCP_HEADER, start + header, into)
  return true
}

/** `NOP NOP timestamps(10)`: the four bytes before the two timestamps. */
export const NOP_NOP_TIMESTAMPS = 0x0101080a

function parseOptions(slab: Slab, start: number, end: number, into: TcpSegment): void {
  const view = slab.view
  let at = start
  while (at < end) {
    const kind = view.getUint8(at)
    if (kind === OPTION.end) return
    if (kind === OPTION.nop) {
      at++
      continue
    }
    if (at + 1 >= end) return
    const length = view.getUint8(at + 1)
    if (length < 2 || at + length > end) return
    if (kind === OPTION.mss && length === 4) into.mss = view.getUint16(at + 2)
    else if (kind === OPTION.windowScale && length === 3) {
      into.windowScale = Math.min(view.getUint8(at + 2), MAX_WINDOW_SCALE)
    } else if (kind === OPTION.sackPermitted && length === 2) into.sackPermitted = true
    else if (kind === OPTION.timestamps && length === 10) {
      into.hasTimestamps = true
      into.tsValue = view.getInt32(at + 2)
      into.tsEcho = view.getInt32(at + 6)
    } else if (kind === OPTION.sack && length > 2 && (length - 2) % 8 === 0) {
      const edges = (length - 2) >>> 2
      for (let i = 0; i < edges; i++) into.sacks[i] = view.getInt32(at + 2 + 4 * i)
      into.sackBlocks = edges >>> 1
    }
    at += length
  }
}

/**
 * Writes the 20 fixed bytes of a header; the checksum is left 0 for `writeTcpChecksum`.
 *
 * @param headerLength with options, a multiple of 4
 * @param window as it goes on the wire: already scaled down
 */
export function writeTcp(
  slab: Slab,
  at: number,
  sourcePort: number,
  destinationPort: number,
  seq: number,
  ack: number,
  headerLength: number,
  flags: number,
  window: number,
  urgent = 0
): void {
  const view = slab.view
  view.setInt32(at, (sourcePort << 16) | destinationPort)
  view.setInt32(at + 4, seq)
  view.setInt32(at + 8, ack)
  view.setInt32(at + 12, (headerLength << 26) | (flags << 16) | window)
  view.setInt32(at + 16, urgent)
}

/**
 * Puts the checksum in a TCP segment that is otherwise complete.
 *
 * @param pseudo the pseudo-header sum: `pseudoHeaderSum(…) + (end - start)`
 */
export function writeTcpChecksum(slab: Slab, start: number, end: number, pseudo: number): void {
  slab.view.setUint16(start + 16, 0)
  slab.view.setUint16(start + 16, finish(sum(slab, start, end) + pseudo))
}

/** Is the checksum of a TCP segment right? `pseudo` as for {@link writeTcpChecksum}. */
export function tcpChecksumOk(slab: Slab, start: number, end: number, pseudo: number): boolean {
  return fold(sum(slab, start, end) + pseudo) === 0xffff
}
