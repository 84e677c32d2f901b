import { resetCodeOf } from '@warren/interface'
import { StreamHandlerError } from '../errors.ts'

/** The error with a code for the peer, unless it has one of its own. */
export function withResetCode(error: Error, resetCode: number): Error {
  if (resetCodeOf(error) !== undefined || !Object.isExtensible(error)) return error
  return Object.assign(error, { resetCode })
}

/** What a stream is reset with when its handler threw: the error itself, where it names a code. */
export function handlerFailure(error: Error, protocol: string): Error {
  if (resetCodeOf(error) !== undefined) return error
  return new StreamHandlerError(`the handler of ${protocol} failed: ${error.message}`, {
    cause: error
  })
}
