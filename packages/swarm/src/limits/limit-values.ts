/** Every limit of a limiter. Streams and connections are counts, the rest are bytes. */
export interface LimitValues {
  readonly maxConnections: number
  readonly maxConnectionsPerPeer: number
  readonly maxStreams: number
  readonly maxStreamsPerPeer: number
  readonly maxStreamsPerConnection: number
  readonly maxInboundStreamsPerProtocol: number
  readonly maxBytes: number
  readonly maxBytesPerPeer: number
  readonly maxBytesPerConnection: number
  readonly maxBytesPerProtocol: number
}

/** What limits are scaled by. */
export interface Machine {
  /** Bytes of memory that the process may use; `Infinity` where that cannot be known. */
  readonly memory: number
  /** Descriptors that the process may have open; `Infinity` where that cannot be known. */
  readonly descriptors: number
}

/** Of the memory, one part in so many may be held unread. */
const MEMORY_SHARE = 8
/** What is left to a scope of bytes on the smallest machine: one stream's first window. */
const LEAST_BYTES = 256 * 1024
/** What one open stream costs, about, beside the bytes it holds. */
const STREAM_BYTES = 4_096

/**
 * The limits for a machine: `wanted` where there is room for it, and less on a smaller one. Unread bytes take an eighth of the memory at most and each scope
 * its share of that, connections half of the descriptors, streams a sixteenth of the memory.
 */
export function limitsFor(machine: Machine, wanted: LimitValues): LimitValues {
  const bytes = Math.min(1, machine.memory / MEMORY_SHARE / wanted.maxBytes)
  const streams = Math.min(1, machine.memory / 16 / STREAM_BYTES / wanted.maxStreams)
  const scaled = (value: number, by: number, least: number): number =>
    by >= 1 ? value : Math.min(value, Math.max(least, Math.floor(value * by)))
  return {
    maxConnections: Math.max(
      1,
      Math.min(wanted.maxConnections, Math.floor(machine.descriptors / 2))
    ),
    maxConnectionsPerPeer: wanted.maxConnectionsPerPeer,
    maxStreams: scaled(wanted.maxStreams, streams, 256),
    maxStreamsPerPeer: scaled(wanted.maxStreamsPerPeer, streams, 128),
    maxStreamsPerConnection: scaled(wanted.maxStreamsPerConnection, streams, 64),
    maxInboundStreamsPerProtocol: wanted.maxInboundStreamsPerProtocol,
    maxBytes: scaled(wanted.maxBytes, bytes, 4 * LEAST_BYTES),
    maxBytesPerPeer: scaled(wanted.maxBytesPerPeer, bytes, 2 * LEAST_BYTES),
    maxBytesPerConnection: scaled(wanted.maxBytesPerConnection, bytes, LEAST_BYTES),
    maxBytesPerProtocol: scaled(wanted.maxBytesPerProtocol, bytes, LEAST_BYTES)
  }
}
