import { decodeTicket } from '@warren/tunnel'
import type { Ticket } from '@warren/tunnel'
import { printable } from '@warren/utils'
import { UnknownNameError } from '../errors.ts'
import type { Home } from '../state/home.ts'
import { readSecret } from './secret-input.ts'

/** A ticket, also one that was copied without its beginning: it is told, and never repeated. */
const TICKET = /^(?:warren:|[a-z2-7]{64,}$)/i

/** A ticket and the name it was found by. */
export interface NamedTicket {
  readonly text: string
  readonly ticket: Ticket
  /** The name it was opened by before; `undefined` for a new ticket. */
  readonly name: string | undefined
}

/**
 * The ticket that a user means: `warren:…`, `-` for standard input, or the name of a peer opened
 * before.
 *
 * @throws ERR_NAME_UNKNOWN, ERR_INVALID_TICKET, ERR_SECRET_FILE
 */
export async function resolveTicket(
  home: Home,
  given: string,
  signal: AbortSignal
): Promise<NamedTicket> {
  const text = given === '-' ? await readSecret('-', 'ticket', signal) : given
  if (TICKET.test(text)) return { text, ticket: decodeTicket(text), name: undefined }
  const saved = await home.peers.get(text)
  if (saved !== undefined) {
    return { text: saved.ticket, ticket: decodeTicket(saved.ticket), name: text }
  }
  const known = (await home.peers.entries()).map(([name]) => name)
  throw new UnknownNameError(
    `${JSON.stringify(printable(text, 80))} is neither a ticket (warren:…) nor a name opened before` +
      (known.length === 0
        ? ': ask the sharer for a ticket, which "warren share" prints'
        : `; known here: ${known
            .slice(0, 10)
            .map(name => printable(name, 80))
            .join(', ')}`)
  )
}
