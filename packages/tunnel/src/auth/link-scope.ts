import type { TicketClaims, TicketDirection } from './ticket-claims.ts'

/**
 * What a link may be used for. A link that the network's token proved is full; one that tickets
 * proved carries only their channels, each in its direction.
 */
export class LinkScope {
  readonly full: boolean
  /** Tickets that the peer holds and this side issued. */
  readonly #granted = new Map<string, TicketClaims>()
  /** Tickets that this side holds and the peer issued. */
  readonly #held = new Map<string, TicketClaims>()

  constructor(full: boolean) {
    this.full = full
  }

  /** Adds a ticket of the peer, issued here. */
  grant(claims: TicketClaims): void {
    this.#granted.set(claims.id, claims)
  }

  /** Adds a ticket of this side, acknowledged by its sharer. */
  hold(claims: TicketClaims): void {
    this.#held.set(claims.id, claims)
  }

  /** Takes a ticket out, whoever holds it. */
  remove(id: string): TicketClaims | undefined {
    const claims = this.#granted.get(id) ?? this.#held.get(id)
    this.#granted.delete(id)
    this.#held.delete(id)
    return claims
  }

  /** Tickets of the peer, issued here. */
  granted(): TicketClaims[] {
    return [...this.#granted.values()]
  }

  /** Tickets of this side, issued by the peer. */
  held(): TicketClaims[] {
    return [...this.#held.values()]
  }

  /** `true` when nothing may be carried (any more). */
  get empty(): boolean {
    return !this.full && this.#granted.size === 0 && this.#held.size === 0
  }

  /** How many tickets prove it. */
  get size(): number {
    return this.#granted.size + this.#held.size
  }

  /** The tickets that prove it; with a channel, those by which this side may dial it. */
  tickets(channel?: string): TicketClaims[] {
    if (channel === undefined) return [...this.held(), ...this.granted()]
    return [
      ...this.held().filter(ticket => covers(ticket, channel, 'dial')),
      ...this.granted().filter(ticket => covers(ticket, channel, 'listen'))
    ]
  }

  /** This side may dial `channel` at the peer; and so may learn that the peer listens on it. */
  mayDial(channel: string): boolean {
    return (
      this.full || allows(this.#held, channel, 'dial') || allows(this.#granted, channel, 'listen')
    )
  }

  /** The peer may dial `channel` here; and so may be told of it. */
  mayServe(channel: string): boolean {
    return (
      this.full || allows(this.#granted, channel, 'dial') || allows(this.#held, channel, 'listen')
    )
  }
}

function allows(
  tickets: ReadonlyMap<string, TicketClaims>,
  channel: string,
  direction: TicketDirection
): boolean {
  for (const ticket of tickets.values()) if (covers(ticket, channel, direction)) return true
  return false
}

function covers(ticket: TicketClaims, channel: string, direction: TicketDirection): boolean {
  if (ticket.channel !== channel) return false
  return ticket.direction === direction || ticket.direction === 'both'
}
