import { concat } from '../bytes.ts'
import { NoiseHandshakeError } from '../errors.ts'
import { encodeVarint, readVarint, varintSize, VarintError } from '@warren/utils'

/**
 * What each end of a handshake says of itself: `NoiseHandshakePayload` of the libp2p noise
 * specification. Written and read here, beside the library, because the initiator's muxer is known
 * only after the library has encoded its own payload, and because the identity is to be judged
 * before the library verifies a signature for it.
 */
export interface HandshakePayload {
  /** The identity key in libp2p's protobuf encoding. */
  readonly identityKey: Uint8Array
  /** Signature of the static Noise key by the identity key. */
  readonly identitySig: Uint8Array
  /** Hashes of WebTransport certificates. */
  readonly webtransportCerthashes: readonly Uint8Array[]
  /** Muxers, in order of preference. */
  readonly streamMuxers: readonly string[]
}

const IDENTITY_KEY = 1
const IDENTITY_SIG = 2
const EXTENSIONS = 4
const CERTHASHES = 1
const STREAM_MUXERS = 2

const KNOWN: ReadonlySet<number> = new Set([IDENTITY_KEY, IDENTITY_SIG, EXTENSIONS])

/** Protobuf wire type of length-delimited fields: the only one used here. */
const LENGTH_DELIMITED = 2

/** The highest field number of protobuf; readers differ in what they make of one beyond. */
const MAX_FIELD_NUMBER = 2 ** 29 - 1

/** Fields in one message; more is no honest payload. */
const MAX_FIELDS = 256

/** The bytes of `payload`. */
export function encodePayload(payload: HandshakePayload): Uint8Array {
  const text = new TextEncoder()
  const extensions = concat([
    ...payload.webtransportCerthashes.map(hash => field(CERTHASHES, hash)),
    ...payload.streamMuxers.map(name => field(STREAM_MUXERS, text.encode(name)))
  ])
  return concat([
    field(IDENTITY_KEY, payload.identityKey),
    field(IDENTITY_SIG, payload.identitySig),
    field(EXTENSIONS, extensions)
  ])
}

/**
 * Reads a payload. Stricter than protobuf: a field that comes twice, or in another type, is refused,
 * because two readers may differ on what it means.
 *
 * @throws {NoiseHandshakeError} when it is no payload
 */
export function decodePayload(bytes: Uint8Array): HandshakePayload {
  const top = new Map<number, Uint8Array>()
  for (const { number, value } of fields(bytes)) {
    if (top.has(number) && KNOWN.has(number)) throw malformed(`field ${number} comes twice`)
    top.set(number, value)
  }
  const webtransportCerthashes: Uint8Array[] = []
  const streamMuxers: string[] = []
  const text = new TextDecoder()
  for (const { number, value } of fields(top.get(EXTENSIONS) ?? new Uint8Array(0))) {
    if (number === CERTHASHES) webtransportCerthashes.push(value)
    else if (number === STREAM_MUXERS) streamMuxers.push(text.decode(value))
  }
  return {
    identityKey: top.get(IDENTITY_KEY) ?? new Uint8Array(0),
    identitySig: top.get(IDENTITY_SIG) ?? new Uint8Array(0),
    webtransportCerthashes,
    streamMuxers
  }
}

interface Field {
  readonly number: number
  readonly value: Uint8Array
}

/** The length-delimited fields of a message; those of other types are passed over. */
function fields(bytes: Uint8Array): Field[] {
  const found: Field[] = []
  let at = 0
  const number = (): number => {
    const varint = readVarint(bytes, at, Number.MAX_SAFE_INTEGER)
    if (varint === undefined) throw malformed('it ends inside a number')
    at += varint.bytes
    return varint.value
  }
  try {
    for (let count = 0; at < bytes.byteLength; count++) {
      if (count === MAX_FIELDS) throw malformed(`it has more than ${MAX_FIELDS} fields`)
      const tag = number()
      const type = tag % 8
      const field = Math.floor(tag / 8)
      if (field > MAX_FIELD_NUMBER) throw malformed('a field number is out of range')
      if (type !== LENGTH_DELIMITED && KNOWN.has(field)) {
        throw malformed(`field ${field} is of the wrong type`)
      }
      const size = type === LENGTH_DELIMITED ? number() : 0
      const start = at
      if (type === 0) number()
      else if (type === 1) at += 8
      else if (type === 5) at += 4
      else if (type === LENGTH_DELIMITED) at += size
      else throw malformed(`wire type ${type} is not in use`)
      if (at > bytes.byteLength) throw malformed('a field is longer than the message')
      if (type === LENGTH_DELIMITED) {
        found.push({ number: field, value: bytes.subarray(start, at) })
      }
    }
  } catch (error) {
    if (error instanceof VarintError) throw malformed('a number in it is not canonical', error)
    throw error
  }
  return found
}

function malformed(why: string, cause?: Error): NoiseHandshakeError {
  return new NoiseHandshakeError(`the peer's handshake payload is malformed: ${why}`, { cause })
}

function field(number: number, value: Uint8Array): Uint8Array {
  const head = number * 8 + LENGTH_DELIMITED
  const bytes = new Uint8Array(varintSize(head) + varintSize(value.byteLength) + value.byteLength)
  encodeVarint(head, bytes)
  encodeVarint(value.byteLength, bytes, varintSize(head))
  bytes.set(value, bytes.byteLength - value.byteLength)
  return bytes
}
