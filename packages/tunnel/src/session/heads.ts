import { SEAL_HINT_BYTES } from '../auth/session-seal.ts'
import { isChannelName } from '../channels/channel-name.ts'
import { SessionProtocolError } from './errors.ts'
import type { Mode } from './session-types.ts'
import { readOffset, readU16, readU32, writeOffset, writeU16, writeU32 } from './wire-numbers.ts'

/** Version of the heads and frames that this code speaks. */
export const SESSION_VERSION = 1
/** Bytes of a session id. */
export const ID_BYTES = 16
/** Bytes of a session's secret and of a proof. */
export const SECRET_BYTES = 32
/** No head has a longer body. */
export const MAX_HEAD_BODY = 512

/** Asks for a new session. `epoch` is 0, or higher when an earlier `open` had no answer. */
export interface OpenHead {
  readonly type: 'open'
  readonly id: Uint8Array
  readonly epoch: number
  readonly mode: Mode
  readonly bytes: boolean
  /** How far the acceptor may send at first. */
  readonly limit: number
  readonly channel: string
}

/** The session is open: its secret, and how far the dialler may send at first. */
export interface AcceptHead {
  readonly type: 'accept'
  readonly secret: Uint8Array
  readonly limit: number
}

/** The `open` or `resume` is refused; codes in `REFUSE`. */
export interface RefuseHead {
  readonly type: 'refuse'
  readonly code: number
}

/** Attaches this stream to a session. */
export interface ResumeHead {
  readonly type: 'resume'
  readonly id: Uint8Array
  readonly epoch: number
  /** Contiguous bytes that the dialler holds of the acceptor's. */
  readonly received: number
  /** Bytes that the dialler has sent in this session so far. */
  readonly sent: number
  readonly proof: Uint8Array
}

/** The stream is attached; both sides send from what the other has received. */
export interface ResumedHead {
  readonly type: 'resumed'
  readonly received: number
  readonly sent: number
  readonly proof: Uint8Array
}

/** An `open` or `resume` behind which everything is sealed. */
export interface SealedHead {
  readonly type: 'sealed'
  /** Which secret seals. */
  readonly hint: Uint8Array
  readonly head: OpenHead | ResumeHead
  /** The whole, as it is on the wire: the seal is bound to it. */
  readonly bytes: Uint8Array
}

/** A head of a version that is not spoken here, or an `open` with a mode unknown here. */
export interface UnsupportedHead {
  readonly type: 'unsupported'
}

export type Head =
  | OpenHead
  | AcceptHead
  | RefuseHead
  | ResumeHead
  | ResumedHead
  | SealedHead
  | UnsupportedHead

const TYPE = {
  open: 0x01,
  accept: 0x02,
  refuse: 0x03,
  resume: 0x04,
  resumed: 0x05,
  sealed: 0x06
} as const

const MODES: readonly Mode[] = ['unicast', 'multicast', 'broadcast']
const HEADER = 3
const OPEN_FIXED = 1 + ID_BYTES + 4 + 1 + 1 + 4 + 1
const RESUME_BODY = 1 + ID_BYTES + 4 + 8 + 8 + SECRET_BYTES
const SEALED_FIXED = 1 + SEAL_HINT_BYTES

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes of a head. */
export function encodeHead(head: Exclude<Head, SealedHead | UnsupportedHead>): Uint8Array {
  switch (head.type) {
    case 'open': {
      const channel = encoder.encode(head.channel)
      const out = frame(TYPE.open, OPEN_FIXED + channel.length)
      out[3] = SESSION_VERSION
      out.set(head.id, 4)
      writeU32(out, 20, head.epoch)
      out[24] = MODES.indexOf(head.mode)
      out[25] = head.bytes ? 1 : 0
      writeU32(out, 26, head.limit)
      out[30] = channel.length
      out.set(channel, 31)
      return out
    }
    case 'accept': {
      const out = frame(TYPE.accept, SECRET_BYTES + 4)
      out.set(head.secret, 3)
      writeU32(out, 3 + SECRET_BYTES, head.limit)
      return out
    }
    case 'refuse': {
      const out = frame(TYPE.refuse, 2)
      writeU16(out, 3, head.code)
      return out
    }
    case 'resume': {
      const out = frame(TYPE.resume, RESUME_BODY)
      out[3] = SESSION_VERSION
      out.set(head.id, 4)
      writeU32(out, 20, head.epoch)
      writeOffset(out, 24, head.received)
      writeOffset(out, 32, head.sent)
      out.set(head.proof, 40)
      return out
    }
    case 'resumed': {
      const out = frame(TYPE.resumed, 16 + SECRET_BYTES)
      writeOffset(out, 3, head.received)
      writeOffset(out, 11, head.sent)
      out.set(head.proof, 19)
      return out
    }
  }
}

/** The bytes of a {@link SealedHead}. */
export function encodeSealedHead(hint: Uint8Array, head: OpenHead | ResumeHead): Uint8Array {
  const inner = encodeHead(head)
  const out = frame(TYPE.sealed, SEALED_FIXED + inner.length)
  out[HEADER] = SESSION_VERSION
  out.set(hint, HEADER + 1)
  out.set(inner, HEADER + SEALED_FIXED)
  return out
}

function frame(type: number, body: number): Uint8Array {
  const out = new Uint8Array(HEADER + body)
  out[0] = type
  writeU16(out, 1, body)
  return out
}

