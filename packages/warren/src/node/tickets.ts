import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { encodeTicket, issueTicket } from '@warren/tunnel'
import { NodeOptionsError } from '../errors.ts'
import type { Home } from '../state/home.ts'
import { MAX_TICKET_ADDRESSES } from './addresses.ts'
import type { NodeTicket } from './node-types.ts'

/** What {@link makeTicket} is told. */
export interface TicketRequest {
  /** Peer id of the sharer. */
  readonly peer: string
  readonly channel: string
  /** Milliseconds for which it can be used. */
  readonly lifetime: number
  readonly uses?: number | undefined
  /** Multiaddrs, best first. */
  readonly addresses: readonly string[]
}

/** A new ticket by the ticket key. */
export function makeTicket(key: Uint8Array, request: TicketRequest): NodeTicket {
  const { peer, channel, lifetime, uses, addresses } = request
  const expires = Math.ceil((Date.now() + lifetime) / 1_000)
  const ticket = issueTicket(key, {
    sharer: peerIdFromString(peer) as PeerId,
    channel,
    expires,
    addrs: addresses.slice(0, MAX_TICKET_ADDRESSES).map(parseAddress),
    ...(uses === undefined ? {} : { uses })
  })
  return { id: ticket.id, text: encodeTicket(ticket), channel, expires: new Date(expires * 1_000) }
}

/** A new ticket by the key of the state directory, put on its record. */
export async function issueTicketIn(home: Home, request: TicketRequest): Promise<NodeTicket> {
  const ticket = makeTicket(await home.ticketKey(), request)
  await home.tickets.put(ticket.id, {
    channel: ticket.channel,
    peer: request.peer,
    issued: Date.now(),
    expires: ticket.expires.getTime(),
    text: ticket.text
  })
  return ticket
}

/**
 * @throws ERR_NODE_OPTIONS when `text` is not a multiaddr
 */
export function parseAddress(text: string): ReturnType<typeof multiaddr> {
  try {
    return multiaddr(text)
  } catch (cause) {
    throw new NodeOptionsError(
      `${JSON.stringify(text)} is not a multiaddr, such as /ip4/192.168.1.9/tcp/4001`,
      { cause }
    )
  }
}
