/** Protocol id of yamux in libp2p. */
export const YAMUX_PROTOCOL = '/yamux/1.0.0'

/** Every frame starts with 12 bytes: version, type, flags (u16), stream id (u32), length (u32). */
export const HEADER_BYTES = 12

/** The receive window that the protocol fixes for every new stream, both ways: 256 KiB. */
export const INITIAL_WINDOW = 256 * 1024

/** Payload of one DATA frame at most: with its header it fills one Noise record (65,519 bytes). */
export const MAX_DATA_BYTES = 65_519 - HEADER_BYTES

/** Frame types (spec.md, "Type field"). */
export const FRAME = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const

/** Frame flags (spec.md, "Flag field"). */
export const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const

/** Codes of a GOAWAY frame (spec.md), and above 0x1000 those of libp2p for connections. */
export const GO_AWAY = {
  normal: 0,
  protocolError: 1,
  internalError: 2,
  resourceLimit: 0x1001,
  protocolViolation: 0x1003,
  garbageCollected: 0x1005,
  shutdown: 0x1006
} as const

/**
 * Codes that travel in the length field of a reset (libp2p error codes for streams).
 *
 * @see https://github.com/libp2p/specs/blob/master/error-codes/README.md
 */
export const RESET = { none: 0, protocolNegotiationFailed: 0x1001, resourceLimit: 0x1002 } as const
