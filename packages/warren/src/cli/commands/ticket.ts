import { decodeTicket } from '@warren/tunnel'
import { describeError, printable } from '@warren/utils'
import { UnknownNameError, UnknownTicketError, UsageError } from '../../errors.ts'
import { issueTicketIn } from '../../node/tickets.ts'
import { askAll } from '../../control/control-client.ts'
import type { Home, SavedTicket } from '../../state/home.ts'
import type { Context } from '../context.ts'
import { describeDuration, parseDuration } from '../duration.ts'
import { readSecret } from '../secret-input.ts'

/** How long a revocation is kept when it is not known when the ticket expires (ms). */
const UNKNOWN_EXPIRY = 100 * 31_536_000_000

/** `warren ticket new <name>`. */
export async function ticketNew(
  context: Context,
  name: string,
  options: { readonly expires: string; readonly uses?: number; readonly announce?: string[] }
): Promise<void> {
  const { output } = context
  const home = await context.home()
  const lifetime = parseDuration(options.expires, '--expires')
  if ((await home.shares.get(name)) === undefined && !(await wasIssued(home, name))) {
    const names = (await home.shares.entries()).map(([known]) => printable(known, 80))
    throw new UnknownNameError(
      `nothing is shared here as ${JSON.stringify(printable(name, 80))}` +
        (names.length === 0 ? ': begin with "warren share"' : `; known: ${names.join(', ')}`)
    )
  }
  const addresses = options.announce ?? (await addressesOf(home, name))
  const ticket = await issueTicketIn(home, {
    peer: await home.peerId(),
    channel: name,
    lifetime,
    uses: options.uses,
    addresses
  })
  const { id, text, expires } = ticket
  if (output.json)
    output.object({ id, ticket: text, channel: name, expires: expires.toISOString() })
  else output.data(text)
}

/** `warren ticket ls`. */
export async function ticketLs(context: Context): Promise<void> {
  const { output } = context
  const home = await context.home()
  const now = Date.now()
  const tickets = []
  for (const [id, ticket] of await home.tickets.entries()) {
    const revoked = await home.revoked.mentions(id)
    const expired = ticket.expires !== null && ticket.expires <= now
    tickets.push({ id, ...ticket, state: revoked ? 'revoked' : expired ? 'expired' : 'valid' })
  }
  tickets.sort((a, b) => a.issued - b.issued)
  if (output.json) {
    output.object({
      tickets: tickets.map(({ id, channel, peer, issued, expires, state }) => ({
        id,
        channel,
        peer,
        issued: new Date(issued).toISOString(),
        expires: expires === null ? null : new Date(expires).toISOString(),
        state
      }))
    })
    return
  }
  for (const { id, channel, expires, state } of tickets) {
    const left =
      state === 'valid' && expires !== null ? `for ${describeDuration(expires - now)}` : state
    output.data(`${id}  ${left.padEnd(12)}  ${printable(channel, 80)}`)
  }
  if (tickets.length === 0) output.say('no ticket was issued here: "warren share" issues one')
}

/** `warren ticket revoke <ticket>`. */
export async function ticketRevoke(context: Context, which: string): Promise<void> {
  const { output, signal } = context
  const home = await context.home()
  const { id, ticket, expires } = await findTicket(home, which, signal)
  const known = await home.revoked.mentions(id)
  if (!known) await home.revoked.put(id, { at: Date.now(), expires })
  // Processes look for themselves every few seconds; asked, they do it now, and we learn of it.
  const { answers, silent } = await askAll(home.path, { warren: 1, do: 'revoke', id })
  for (const { pid, error } of silent) {
    output.warn(`process ${pid} does not answer (${describeError(error)}); it follows by itself`)
  }
  if (output.json) {
    output.object({ id, revoked: true, before: known, processes: answers.map(({ pid }) => pid) })
    return
  }
  const channel = ticket === undefined ? '' : ` for ${printable(ticket.channel, 80)}`
  output.say(
    known ? `ticket ${id}${channel} was revoked before` : `ticket ${id}${channel} is revoked`
  )
}

async function findTicket(
  home: Home,
  which: string,
  signal: AbortSignal
): Promise<{ id: string; ticket: SavedTicket | undefined; expires: number }> {
  const text = which === '-' ? await readSecret('-', 'ticket', signal) : which
  if (/^warren:/i.test(text)) {
    const ticket = decodeTicket(text)
    const saved = await home.tickets.get(ticket.id)
    return { id: ticket.id, ticket: saved, expires: ticket.expires * 1_000 }
  }
  const prefix = text.toLowerCase()
  if (!/^[0-9a-f]{4,32}$/.test(prefix)) {
    throw new UsageError(
      'give the id of a ticket ("warren ticket ls" shows it; its first 4 digits are enough), ' +
        'or the ticket itself'
    )
  }
  const found = (await home.tickets.entries()).filter(([id]) => id.startsWith(prefix))
  const [first, second] = found
  if (second !== undefined) {
    throw new UsageError(`${found.length} tickets begin with ${prefix}: give more of the id`)
  }
  if (first !== undefined) {
    const [id, ticket] = first
    return { id, ticket, expires: ticket.expires ?? Date.now() + UNKNOWN_EXPIRY }
  }
  // A whole id that is not on record may still be out there: it is revoked as it is.
  if (prefix.length === 32) {
    return { id: prefix, ticket: undefined, expires: Date.now() + UNKNOWN_EXPIRY }
  }
  throw new UnknownTicketError(
    `no ticket issued here begins with ${prefix}: see "warren ticket ls"`
  )
}

async function wasIssued(home: Home, channel: string): Promise<boolean> {
  return (await home.tickets.entries()).some(([, ticket]) => ticket.channel === channel)
}

/** The addresses of the newest ticket for the same share, by the kept identity. */
async function addressesOf(home: Home, channel: string): Promise<string[]> {
  const peer = await home.peerId()
  const newest = (await home.tickets.entries())
    .map(([, ticket]) => ticket)
    .filter(ticket => ticket.channel === channel && ticket.peer === peer)
    .sort((a, b) => b.issued - a.issued)[0]
  if (newest === undefined) {
    throw new UsageError(
      `it is not known where ${printable(channel, 80)} can be reached: share it once, or give --announce`
    )
  }
  return decodeTicket(newest.text).addrs.map(String)
}
