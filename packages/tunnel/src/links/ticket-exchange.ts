import type { WarrenError } from '@warren/interface'
import { GoodbyeReason, RefuseCode } from '../../proto/control.ts'
import type { Control, Present, Presented, Withdraw } from '../../proto/control.ts'
import type { HeldTicket } from '../auth/link-handshake.ts'
import { linkProof, otherRole, proofsEqual } from '../auth/link-proof.ts'
import type { LinkRole, LinkTranscript } from '../auth/link-proof.ts'
import type { LinkScope } from '../auth/link-scope.ts'
import { refusalError, ticketRefuseCode } from '../auth/refusal.ts'
import type { TicketRefusalReason } from '../auth/ticket-authority.ts'
import { encodeClaims, readClaims } from '../auth/ticket-claims.ts'
import type { TicketClaims } from '../auth/ticket-claims.ts'
import { AuthenticationError, LinkClosedError } from '../errors.ts'

/** What the exchange needs of its link. */
export interface TicketLink {
  readonly peer: string
  readonly role: LinkRole
  readonly scope: LinkScope
  readonly transcript: LinkTranscript
  send(message: Control): void
  /** The scope has become smaller. */
  shrink(): void
  because(error: WarrenError): void
  close(reason: GoodbyeReason): Promise<void>
}

/** The sharer's judgement, as in the handshake. */
export interface TicketJudge {
  ticketKeyOf(claims: TicketClaims): Uint8Array | undefined
  admit(claims: TicketClaims): TicketRefusalReason | undefined
  /** A ticket was added to the scope: announce what it gives access to. */
  granted(claims: TicketClaims): void
}

interface Waiting {
  readonly ticket: HeldTicket
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Tickets that one link may carry at once, and that may be on their way. */
const MAX_LINK_TICKETS = 64

/**
 * Tickets that come and go on a live link: one more is presented and proven over the link's own
 * nonces; one that was revoked or has expired is withdrawn by its sharer, and the scope shrinks.
 */
export class TicketExchange {
  readonly #link: TicketLink
  readonly #waiting = new Map<string, Waiting>()
  #judge: TicketJudge | undefined

  constructor(link: TicketLink) {
    this.#link = link
  }

  /** Sets who judges tickets of the peer; without a judge each is refused. */
  judgeBy(judge: TicketJudge): void {
    this.#judge = judge
  }

  /**
   * Presents one more ticket of this side.
   *
   * @throws the sharer's refusal, or {@link LinkClosedError} when the link ends meanwhile
   */
  async present(ticket: HeldTicket): Promise<void> {
    if (this.#waiting.size >= MAX_LINK_TICKETS) {
      throw refusalError(RefuseCode.LIMIT, this.#link.peer, 'us')
    }
    const { role, transcript } = this.#link
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(ticket.claims.id, { ticket, resolve, reject })
      this.#link.send({
        present: {
          claims: encodeClaims(ticket.claims).slice(),
          mac: linkProof(ticket.key, role, transcript).slice()
        }
      })
    })
  }

  /** Takes a ticket out of the scope, tells the peer why, and ends a link that has none left. */
  async end(id: string, code: RefuseCode): Promise<void> {
    const { scope } = this.#link
    if (scope.remove(id) === undefined) return
    const error = refusalError(code, this.#link.peer, 'us')
    this.#link.because(error)
    this.#link.send({ withdraw: { id: Uint8Array.from(Buffer.from(id, 'hex')), code } })
    this.#link.shrink()
    if (scope.empty) await this.#link.close(GoodbyeReason.TICKETS_ENDED)
  }

  onPresent({ claims: bytes, mac }: Present): void {
    const { scope, role, transcript } = this.#link
    let claims: TicketClaims
    try {
      claims = readClaims(bytes).claims
    } catch {
      return
    }
    const id = Uint8Array.from(Buffer.from(claims.id, 'hex'))
    const refuse = (code: RefuseCode): void => this.#link.send({ withdraw: { id, code } })
    const key = this.#judge?.ticketKeyOf(claims)
    if (key === undefined || !proofsEqual(linkProof(key, otherRole(role), transcript), mac)) {
      refuse(RefuseCode.AUTHENTICATION)
      return
    }
    if (scope.size >= MAX_LINK_TICKETS) {
      refuse(RefuseCode.LIMIT)
      return
    }
    const reason = this.#judge?.admit(claims)
    if (reason !== undefined) {
      refuse(ticketRefuseCode(reason))
      return
    }
    scope.grant(claims)
    this.#link.send({ presented: { id, mac: linkProof(key, role, transcript).slice() } })
    this.#judge?.granted(claims)
  }

  onPresented({ id, mac }: Presented): void {
    const text = Buffer.from(id).toString('hex')
    const waiting = this.#waiting.get(text)
    if (waiting === undefined) return
    this.#waiting.delete(text)
    const { scope, peer, role, transcript } = this.#link
    if (!proofsEqual(linkProof(waiting.ticket.key, otherRole(role), transcript), mac)) {
      waiting.reject(
        new AuthenticationError(`${peer} took the ticket, but did not prove that it issued it`)
      )
      return
    }
    scope.hold(waiting.ticket.claims)
    waiting.resolve()
  }

  onWithdraw({ id, code }: Withdraw): void {
    const text = Buffer.from(id).toString('hex')
    const error = refusalError(code, this.#link.peer, 'peer')
    const waiting = this.#waiting.get(text)
    if (waiting !== undefined) {
      this.#waiting.delete(text)
      waiting.reject(error)
      return
    }
    // Only the sharer of a ticket may withdraw it.
    if (!this.#link.scope.held().some(claims => claims.id === text)) return
    this.#link.scope.remove(text)
    this.#link.because(error)
    this.#link.shrink()
  }

  /** The link has ended. */
  close(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) {
      reject(
        new LinkClosedError(`the link to ${this.#link.peer} ended before the ticket was taken`)
      )
    }
  }
}
