import { InvalidMessageError, MessageTooLongError, SessionProtocolError } from './errors.ts'
import type { Message } from './session-types.ts'
import { readU16, readU32, writeU16, writeU32 } from './wire-numbers.ts'

/** Bytes before a message's headers: u32 length of headers and body, u16 length of the headers. */
export const MESSAGE_PREFIX = 6

/** Limits on a message; bytes. */
export interface MessageLimits {
  /** Headers and body. */
  readonly maxMessageBytes: number
  /** Encoded headers alone. */
  readonly headerBytes: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NO_HEADERS = new Uint8Array(0)

/**
 * The bytes of a message, in one new buffer: the caller may reuse its body at once.
 *
 * @throws {MessageTooLongError} {@link InvalidMessageError}
 */
export function encodeMessage(message: Message, limits: MessageLimits): Uint8Array {
  const headers = message.headers === undefined ? NO_HEADERS : encodeHeaders(message.headers)
  if (headers.length > limits.headerBytes) {
    throw new MessageTooLongError(
      `the headers of the message take ${headers.length} bytes, the limit is ${limits.headerBytes}`
    )
  }
  const length = headers.length + message.body.length
  if (length > limits.maxMessageBytes) {
    throw new MessageTooLongError(
      `the message has ${length} bytes, the limit is ${limits.maxMessageBytes}: ` +
        'split it, or use a session of bytes'
    )
  }
  const out = new Uint8Array(MESSAGE_PREFIX + length)
  writeU32(out, 0, length)
  writeU16(out, 4, headers.length)
  out.set(headers, MESSAGE_PREFIX)
  out.set(message.body, MESSAGE_PREFIX + headers.length)
  return out
}

function encodeHeaders(headers: Readonly<Record<string, string>>): Uint8Array {
  const texts: Uint8Array[] = []
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    for (const text of [name, value]) {
      if (typeof text !== 'string' || !text.isWellFormed()) {
        throw new InvalidMessageError('a header of the message is no well-formed text')
      }
      const bytes = encoder.encode(text)
      if (bytes.length > 0xffff) {
        throw new MessageTooLongError(`a header has ${bytes.length} bytes, the limit is 65535`)
      }
      texts.push(bytes)
      size += 2 + bytes.length
    }
  }
  const out = new Uint8Array(size)
  let at = 0
  for (const text of texts) {
    writeU16(out, at, text.length)
    out.set(text, at + 2)
    at += 2 + text.length
  }
  return out
}

function decodeHeaders(data: Uint8Array): Record<string, string> {
  const entries = new Map<string, string>()
  let at = 0
  const next = (): string => {
    const from = at + 2
    const end = from + readU16(data, at)
    if (from > data.length || end > data.length) {
      throw new SessionProtocolError('the peer sent a message whose headers are cut off')
    }
    at = end
    try {
      return decoder.decode(data.subarray(from, end))
    } catch (cause) {
      throw new SessionProtocolError('the peer sent a header that is no UTF-8', { cause })
    }
  }
  while (at < data.length) {
    const name = next()
    const value = next()
    if (entries.has(name)) throw new SessionProtocolError('the peer sent a header twice')
    entries.set(name, value)
  }
  // Own properties whatever their names are, `__proto__` included.
  return Object.fromEntries(entries)
}

/** The message that {@link encodeMessage} has made `bytes` of. */
export function decodeMessage(bytes: Uint8Array, limits: MessageLimits): Message {
  let at = 0
  const message = new MessageReader(limits).next(max => bytes.slice(at, (at += max)))
  if (message === undefined) throw new SessionProtocolError('these bytes are no whole message')
  return message
}

/** Set in the length of a prefix that is a gap: the other bits count messages left out. */
const GAP_FLAG = 0x8000_0000
/** The most messages that one gap counts. */
export const MAX_GAP = 0x7fff_ffff

/** What stands in the place of `count` messages that the sender left out (1 to {@link MAX_GAP}). */
export function encodeGap(count: number): Uint8Array {
  const out = new Uint8Array(MESSAGE_PREFIX)
  writeU32(out, 0, GAP_FLAG + count)
  return out
}

/** The message whose headers begin in `bytes` at `at`; its body is what follows them. */
function messageOf(bytes: Uint8Array, at: number, headersLength: number): Message {
  const body = bytes.subarray(at + headersLength)
  if (headersLength === 0) return { body }
  return { headers: decodeHeaders(bytes.subarray(at, at + headersLength)), body }
}

/** Gives up to `max` bytes, or `undefined` when there are none just now. */
export type ReadBytes = (max: number) => Uint8Array | undefined