/** A head, and the bytes that came behind it: frames already. */
export interface DecodedHead {
  readonly head: Head
  readonly rest: Uint8Array
}

/** Collects the first frame of a stream from chunks of any size. */
export class HeadDecoder {
  /** Grows with what has come, never with what a length claims. */
  #held: Uint8Array = new Uint8Array(0)

  /**
   * The head, once it is whole.
   *
   * @throws {SessionProtocolError} when the bytes are no head
   */
  push(chunk: Uint8Array): DecodedHead | undefined {
    const data = this.#held.length === 0 ? chunk : concat(this.#held, chunk)
    if (data.length > 0) checkType(data[0] ?? 0)
    if (data.length < HEADER) {
      this.#held = new Uint8Array(data)
      return undefined
    }
    const length = readU16(data, 1)
    if (length > MAX_HEAD_BODY) {
      throw new SessionProtocolError(
        `the peer sent a head of ${length} bytes (limit ${MAX_HEAD_BODY})`
      )
    }
    if (data.length < HEADER + length) {
      this.#held = new Uint8Array(data)
      return undefined
    }
    const head = decodeHead(data.subarray(0, HEADER + length))
    this.#held = new Uint8Array(0)
    return { head, rest: data.subarray(HEADER + length) }
  }
}

function checkType(type: number): void {
  if (type >= TYPE.open && type <= TYPE.sealed) return
  throw new SessionProtocolError(`the peer began a stream with ${type}, which is no head`)
}

/** @param bytes one whole head */
function decodeHead(bytes: Uint8Array): Head {
  const type = bytes[0] ?? 0
  const body = bytes.subarray(HEADER)
  switch (type) {
    case TYPE.open:
      return decodeOpen(body)
    case TYPE.accept:
      exactly(body, SECRET_BYTES + 4, 'accept')
      return {
        type: 'accept',
        secret: new Uint8Array(body.subarray(0, SECRET_BYTES)),
        limit: readU32(body, SECRET_BYTES)
      }
    case TYPE.refuse:
      exactly(body, 2, 'refuse')
      return { type: 'refuse', code: readU16(body, 0) }
    case TYPE.resume:
      if (isOtherVersion(body)) return { type: 'unsupported' }
      exactly(body, RESUME_BODY, 'resume')
      return {
        type: 'resume',
        id: new Uint8Array(body.subarray(1, 17)),
        epoch: readU32(body, 17),
        received: readOffset(body, 21),
        sent: readOffset(body, 29),
        proof: new Uint8Array(body.subarray(37))
      }
    case TYPE.resumed:
      exactly(body, 16 + SECRET_BYTES, 'resumed')
      return {
        type: 'resumed',
        received: readOffset(body, 0),
        sent: readOffset(body, 8),
        proof: new Uint8Array(body.subarray(16))
      }
    case TYPE.sealed:
      return decodeSealed(bytes)
    default:
      throw new SessionProtocolError(`the peer began a stream with ${type}, which is no head`)
  }
}

function decodeSealed(bytes: Uint8Array): SealedHead | UnsupportedHead {
  const body = bytes.subarray(HEADER)
  if (isOtherVersion(body)) return { type: 'unsupported' }
  const inner = body.subarray(SEALED_FIXED)
  const type = inner[0]
  if (type !== TYPE.open && type !== TYPE.resume) {
    throw new SessionProtocolError('the peer sealed what is neither an open nor a resume')
  }
  exactly(body, SEALED_FIXED + HEADER + readU16(inner, 1), 'sealed')
  const head = decodeHead(inner)
  if (head.type !== 'open' && head.type !== 'resume') return { type: 'unsupported' }
  return {
    type: 'sealed',
    hint: new Uint8Array(body.subarray(1, SEALED_FIXED)),
    head,
    bytes: new Uint8Array(bytes)
  }
}

function decodeOpen(body: Uint8Array): OpenHead | UnsupportedHead {
  if (isOtherVersion(body)) return { type: 'unsupported' }
  const length = body[27] ?? 0
  exactly(body, OPEN_FIXED + length, 'open')
  const kind = body[22] ?? 0
  if (kind > 1) throw new SessionProtocolError(`the peer sent an open of kind ${kind}`)
  const mode = MODES[body[21] ?? 0]
  if (mode === undefined) return { type: 'unsupported' }
  return {
    type: 'open',
    id: new Uint8Array(body.subarray(1, 17)),
    epoch: readU32(body, 17),
    mode,
    bytes: kind === 1,
    limit: readU32(body, 23),
    channel: decodeChannel(body.subarray(28))
  }
}

function decodeChannel(bytes: Uint8Array): string {
  let channel: string
  try {
    channel = decoder.decode(bytes)
  } catch (cause) {
    throw new SessionProtocolError('the peer sent a channel name that is no UTF-8', { cause })
  }
  if (isChannelName(channel)) return channel
  throw new SessionProtocolError('the peer sent a channel name that is empty or has controls')
}

/** Later versions change what follows their number, so nothing else of them is read. */
function isOtherVersion(body: Uint8Array): boolean {
  return body.length > 0 && body[0] !== SESSION_VERSION
}

function exactly(body: Uint8Array, length: number, name: string): void {
  if (body.length === length) return
  throw new SessionProtocolError(
    `the peer sent a head "${name}" of ${body.length} bytes, not ${length}`
  )
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
