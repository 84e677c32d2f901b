import { randomBytes } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { GoodbyeReason, RefuseCode } from '../../proto/control.ts'
import { InvalidTunnelOptionError } from '../errors.ts'
import type { LinkTable } from '../links/link-table.ts'
import type { NodeTarget } from '../links/node-keeper.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import type { ResolvedOptions } from '../options.ts'
import { MAX_HELLO_TICKETS } from './link-handshake.ts'
import type { HeldTicket, LinkCredentials, LinkGrant } from './link-handshake.ts'
import { OPEN_SECRET } from './session-seal.ts'
import { isFatalRefusal, refusalError, ticketRefuseCode } from './refusal.ts'
import type { Ticket } from './ticket.ts'
import { TicketAuthority } from './ticket-authority.ts'
import type { RevokedTicket } from './ticket-authority.ts'
import type { TicketClaims } from './ticket-claims.ts'
import { TicketWallet } from './ticket-wallet.ts'

/** What a {@link TicketDesk} needs. */
export interface TicketDeskInit {
  readonly self: PeerId
  readonly options: ResolvedOptions
  /** Seconds since 1970. */
  readonly wallClock: () => number
  readonly table: LinkTable
  /** A ticket held here was refused. */
  refused(ticketId: string, error: Error): void
  /** A ticket was added to the scope of a link, at either end. */
  granted(link: TunnelLink, claims: TicketClaims): void
  /** Something that nobody waits for failed. */
  failed(error: Error): void
}

/** Everything that proves links of this tunnel: its tokens, the tickets it holds, those it issued. */
export class TicketDesk {
  readonly #init: TicketDeskInit
  readonly #wallet: TicketWallet
  readonly #authority: TicketAuthority | undefined
  /** Proof keys of the active tokens. */
  #tokenKeys: readonly Uint8Array[]

