import type { WarrenError } from '@warren/interface'
import { RefuseCode } from '../../proto/control.ts'
import {
  AuthenticationError,
  LinkClosedError,
  LinkLimitError,
  LinkVersionError,
  TicketExpiredError,
  TicketRevokedError,
  TicketUsedUpError
} from '../errors.ts'
import { LINK_VERSION } from './link-proof.ts'
import type { TicketRefusalReason } from './ticket-authority.ts'

const TICKET_CODES: Record<TicketRefusalReason, RefuseCode> = {
  expired: RefuseCode.TICKET_EXPIRED,
  revoked: RefuseCode.TICKET_REVOKED,
  'used-up': RefuseCode.TICKET_USED_UP
}

/** The code on the wire for a genuine ticket that gives no access. */
export function ticketRefuseCode(reason: TicketRefusalReason): RefuseCode {
  return TICKET_CODES[reason]
}

/**
 * The error of a refused link, the same at both ends.
 *
 * @param by which side refused
 */
export function refusalError(code: RefuseCode, peer: string, by: 'us' | 'peer'): WarrenError {
  const who = by === 'us' ? `the link of ${peer} was refused` : `${peer} refused the link`
  switch (code) {
    case RefuseCode.AUTHENTICATION:
      return new AuthenticationError(
        `${who}: the two ends do not hold the same network token, and no ticket that is good ` +
          'here. Give both the same token, or ask the sharer for a new ticket'
      )
    case RefuseCode.VERSION:
      return new LinkVersionError(
        `${who}: the ends speak different versions of the link protocol (this one ` +
          `${LINK_VERSION}). Install the same version of Warren on both`
      )
    case RefuseCode.TICKET_EXPIRED:
      return new TicketExpiredError(
        `${who}: the ticket has expired. Ask its sharer for a new one; if it should still be ` +
          'good, compare the clocks of the two machines'
      )
    case RefuseCode.TICKET_REVOKED:
      return new TicketRevokedError(
        `${who}: the ticket was revoked by its sharer. Ask the sharer for a new one`
      )
    case RefuseCode.TICKET_USED_UP:
      return new TicketUsedUpError(
        `${who}: as many peers as the ticket allows have used it. Ask its sharer for a new one`
      )
    case RefuseCode.LIMIT:
      return new LinkLimitError(
        `${who}: it holds as many links as it may. Close some, or raise limits.links there`
      )
    case RefuseCode.CLOSING:
      return new LinkClosedError(`${who}: it is closing. Another attempt may find it back`)
  }
}

/** `true` for refusals that another attempt with the same token and tickets cannot change. */
export function isFatalRefusal(error: unknown): boolean {
  return (
    error instanceof AuthenticationError ||
    error instanceof TicketExpiredError ||
    error instanceof TicketRevokedError ||
    error instanceof TicketUsedUpError ||
    error instanceof LinkVersionError
  )
}
