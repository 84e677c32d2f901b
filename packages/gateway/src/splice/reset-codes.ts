import { printable } from '@warren/utils'
import { SessionResetError } from '@warren/tunnel'
import {
  ConnectionResetError,
  GatewayClosedError,
  IdleTimeoutError,
  PoolExhaustedError,
  SessionFailedError,
  TargetRefusedError,
  TargetTimeoutError,
  TargetUnreachableError
} from '../errors.ts'

/**
 * Why a gateway resets a session; on the wire as the session's reset code, of which 256 and above
 * are the application's. Never renumber.
 */
const RESET_CODES = [
  [0x101, TargetRefusedError],
  [0x102, TargetUnreachableError],
  [0x103, TargetTimeoutError],
  [0x104, PoolExhaustedError],
  [0x105, ConnectionResetError],
  [0x106, IdleTimeoutError],
  [0x107, GatewayClosedError]
] as const

/** The error as the session carries it: with a code that the gateway at the other end knows. */
export function toReset(error: Error): SessionResetError {
  if (error instanceof SessionResetError) return error
  const code = RESET_CODES.find(([, type]) => error instanceof type)?.[0]
  return new SessionResetError(error.message, code ?? 1)
}

/**
 * The error of a session, as the user of this side reads it: what the gateway at the other end
 * reported under its own name, anything else as a {@link SessionFailedError}.
 */
export function fromReset(error: Error): Error {
  if (!(error instanceof SessionResetError)) {
    return new SessionFailedError(`the session failed: ${error.message}`, { cause: error })
  }
  const type = RESET_CODES.find(([code]) => code === error.resetCode)?.[1]
  // The text is the peer's.
  const reason = printable(error.reason)
  if (type === undefined) {
    return new SessionFailedError(`the other end aborted the session: ${reason}`, { cause: error })
  }
  return new type(reason, { cause: error })
}
