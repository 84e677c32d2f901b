import { CONNECTION_CODE, STREAM_CODE } from '@warren/interface'

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

/**
 * Codes of a GOAWAY frame that sessions send of their own accord (spec.md), and above 0x1000 libp2p's.
 */
export const GO_AWAY = {
  normal: 0,
  protocolError: 1,
  internalError: 2,
  resourceLimit: CONNECTION_CODE.resourceLimit
} as const

/** Codes that travel in the length field of a reset: libp2p's codes for streams. */
export const RESET = STREAM_CODE
