import type { PeerId } from '@libp2p/interface'
import { InvalidTicketError } from '../errors.ts'
import { ticketProofKey } from './link-proof.ts'
import { deriveTicketSecret } from './ticket.ts'
import { encodeClaims } from './ticket-claims.ts'
import type { TicketClaims } from './ticket-claims.ts'

/** A ticket that its sharer has taken back; kept until the ticket would have expired by itself. */
export interface RevokedTicket {
  readonly id: string
  /** Seconds since 1970, as in the ticket. */
  readonly expires: number
}

/** Which peers have used a ticket with limited uses. */
export interface TicketUses extends RevokedTicket {
  /** Peer ids as text. */
  readonly peers: readonly string[]
}

/** All that a sharer has to remember of its tickets. */
export interface TicketRecords {
  readonly revoked: readonly RevokedTicket[]
  readonly uses: readonly TicketUses[]
}

/**
 * Where a sharer keeps its {@link TicketRecords}, so that a revocation survives a restart. The caller
 * supplies it; the tunnel calls `save` with everything, one call at a time.
 */
export interface RevocationStore {
  load(): Promise<TicketRecords>
  save(records: TicketRecords): Promise<void>
}

/** Why a genuine ticket gives no access now. */
export type TicketRefusalReason = 'expired' | 'revoked' | 'used-up'

/** What a {@link TicketAuthority} is made with. */
export interface TicketAuthorityInit {
  readonly ticketKey: Uint8Array
  readonly self: PeerId
  readonly store?: RevocationStore
  /** Seconds by which a holder's clock may be behind: a ticket is good for that much longer. */
  readonly clockSkew: number
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Judges the tickets that this peer has issued. It knows their ids only once they are revoked. */
export class TicketAuthority {
  readonly #init: TicketAuthorityInit
  readonly #revoked = new Map<string, number>()
  readonly #uses = new Map<string, { expires: number; peers: Set<string> }>()
  /** Saves run one after another; each writes what is true when it starts. */
  #saving: Promise<void> = Promise.resolve()

  constructor(init: TicketAuthorityInit) {
    this.#init = init
  }

  /** Reads what was kept before. To be called once, before the first judgement. */
  async load(): Promise<void> {
    const records = await this.#init.store?.load()
    for (const { id, expires } of records?.revoked ?? []) this.#revoked.set(id, expires)
    for (const { id, expires, peers } of records?.uses ?? []) {
      this.#uses.set(id, { expires, peers: new Set(peers) })
    }
    this.#forgetExpired()
  }

  /** The proof key of a ticket with these claims, or `undefined` when another peer issued it. */
  proofKeyOf(claims: TicketClaims): Uint8Array | undefined {
    if (!claims.sharer.equals(this.#init.self)) return undefined
    return ticketProofKey(deriveTicketSecret(this.#init.ticketKey, encodeClaims(claims)))
  }

  /** Why this ticket, already proven genuine, gives no access now; `undefined` when it does. */
  refusal(claims: TicketClaims): TicketRefusalReason | undefined {
    if (this.#revoked.has(claims.id)) return 'revoked'
    if (claims.expires + this.#init.clockSkew <= this.#init.now()) return 'expired'
    return undefined
  }

  /**
   * Admits `peer` by a proven ticket and counts the use, or says why not. A peer that has used the
   * ticket before costs no further use.
   *
   * @param onSaveError told when the use could not be kept
   */
  admit(
    claims: TicketClaims,
    peer: string,
    onSaveError: (error: unknown) => void
  ): TicketRefusalReason | undefined {
    const refusal = this.refusal(claims)
    if (refusal !== undefined || claims.uses === undefined) return refusal
    const used = this.#uses.get(claims.id) ?? { expires: claims.expires, peers: new Set<string>() }
    if (used.peers.has(peer)) return undefined
    if (used.peers.size >= claims.uses) return 'used-up'
    used.peers.add(peer)
    this.#uses.set(claims.id, used)
    this.#save().catch(onSaveError)
    return undefined
  }

  /**
   * Takes a ticket back. Effective at once; resolves when it is kept.
   *
   * @throws {InvalidTicketError} when the id is not one; whatever the store throws
   */
  async revoke(ticket: RevokedTicket): Promise<void> {
    if (!/^[0-9a-f]{32}$/.test(ticket.id) || !Number.isFinite(ticket.expires)) {
      throw new InvalidTicketError(
        'cannot revoke the ticket: its id is not 32 hexadecimal digits, or its expiry is no number'
      )
    }
    this.#revoked.set(ticket.id, ticket.expires)
    await this.#save()
  }

  /** Sizes of what is kept, for tests and `debug()`. */
  debug(): { revoked: number; uses: number } {
    return { revoked: this.#revoked.size, uses: this.#uses.size }
  }

  #save(): Promise<void> {
    const run = async (): Promise<void> => {
      this.#forgetExpired()
      await this.#init.store?.save({
        revoked: [...this.#revoked].map(([id, expires]) => ({ id, expires })),
        uses: [...this.#uses].map(([id, { expires, peers }]) => ({
          id,
          expires,
          peers: [...peers]
        }))
      })
    }
    const saved = this.#saving.then(run)
    // One that failed must not keep the next from being tried; its caller has the error.
    this.#saving = saved.catch(() => {})
    return saved
  }

  #forgetExpired(): void {
    const now = this.#init.now() - this.#init.clockSkew
    for (const [id, expires] of this.#revoked) if (expires < now) this.#revoked.delete(id)
    for (const [id, { expires }] of this.#uses) if (expires < now) this.#uses.delete(id)
  }
}
