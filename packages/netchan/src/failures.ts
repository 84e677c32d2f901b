import { WarrenError } from '@warren/interface'
import { printable } from '@warren/utils'
import {
  CodecMismatchError,
  HangupError,
  NetchanClosedError,
  NetchanLimitError,
  NetchanProtocolError,
  NetchanTimeoutError,
  NetchanVersionError,
  OverloadError,
  RemoteError,
  UnknownNameError,
  ValueInvalidError,
  WrongDirectionError
} from './errors.ts'
import { CODE, type Failure } from './protocol/codes.ts'

/** The error by which an application hears of a failure that the peer told of. */
export function errorOf(failure: Failure, what: string, unconfirmed = 0): Error {
  const said = failure.message === '' ? `code ${failure.code}` : printable(failure.message, 1_024)
  const message = `${what}: ${said}`
  switch (failure.code) {
    case CODE.unknownName:
      return new UnknownNameError(message)
    case CODE.wrongDirection:
      return new WrongDirectionError(message)
    case CODE.codecMismatch:
      return new CodecMismatchError(message)
    case CODE.limit:
      return new NetchanLimitError(message)
    case CODE.invalidValue:
      return new ValueInvalidError(message)
    case CODE.hangup:
      return new HangupError(message, unconfirmed)
    case CODE.application:
    case CODE.handlerFailed:
      return new RemoteError(message)
    case CODE.overload:
      return new OverloadError(message)
    case CODE.closing:
      return new NetchanClosedError(message)
    case CODE.version:
      return new NetchanVersionError(message)
    case CODE.timeout:
      return new NetchanTimeoutError(message)
    default:
      return new NetchanProtocolError(message)
  }
}

/** What the peer is told when an application closes a channel with `error`. */
export function failureOf(error: Error | undefined): Failure | undefined {
  return error === undefined ? undefined : { code: CODE.application, message: error.message }
}

/**
 * What the peer is told when a handler threw: the message of a Warren error, which was made to be
 * told, and of no other.
 */
export function handlerFailure(error: unknown): Failure {
  return error instanceof WarrenError
    ? { code: CODE.application, message: error.message }
    : { code: CODE.handlerFailed, message: 'the handler failed' }
}
