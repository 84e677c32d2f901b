import { ChannelRefusedError, KindMismatchError, ModeMismatchError } from '../errors.ts'
import { REFUSE } from './codes.ts'
import { SealRequiredError, SessionRefusedError } from './errors.ts'
import type { DialledRequest } from './session-ends.ts'

/** The error of a dial whose `open` was refused with `code`. */
export function refusalError(code: number, request: DialledRequest, peer: string): Error {
  const channel = JSON.stringify(request.channel)
  switch (code) {
    case REFUSE.channel:
      return new ChannelRefusedError(
        `peer ${peer} refuses channel ${channel}: nobody listens there, or you have no access`
      )
    case REFUSE.mode:
      return new ModeMismatchError(
        `channel ${channel} of peer ${peer} is not ${request.mode}: dial it in its own mode`
      )
    case REFUSE.kind:
      return new KindMismatchError(
        `channel ${channel} of peer ${peer} carries ${request.bytes ? 'messages' : 'bytes'}: ` +
          `dial it with bytes: ${!request.bytes}`
      )
    case REFUSE.overloaded:
      return new SessionRefusedError(
        `peer ${peer} has too many sessions for channel ${channel} just now: try again later`,
        code
      )
    case REFUSE.version:
      return new SessionRefusedError(
        `peer ${peer} speaks another version of the session protocol: update the older one`,
        code
      )
    case REFUSE.seal:
      return new SealRequiredError(
        `channel ${channel} of peer ${peer} takes sealed sessions only: dial it with seal: true`
      )
    case REFUSE.closing:
      return new SessionRefusedError(`peer ${peer} is closing: dial another one`, code)
    default:
      return new SessionRefusedError(
        `peer ${peer} could not decide about channel ${channel} (code ${code}): try again`,
        code
      )
  }
}
