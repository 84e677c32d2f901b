import { VarintError, encodeVarint, readVarint, varintSize } from '@warren/utils'
import { NegotiationError } from '../errors.ts'

/** The header that both ends say first. */
export const MULTISTREAM = '/multistream/1.0.0'
/** Asks for a list of the protocols. */
export const LIST = 'ls'
/** The answer to a protocol that is not spoken. */
export const NOT_AVAILABLE = 'na'

/** The longest line, with its newline: what js-libp2p and go-libp2p accept. */
const MAX_LINE_BYTES = 1_024
const NEWLINE = 0x0a

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A line that was read, and where the next one begins. */
export interface Line {
  readonly text: string
  readonly end: number
}

/** Lines as bytes: each with its length before it and a newline at its end. */
export function encodeLines(...lines: readonly string[]): Uint8Array {
  return framed(lines.map(line => encoder.encode(`${line}\n`)))
}

/** The answer to `ls`: one line that holds the protocols, each as a line, and a newline. */
export function encodeList(protocols: readonly string[]): Uint8Array {
  const inner = encodeLines(...protocols)
  const body = new Uint8Array(inner.length + 1)
  body.set(inner)
  body[inner.length] = NEWLINE
  return framed([body])
}

/**
 * The line at `at`; `undefined` while it is not complete.
 *
 * @throws {NegotiationError} when it is too long or does not end in a newline
 */
export function readLine(bytes: Uint8Array, at: number): Line | undefined {
  const start = at
  const length = readLength(bytes, start)
  if (length === undefined) return undefined
  const end = length.end + length.value
  if (end > bytes.length) return undefined
  if (length.value === 0 || bytes[end - 1] !== NEWLINE) {
    throw new NegotiationError('the peer sent a line of multistream-select without its newline')
  }
  return { text: decoder.decode(bytes.subarray(length.end, end)).trimEnd(), end }
}

function readLength(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  try {
    const varint = readVarint(bytes, at, MAX_LINE_BYTES)
    return varint && { value: varint.value, end: at + varint.bytes }
  } catch (cause) {
    if (!(cause instanceof VarintError)) throw cause
    throw new NegotiationError(
      `the peer does not speak multistream-select: a line has ${MAX_LINE_BYTES} bytes at most`,
      { cause }
    )
  }
}

/** Bodies one behind the other, each with its length before it. */
function framed(bodies: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const { length } of bodies) size += varintSize(length) + length
  const bytes = new Uint8Array(size)
  let at = 0
  for (const body of bodies) {
    at = encodeVarint(body.length, bytes, at)
    bytes.set(body, at)
    at += body.length
  }
  return bytes
}