/**
 * Takes one message after the other from a session's bytes. It reads no byte beyond the message it
 * was asked for, so that what nobody asked for stays inside the window.
 */
export class MessageReader {
  readonly #limits: MessageLimits
  readonly #gaps: boolean
  readonly #prefix = new Uint8Array(MESSAGE_PREFIX)
  #held = 0
  /** Of the message under way, once its prefix is whole. */
  #length = 0
  #headersLength = 0
  #parts: Uint8Array[] = []
  #left: number | undefined
  #missed = 0

  /** @param gaps the peer may leave messages out, and says so; otherwise a gap is no message */
  constructor(limits: MessageLimits, gaps = false) {
    this.#limits = limits
    this.#gaps = gaps
  }

  /** Messages that the peer has left out before the one read last. */
  get missed(): number {
    return this.#missed
  }

  /** `true` between two messages: an end of the bytes here cuts nothing off. */
  get isBetween(): boolean {
    return this.#held === 0 && this.#left === undefined
  }

  /**
   * The next message, or `undefined` when not all of it is there yet.
   *
   * @param ahead what lies together at the front of the bytes that can be read, where it is known: a
   * message that is whole in it is read in one go
   * @throws {SessionProtocolError} when the bytes are no message, or it passes a limit
   */
  next(read: ReadBytes, ahead?: Uint8Array): Message | undefined {
    if (ahead !== undefined && this.isBetween) {
      const message = this.#takeWhole(read, ahead)
      if (message !== undefined) return message
    }
    if (this.#left === undefined && !this.#readPrefix(read)) return undefined
    while (this.#left !== undefined && this.#left > 0) {
      const part = read(this.#left)
      if (part === undefined) return undefined
      this.#parts.push(part)
      this.#left -= part.length
    }
    const whole = this.#join()
    this.#left = undefined
    this.#held = 0
    this.#parts = []
    return messageOf(whole, 0, this.#headersLength)
  }

  /** `undefined` when `ahead` holds no whole message, or none that is allowed. */
  #takeWhole(read: ReadBytes, ahead: Uint8Array): Message | undefined {
    if (ahead.length < MESSAGE_PREFIX) return undefined
    const length = readU32(ahead, 0)
    const headersLength = readU16(ahead, 4)
    if (length > this.#limits.maxMessageBytes || length + MESSAGE_PREFIX > ahead.length) {
      return undefined
    }
    if (headersLength > Math.min(length, this.#limits.headerBytes)) return undefined
    const whole = read(MESSAGE_PREFIX + length)
    if (whole === undefined) return undefined
    // A view would pin what came with it.
    const own = whole.length * 2 < whole.buffer.byteLength ? new Uint8Array(whole) : whole
    return messageOf(own, MESSAGE_PREFIX, headersLength)
  }

  #readPrefix(read: ReadBytes): boolean {
    do {
      while (this.#held < MESSAGE_PREFIX) {
        const part = read(MESSAGE_PREFIX - this.#held)
        if (part === undefined) return false
        this.#prefix.set(part, this.#held)
        this.#held += part.length
      }
      this.#length = readU32(this.#prefix, 0)
      this.#headersLength = readU16(this.#prefix, 4)
    } while (this.#gaps && this.#takeGap())
    if (this.#length > this.#limits.maxMessageBytes) {
      throw new SessionProtocolError(
        `the peer sent a message of ${this.#length} bytes, the limit is ` +
          `${this.#limits.maxMessageBytes}`
      )
    }
    if (this.#headersLength > Math.min(this.#length, this.#limits.headerBytes)) {
      throw new SessionProtocolError(
        `the peer sent a message with ${this.#headersLength} bytes of headers, the limit is ` +
          `${Math.min(this.#length, this.#limits.headerBytes)}`
      )
    }
    this.#left = this.#length
    return true
  }

  /** `true` when the prefix that was read is a gap, which is counted. */
  #takeGap(): boolean {
    if (this.#length < GAP_FLAG) return false
    const count = this.#length - GAP_FLAG
    if (count === 0 || this.#headersLength !== 0) {
      throw new SessionProtocolError('the peer sent a gap that is none')
    }
    this.#missed += count
    this.#held = 0
    return true
  }

  /** One buffer, which is the message's own: views would pin what came with it. */
  #join(): Uint8Array {
    const only = this.#parts.length === 1 ? this.#parts[0] : undefined
    if (only !== undefined && only.length * 2 >= only.buffer.byteLength) return only
    const joined = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      joined.set(part, at)
      at += part.length
    }
    return joined
  }
}