  constructor(init: TicketDeskInit) {
    const { options, wallClock, self } = init
    const { ticketKey, ticketClockSkew, revocations } = options
    this.#init = init
    this.#tokenKeys = options.tokenKeys
    this.#wallet = new TicketWallet(options.limits.tickets, ticketClockSkew, wallClock)
    for (const ticket of options.tickets) this.#wallet.add(ticket)
    if (ticketKey !== undefined) {
      this.#authority = new TicketAuthority({
        ticketKey,
        self,
        clockSkew: ticketClockSkew,
        now: wallClock,
        ...(revocations === undefined ? {} : { store: revocations })
      })
    }
  }

  /** Tickets held. */
  get held(): number {
    return this.#wallet.size
  }

  /** Tickets revoked that have not expired. */
  get revoked(): number {
    return this.#authority?.debug().revoked ?? 0
  }

  /** Reads what was kept of revoked tickets. To be awaited before any link is proven. */
  async load(): Promise<void> {
    await this.#authority?.load()
  }

  /** The sharers of the tickets held. */
  targets(): NodeTarget[] {
    return this.#wallet.targets()
  }

  /** What this side brings to a link with `peer`. */
  credentials(peer: PeerId): LinkCredentials {
    const { options } = this.#init
    return {
      open: options.open,
      tokenKeys: this.#tokenKeys,
      held: this.#wallet.for(peer).slice(-MAX_HELLO_TICKETS),
      ticketKeyOf: claims => this.#authority?.proofKeyOf(claims),
      admit: claims =>
        this.#authority?.admit(claims, peer.toString(), error => this.#init.failed(error as Error))
    }
  }

  /**
   * What this side shows to a peer that it does not link to: as much as to any other, and all of it
   * made up. So the peer fails as with a wrong token, and cannot tell that its token is the right one.
   */
  decoy(): LinkCredentials {
    return {
      open: false,
      tokenKeys: this.#tokenKeys.map(() => madeUpKey()),
      held: [],
      ticketKeyOf: claims =>
        this.#authority?.proofKeyOf(claims) === undefined ? undefined : madeUpKey(),
      admit: () => undefined
    }
  }

  /** Replaces the active tokens; links are told, and show by `standsOnToken` whether they go on. */
  setTokens(keys: readonly Uint8Array[]): void {
    this.#tokenKeys = keys
    for (const link of this.#init.table.all()) link.tokens.renew(keys)
  }

  /**
   * Proof keys of what both ends of a link have proven, best first: tokens, then tickets; with a
   * channel, only those by which this side may dial it.
   */
  secrets(link: TunnelLink, channel: string | undefined): Uint8Array[] {
    if (link.provenBy === 'open') return [OPEN_SECRET]
    if (link.provenBy === 'token') return [...link.tokens.proven]
    const keys: Uint8Array[] = []
    const held = new Map(
      this.#wallet.for(link.connection.remotePeer).map(({ claims, key }) => [claims.id, key])
    )
    for (const claims of link.scope.tickets(channel)) {
      const key = held.get(claims.id) ?? this.#authority?.proofKeyOf(claims)
      if (key !== undefined) keys.push(key)
    }
    return keys
  }

  /**
   * Does not bother a sharer with tickets that both sides know are over, when there is nothing else.
   *
   * @throws {TicketExpiredError}
   */
  checkTime(peer: PeerId): void {
    const { options } = this.#init
    if (options.open || this.#tokenKeys.length > 0 || this.#wallet.for(peer).length > 0) return
    if (!this.#wallet.hasExpired(peer)) return
    throw refusalError(RefuseCode.TICKET_EXPIRED, peer.toString(), 'us')
  }

  /** A link was proven: judges what its peer will present, and presents what is not on it yet. */
  linked(link: TunnelLink, grant: LinkGrant): void {
    const peer = link.connection.remotePeer
    link.tickets.judgeBy({
      ...this.credentials(peer),
      granted: claims => this.#init.granted(link, claims)
    })
    for (const { id, error } of grant.refused) this.#init.refused(id, error)
    // The tokens may have changed while it was proven.
    link.tokens.renew(this.#tokenKeys)
    if (link.scope.full) return
    // More than a hello takes, added while the proof was under way, or found wrong in it.
    const done = new Set([...grant.refused, ...link.scope.held()].map(({ id }) => id))
    for (const ticket of this.#wallet.for(peer)) {
      if (!done.has(ticket.claims.id)) this.#present(link, ticket)
    }
  }

  /** @throws {TunnelLimitError} */
  add(ticket: Ticket): void {
    this.#wallet.add(ticket)
    const link = this.#init.table.connected(ticket.sharer.toString())
    if (link === undefined || link.scope.full) return
    const held = this.#wallet.for(ticket.sharer).find(({ claims }) => claims.id === ticket.id)
    if (held !== undefined) this.#present(link, held)
    else {
      const error = refusalError(RefuseCode.TICKET_EXPIRED, link.peer, 'us')
      queueMicrotask(() => this.#init.refused(ticket.id, error))
    }
  }

  remove(ticketId: string): void {
    const ticket = this.#wallet.remove(ticketId)
    if (ticket === undefined) return
    for (const link of this.#init.table.ofPeer(ticket.sharer.toString())) {
      if (link.scope.remove(ticketId) === undefined) continue
      link.shrink()
      if (link.scope.empty) void link.close(GoodbyeReason.REMOVED)
    }
  }

  /** @throws {InvalidTunnelOptionError} without a ticket key; what the store throws */
  async revoke({ id, expires }: RevokedTicket): Promise<void> {
    if (this.#authority === undefined) {
      throw new InvalidTunnelOptionError('this tunnel issues no tickets: it was given no ticketKey')
    }
    const kept = this.#authority.revoke({ id, expires })
    this.endOver()
    await kept
  }

  /** Ends what stands on tickets issued here that are revoked, or whose time is over. */
  endOver(): void {
    for (const link of this.#init.table.all()) {
      for (const claims of link.scope.granted()) {
        const reason = this.#authority?.refusal(claims)
        if (reason !== undefined) void link.tickets.end(claims.id, ticketRefuseCode(reason))
      }
    }
  }

  #present(link: TunnelLink, ticket: HeldTicket): void {
    const init = this.#init
    link.tickets.present(ticket).then(
      () => init.granted(link, ticket.claims),
      error => {
        // A link that ended meanwhile says nothing about the ticket: the next one presents it.
        if (isFatalRefusal(error)) init.refused(ticket.claims.id, error as Error)
      }
    )
  }
}

function madeUpKey(): Uint8Array {
  return new Uint8Array(randomBytes(32))
}
