import type { PeerId } from '@libp2p/interface'
import { TunnelLimitError } from '../errors.ts'
import { peerTarget } from '../links/node-target.ts'
import type { NodeTarget } from '../links/node-keeper.ts'
import type { HeldTicket } from './link-handshake.ts'
import { ticketProofKey } from './link-proof.ts'
import type { Ticket } from './ticket.ts'

/** The tickets that a tunnel holds, with what is needed to use them. */
export class TicketWallet {
  readonly #limit: number
  /** Seconds since 1970, and by how much the sharer's clock may be behind. */
  readonly #now: () => number
  readonly #clockSkew: number
  readonly #tickets = new Map<string, Ticket & { readonly key: Uint8Array }>()

  constructor(limit: number, clockSkew: number, now: () => number) {
    this.#limit = limit
    this.#clockSkew = clockSkew
    this.#now = now
  }

  get size(): number {
    return this.#tickets.size
  }

  /** @throws {TunnelLimitError} */
  add(ticket: Ticket): void {
    if (this.#tickets.size >= this.#limit && !this.#tickets.has(ticket.id)) {
      throw new TunnelLimitError(
        `cannot add the ticket: ${this.#limit} are held already (limits.tickets); remove one`
      )
    }
    this.#tickets.set(ticket.id, { ...ticket, key: ticketProofKey(ticket.secret) })
  }

  remove(id: string): Ticket | undefined {
    const ticket = this.#tickets.get(id)
    this.#tickets.delete(id)
    return ticket
  }

  /** What may be presented to `peer`: its own tickets, as long as they have time. */
  for(peer: PeerId): HeldTicket[] {
    const held: HeldTicket[] = []
    for (const ticket of this.#tickets.values()) {
      if (!ticket.sharer.equals(peer) || this.expired(ticket)) continue
      held.push({ claims: ticket, key: ticket.key })
    }
    return held
  }

  /** Whether any ticket of `peer` has run out of time. */
  hasExpired(peer: PeerId): boolean {
    return [...this.#tickets.values()].some(
      ticket => ticket.sharer.equals(peer) && this.expired(ticket)
    )
  }

  expired(ticket: Ticket): boolean {
    return ticket.expires + this.#clockSkew <= this.#now()
  }

  /** The sharers, each at the addresses of all its tickets. */
  targets(): NodeTarget[] {
    const bySharer = new Map<
      string,
      { peer: PeerId; addrs: Map<string, Ticket['addrs'][number]> }
    >()
    for (const { sharer, addrs } of this.#tickets.values()) {
      const known = bySharer.get(sharer.toString()) ?? { peer: sharer, addrs: new Map() }
      for (const addr of addrs) known.addrs.set(addr.toString(), addr)
      bySharer.set(sharer.toString(), known)
    }
    return [...bySharer.values()].map(({ peer, addrs }) =>
      peerTarget({ peer, addrs: [...addrs.values()] })
    )
  }
}
