import type { SipHash } from './siphash.ts'

/** Ticks of the sequence clock per millisecond: one each 4 µs (RFC 9293 §3.4.1). */
const TICKS_PER_MS = 250

/**
 * The words that name a flow, to be hashed: both addresses and both ports.
 *
 * @param into ten words, filled again for each flow
 */
export function flowWords(
  local: Int32Array,
  localPort: number,
  remote: Int32Array,
  remotePort: number,
  into: Int32Array
): Int32Array {
  into.set(local, 0)
  into.set(remote, 4)
  into[8] = (localPort << 16) | remotePort
  into[9] = 0
  return into
}

/**
 * Initial sequence number of a connection (RFC 6528): a clock of 4 µs plus a keyed hash of the flow,
 * so that nobody outside can guess it, and a new connection of the same flow starts above the old.
 */
export function initialSequence(hash: SipHash, flow: Int32Array, now: number): number {
  flow[9] = 1
  return (hash.hash(flow) + clock(now)) | 0
}

/** Offset of a flow's timestamp clock (RFC 7323 §5.4): the uptime of the machine stays its secret. */
export function timestampOffset(hash: SipHash, flow: Int32Array): number {
  flow[9] = 2
  return hash.hash(flow)
}

function clock(now: number): number {
  return (Math.floor(now * TICKS_PER_MS) % 0x1_0000_0000) | 0
}
