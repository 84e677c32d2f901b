import type { Home } from '../state/home.ts'
import type { NodeTicket, WarrenNode } from '../node/node-types.ts'
import { makeName } from '../state/names.ts'

/** How many names are tried before a free one is taken for found. */
const TRIES = 100

/** Tickets end at whole seconds: a new one has up to so many milliseconds more than was asked for. */
const ROUNDING = 1_000

/**
 * The name under which `target` is shared: the one it had last time, else a new one that is not
 * taken here, kept at once.
 */
export async function nameOfShare(home: Home, target: string): Promise<string> {
  for (const [name, share] of await home.shares.entries()) {
    if (share.target === target) return name
  }
  for (let attempt = 0; ; attempt++) {
    const name = makeName(Math.random)
    const free = await home.shares.put(name, { target, created: Date.now() }, { exclusive: true })
    if (free || attempt === TRIES) return name
  }
}

/**
 * A ticket issued before that says what a new one would: same peer and channel, an address we still
 * have, not revoked, and at least half of `lifetime` left. So a share that comes back prints the
 * ticket that its users already have.
 */
export async function ticketIssuedBefore(
  home: Home,
  node: WarrenNode,
  channel: string,
  lifetime: number,
  addresses: readonly string[]
): Promise<NodeTicket | undefined> {
  const { decodeTicket } = await import('@warren/tunnel')
  for (const [id, ticket] of await home.tickets.entries()) {
    if (ticket.channel !== channel || ticket.peer !== node.peerId || ticket.expires === null)
      continue
    const left = ticket.expires - Date.now()
    if (left < lifetime / 2 || left > lifetime + ROUNDING || (await home.revoked.mentions(id)))
      continue
    try {
      const decoded = decodeTicket(ticket.text)
      const same = decoded.addrs.map(String).join() === addresses.join()
      if (same && decoded.uses === undefined) {
        return { id, text: ticket.text, channel, expires: new Date(ticket.expires) }
      }
    } catch {
      // Of an older version: a new one is issued.
    }
  }
  return undefined
}

/** Forgets tickets that expired a while ago, so that the records do not pile up. */
export async function forgetExpired(home: Home): Promise<void> {
  const before = Date.now() - 7 * 86_400_000
  for (const [id, { expires }] of await home.tickets.entries()) {
    if (expires !== null && expires < before) await home.tickets.delete(id)
  }
  for (const [id, { expires }] of await home.revoked.entries()) {
    if (expires !== null && expires < before) await home.revoked.delete(id)
  }
  for (const [id, { expires }] of await home.uses.entries()) {
    if (expires * 1_000 < before) await home.uses.delete(id)
  }
}
