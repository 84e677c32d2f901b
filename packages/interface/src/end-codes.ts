import type { AbortOptions } from '@libp2p/interface'

/**
 * Why a connection is ended, as libp2p's implementations tell each other: in yamux the code of a
 * GOAWAY frame.
 *
 * @see https://github.com/libp2p/specs/blob/master/error-codes/README.md
 */
export const CONNECTION_CODE = {
  none: 0,
  negotiationFailed: 0x1000,
  resourceLimit: 0x1001,
  rateLimited: 0x1002,
  protocolViolation: 0x1003,
  supplanted: 0x1004,
  garbageCollected: 0x1005,
  shutdown: 0x1006,
  gated: 0x1007
} as const

/**
 * Why a stream is reset. All are libp2p's but `handlerFailed`, which is Warren's own, outside the
 * range that libp2p keeps for itself: the handler of the protocol threw.
 *
 * @see https://github.com/libp2p/specs/blob/master/error-codes/README.md
 */
export const STREAM_CODE = {
  none: 0,
  negotiationFailed: 0x1001,
  resourceLimit: 0x1002,
  rateLimited: 0x1003,
  protocolViolation: 0x1004,
  supplanted: 0x1005,
  garbageCollected: 0x1006,
  shutdown: 0x1007,
  gated: 0x1008,
  handlerFailed: 0x1_0001
} as const

/** Options of closing a connection or its muxer. */
export interface CodedCloseOptions extends AbortOptions {
  /**
   * The {@link CONNECTION_CODE} that the peer is told, where the muxer can. The name is that of
   * js-libp2p's yamux, which takes it too.
   *
   * @default 0
   */
  readonly reason?: number
}

/** An error that says which code goes to the peer when it ends a connection or resets a stream. */
export interface CodedError extends Error {
  /** A {@link CONNECTION_CODE}; what a connection is aborted with it tells its peer this. */
  readonly goAwayCode?: number
  /** A {@link STREAM_CODE}; what a stream is aborted with it tells its peer this. */
  readonly resetCode?: number
}

/** The connection code of an error, if it has one. */
export function goAwayCodeOf(error: unknown): number | undefined {
  return codeIn(error, 'goAwayCode')
}

/** The stream code of an error, if it has one. */
export function resetCodeOf(error: unknown): number | undefined {
  return codeIn(error, 'resetCode')
}

function codeIn(error: unknown, key: 'goAwayCode' | 'resetCode'): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const code: unknown = Reflect.get(error, key)
  return typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= 0xffffffff
    ? code
    : undefined
}
