import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { encodeVarint, varintSize } from '@warren/utils'
import { base32 } from 'multiformats/bases/base32'
import { withoutPeer } from '../links/node-target.ts'
import { encodeClaims, invalid, readClaims, readNumber } from './ticket-claims.ts'
import type { TicketClaims, TicketDirection } from './ticket-claims.ts'

/** Access to one channel of one peer, without the network's token. Whoever holds it has access. */
export interface Ticket extends TicketClaims {
  /** Where the sharer may be reached; hints, not bound to the secret. */
  readonly addrs: readonly Multiaddr[]
  /** 16 bytes that only the sharer can derive from the claims. */
  readonly secret: Uint8Array
}

/** What {@link issueTicket} is told. */
export interface TicketRequest {
  /** The issuing peer itself. */
  readonly sharer: PeerId
  /** The only channel that the ticket gives access to. */
  readonly channel: string
  /** End of the ticket, in seconds since 1970 (UTC). */
  readonly expires: number
  /** Where the sharer listens, at most 8; `/p2p` is not needed. */
  readonly addrs: readonly Multiaddr[]
  /** What the holder may do on the channel. Default `'dial'`. */
  readonly direction?: TicketDirection
  /** How many different peers may use the ticket, at most 1,024. Default: no limit. */
  readonly uses?: number
}

/** Bytes of a ticket's secret. */
export const TICKET_SECRET_BYTES = 16
/** Bytes of a sharer's ticket key. */
export const TICKET_KEY_BYTES = 32

const SCHEME = 'warren:'
const CHECKSUM_BYTES = 4
const MAX_ADDRS = 8
const MAX_ADDR_BYTES = 255
/** Characters of a ticket's text; longer input is refused before it is decoded. */
const MAX_TEXT = 4_096

/** A new ticket key: 32 random bytes. Whoever has it can issue tickets of this sharer. */
export function generateTicketKey(): Uint8Array {
  return new Uint8Array(randomBytes(TICKET_KEY_BYTES))
}

/**
 * A new ticket with a random id. The sharer keeps no list: it derives the secret from the claims
 * again when the ticket is presented.
 *
 * @param ticketKey the sharer's own key, 32 bytes; see {@link generateTicketKey}
 * @throws {InvalidTicketError} when a claim is out of its range
 */
export function issueTicket(ticketKey: Uint8Array, request: TicketRequest): Ticket {
  const claims: TicketClaims = {
    id: randomBytes(16).toString('hex'),
    sharer: request.sharer,
    channel: request.channel,
    direction: request.direction ?? 'dial',
    expires: request.expires,
    ...(request.uses === undefined ? {} : { uses: request.uses })
  }
  const secret = deriveTicketSecret(ticketKey, encodeClaims(claims))
  return { ...claims, addrs: request.addrs.map(withoutPeer), secret }
}

/** The secret of the ticket with these canonical claims: HMAC-SHA256(ticket key, claims)[:16]. */
export function deriveTicketSecret(ticketKey: Uint8Array, claims: Uint8Array): Uint8Array {
  if (ticketKey.length !== TICKET_KEY_BYTES) {
    throw invalid(`the ticket key has ${ticketKey.length} bytes instead of ${TICKET_KEY_BYTES}`)
  }
  const mac = createHmac('sha256', ticketKey).update('warren/ticket/1').update(claims).digest()
  return new Uint8Array(mac.subarray(0, TICKET_SECRET_BYTES))
}

/**
 * The text of a ticket: `warren:` and base32 of `claims | addresses | secret | checksum`. A QR code
 * may hold it in capitals (alphanumeric mode): {@link decodeTicket} reads both.
 */
export function encodeTicket(ticket: Ticket): string {
  const claims = encodeClaims(ticket)
  const addrs = ticket.addrs.map(addr => addr.bytes)
  if (addrs.length > MAX_ADDRS) throw invalid(`it has more than ${MAX_ADDRS} addresses`)
  if (addrs.some(addr => addr.length > MAX_ADDR_BYTES)) throw invalid('an address is too long')
  if (ticket.secret.length !== TICKET_SECRET_BYTES) throw invalid('its secret has a wrong length')
  const size =
    claims.length +
    1 +
    addrs.reduce((sum, addr) => sum + varintSize(addr.length) + addr.length, 0) +
    TICKET_SECRET_BYTES
  const payload = new Uint8Array(size + CHECKSUM_BYTES)
  payload.set(claims)
  let at = encodeVarint(addrs.length, payload, claims.length)
  for (const addr of addrs) {
    at = encodeVarint(addr.length, payload, at)
    payload.set(addr, at)
    at += addr.length
  }
  payload.set(ticket.secret, at)
  payload.set(checksum(payload.subarray(0, size)), size)
  return SCHEME + base32.baseEncode(payload)
}

/**
 * Reads the text of a ticket.
 *
 * @throws {InvalidTicketError} when it is not whole; a message never repeats the text
 */
export function decodeTicket(text: string): Ticket {
  if (typeof text !== 'string') throw invalid('it is not text')
  const trimmed = text.trim().toLowerCase()
  if (!trimmed.startsWith(SCHEME)) throw invalid(`it does not begin with ${SCHEME}`)
  if (trimmed.length > MAX_TEXT) throw invalid('it is too long')
  let payload: Uint8Array
  try {
    payload = base32.baseDecode(trimmed.slice(SCHEME.length))
  } catch {
    throw invalid('it holds a character that is not base32 (a–z, 2–7)')
  }
  const size = payload.length - CHECKSUM_BYTES
  if (size < TICKET_SECRET_BYTES) throw invalid('it is too short')
  const body = payload.subarray(0, size)
  if (!Buffer.from(checksum(body)).equals(payload.subarray(size))) {
    throw invalid('its checksum does not match; a character is wrong or missing')
  }
  const { claims, bytes } = readClaims(body)
  let at = bytes
  const count = readNumber(body, at, MAX_ADDRS)
  at += count.bytes
  const addrs: Multiaddr[] = []
  for (let i = 0; i < count.value; i++) {
    const length = readNumber(body, at, MAX_ADDR_BYTES)
    at += length.bytes
    if (body.length - at < length.value) throw invalid('it was cut')
    addrs.push(readAddr(body.slice(at, at + length.value)))
    at += length.value
  }
  if (body.length - at !== TICKET_SECRET_BYTES) throw invalid('its length is wrong')
  return { ...claims, addrs, secret: body.slice(at) }
}

function readAddr(bytes: Uint8Array): Multiaddr {
  try {
    return multiaddr(bytes)
  } catch (cause) {
    throw invalid('it holds an address that cannot be read', cause)
  }
}

function checksum(payload: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update('warren/ticket/checksum/1').update(payload).digest()
  return hash.subarray(0, CHECKSUM_BYTES)
}
