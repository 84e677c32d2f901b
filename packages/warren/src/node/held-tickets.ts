import type { Ticket, Tunnel } from '@warren/tunnel'
import type { LinkErrors } from './link-errors.ts'

/**
 * Tickets that came with openings. Each is given back with the last opening by it, so that a node
 * that opens and closes for years holds, and is linked by, no more than it uses.
 */
export class HeldTickets {
  readonly #tunnel: Tunnel
  readonly #errors: LinkErrors
  /** Tickets of the node itself, which stay. */
  readonly #own: ReadonlySet<string>
  /** Openings by ticket id. */
  readonly #openings = new Map<string, number>()

  constructor(tunnel: Tunnel, errors: LinkErrors, own: readonly Ticket[]) {
    this.#tunnel = tunnel
    this.#errors = errors
    this.#own = new Set(own.map(({ id }) => id))
  }

  /**
   * Takes a ticket up for one opening.
   *
   * @returns gives it back; to be called once
   * @throws ERR_TUNNEL_LIMIT
   */
  hold(ticket: Ticket): () => void {
    const { id } = ticket
    this.#errors.expect(ticket)
    this.#tunnel.addTicket(ticket)
    if (this.#own.has(id)) return () => {}
    this.#openings.set(id, (this.#openings.get(id) ?? 0) + 1)
    return () => {
      const left = (this.#openings.get(id) ?? 1) - 1
      if (left > 0) {
        this.#openings.set(id, left)
        return
      }
      this.#openings.delete(id)
      this.#errors.forget(id)
      this.#tunnel.removeTicket(id)
    }
  }
}
