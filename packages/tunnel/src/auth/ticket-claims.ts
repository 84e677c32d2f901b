import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import { encodeVarint, readVarint, varintSize } from '@warren/utils'
import * as digest from 'multiformats/hashes/digest'
import { isChannelName, MAX_CHANNEL_BYTES } from '../channels/channel-name.ts'
import { InvalidTicketError } from '../errors.ts'

/** What the holder of a ticket may do with its channel: open it, provide it, or both. */
export type TicketDirection = 'dial' | 'listen' | 'both'

/** What a ticket says; its secret is derived from exactly this. */
export interface TicketClaims {
  /** Id of the ticket: 32 hexadecimal digits, random. */
  readonly id: string
  /** The peer that issued the ticket and serves its channel. */
  readonly sharer: PeerId
  /** The only channel that a link proven by this ticket carries. */
  readonly channel: string
  /** What the holder may do on the channel. */
  readonly direction: TicketDirection
  /** End of the ticket, in seconds since 1970 (UTC). */
  readonly expires: number
  /** How many different peers may use it; reconnecting costs nothing. Absent: no limit. */
  readonly uses?: number
}

/** Layout version of claims; another one is refused. */
const VERSION = 1
const ID_BYTES = 16
const MAX_PEER_BYTES = 64
/** Seconds: the year 36812. Keeps the number exact and the text short. */
const MAX_EXPIRES = 2 ** 40
/** Peers that one ticket can be limited to, so that the record of its uses is bounded. */
export const MAX_TICKET_USES = 1_024
/** No encoded claims are longer. */
export const MAX_CLAIMS_BYTES =
  2 + ID_BYTES + 6 + 2 + (1 + MAX_PEER_BYTES) + (2 + MAX_CHANNEL_BYTES)

const DIRECTIONS: readonly (TicketDirection | undefined)[] = [undefined, 'dial', 'listen', 'both']

/**
 * The canonical bytes of claims: `version | direction | id (16) | expires | uses | sharer | channel`,
 * numbers and lengths as varints. Two equal claims have equal bytes.
 *
 * @throws {InvalidTicketError} when a claim is out of its range
 */
export function encodeClaims(claims: TicketClaims): Uint8Array {
  const { id, channel, direction, expires, uses } = claims
  if (!/^[0-9a-f]{32}$/.test(id)) throw invalid('its id is not 32 hexadecimal digits')
  if (!isChannelName(channel)) throw invalid('its channel is not a channel name')
  if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRES) {
    throw invalid('its expiry is not a whole number of seconds since 1970')
  }
  if (uses !== undefined && (!Number.isInteger(uses) || uses < 1 || uses > MAX_TICKET_USES)) {
    throw invalid(`its uses are not a whole number from 1 to ${MAX_TICKET_USES}`)
  }
  const directionByte = DIRECTIONS.indexOf(direction)
  if (directionByte < 1) throw invalid('its direction is not dial, listen or both')
  const sharer = claims.sharer.toMultihash().bytes
  const name = new TextEncoder().encode(channel)
  const numbers = [expires, uses ?? 0]
  const size =
    2 +
    ID_BYTES +
    numbers.reduce((sum, number) => sum + varintSize(number), 0) +
    [sharer, name].reduce((sum, part) => sum + varintSize(part.length) + part.length, 0)
  const out = new Uint8Array(size)
  out[0] = VERSION
  out[1] = directionByte
  out.set(Buffer.from(id, 'hex'), 2)
  let at = 2 + ID_BYTES
  for (const number of numbers) at = encodeVarint(number, out, at)
  for (const part of [sharer, name]) {
    at = encodeVarint(part.length, out, at)
    out.set(part, at)
    at += part.length
  }
  return out
}

/**
 * Reads claims from the beginning of `data`.
 *
 * @returns the claims and how many bytes they took
 * @throws {InvalidTicketError} when they are not the canonical bytes of any claims
 */
export function readClaims(data: Uint8Array): { claims: TicketClaims; bytes: number } {
  if (data.length < 2 + ID_BYTES) throw invalid('it is too short')
  if (data[0] !== VERSION) {
    throw invalid(`its version is ${data[0]}; this side knows version ${VERSION}`)
  }
  const direction = DIRECTIONS[data[1] ?? 0]
  if (direction === undefined) throw invalid('its direction is unknown')
  const id = Buffer.from(data.subarray(2, 2 + ID_BYTES)).toString('hex')
  let at = 2 + ID_BYTES
  const number = (max: number): number => {
    const read = readNumber(data, at, max)
    at += read.bytes
    return read.value
  }
  const part = (max: number): Uint8Array => {
    const length = number(max)
    if (data.length - at < length) throw invalid('it was cut')
    at += length
    return data.subarray(at - length, at)
  }
  const expires = number(MAX_EXPIRES)
  const uses = number(MAX_TICKET_USES)
  const sharer = readPeerId(part(MAX_PEER_BYTES))
  const channel = readName(part(MAX_CHANNEL_BYTES))
  const claims: TicketClaims = {
    id,
    sharer,
    channel,
    direction,
    expires,
    ...(uses === 0 ? {} : { uses })
  }
  // Refuses claims that no encoder writes, so that equal claims always have equal bytes.
  if (!Buffer.from(encodeClaims(claims)).equals(data.subarray(0, at))) {
    throw invalid('its claims are not in canonical form')
  }
  return { claims, bytes: at }
}

/** A varint at `at`, refused with an {@link InvalidTicketError} when it is cut or over `max`. */
export function readNumber(
  data: Uint8Array,
  at: number,
  max: number
): { value: number; bytes: number } {
  let read: { value: number; bytes: number } | undefined
  try {
    read = readVarint(data, at, max)
  } catch (cause) {
    throw invalid('it holds a number out of range', cause)
  }
  if (read === undefined) throw invalid('it was cut')
  return read
}

function readPeerId(bytes: Uint8Array): PeerId {
  try {
    return peerIdFromMultihash(
      digest.decode(bytes.slice()) as Parameters<typeof peerIdFromMultihash>[0]
    )
  } catch (cause) {
    throw invalid('its peer id is not one', cause)
  }
}

function readName(bytes: Uint8Array): string {
  let name: string
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw invalid('its channel name is not UTF-8', cause)
  }
  if (!isChannelName(name)) throw invalid('its channel is not a channel name')
  return name
}

/** The one message of everything that is wrong with a ticket's form. */
export function invalid(why: string, cause?: unknown): InvalidTicketError {
  return new InvalidTicketError(
    `this is not a usable ticket: ${why}. Ask its sharer for a new one, or copy it whole`,
    { cause }
  )
}
