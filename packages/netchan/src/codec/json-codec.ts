import { WarrenError } from '@warren/interface'
import { LocalChannel, LocalReceiver, LocalSender } from '../channel/channel.ts'
import { ValueInvalidError } from '../errors.ts'
import type { AttachEnd, ChannelEnd, Codec, ResolveEnd } from './codec-types.ts'
import { checkDepth, wholeChannel } from './codec-options.ts'
import type { CodecOptions } from './codec-options.ts'

/** The only key of an object that stands for an end of a channel. */
const KEYS = { $sender: 'sender', $receiver: 'receiver' } as const

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * JSON, to read along on the wire. What JSON has no form for is lost as in `JSON.stringify`, which
 * also makes text of a `Date`; bytes and `bigint` are refused. An object whose only key is `$sender`
 * or `$receiver` stands for an end of a channel.
 *
 * @throws code `ERR_NETCHAN_OPTION`
 */
export function jsonCodec(options: CodecOptions = {}): Codec {
  const maxDepth = checkDepth(options)
  return {
    name: 'json',
    encode(value, attach) {
      const text = stringify(value, attach)
      const bytes = encoder.encode(text)
      checkJson(bytes, maxDepth)
      return bytes
    },
    decode(bytes, resolve) {
      checkJson(bytes, maxDepth)
      try {
        const text = decoder.decode(bytes)
        return MAY_NEED_REVIVAL.test(text) ? JSON.parse(text, revive(resolve)) : JSON.parse(text)
      } catch (cause) {
        if (cause instanceof WarrenError) throw cause
        throw new ValueInvalidError('the encoded value is no JSON', [], { cause })
      }
    }
  }
}

/** `__proto__`, `$sender` and `$receiver`, also when some of their characters are escaped. */
const MAY_NEED_REVIVAL = /__proto__|\$sender|\$receiver|\\u00/

function stringify(value: unknown, attach: AttachEnd): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value, (key, each: unknown) => plain(key, each, attach))
  } catch (cause) {
    if (cause instanceof WarrenError) throw cause
    throw new ValueInvalidError('the value contains itself, or has no form in JSON', [], { cause })
  }
  if (text !== undefined) return text
  throw new ValueInvalidError('the value has no form in JSON')
}

function plain(key: string, value: unknown, attach: AttachEnd): unknown {
  checkKey(key)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof LocalSender) return { $sender: attach({ kind: 'sender', end: value }) }
  if (value instanceof LocalReceiver) return { $receiver: attach({ kind: 'receiver', end: value }) }
  if (value instanceof LocalChannel) return wholeChannel()
  if (ArrayBuffer.isView(value)) throw new ValueInvalidError('bytes have no form in JSON')
  return value
}

function revive(resolve: ResolveEnd): (key: string, value: unknown) => unknown {
  return (key, value) => {
    checkKey(key)
    if (typeof value !== 'object' || value === null) return value
    const [only, ...others] = Object.keys(value)
    if (only === undefined || others.length > 0 || !Object.hasOwn(KEYS, only)) return value
    const kind: ChannelEnd['kind'] = KEYS[only as keyof typeof KEYS]
    const reference: unknown = Reflect.get(value, only)
    if (typeof reference === 'number') return resolve(reference, kind).end
    throw new ValueInvalidError(`the value has a ${only} that is no number`)
  }
}

function checkKey(key: string): void {
  if (key === '__proto__') throw new ValueInvalidError('the value has a property __proto__')
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** How deep it is nested; all else is seen by the parser. */
function checkJson(bytes: Uint8Array, maxDepth: number): void {
  let depth = 0
  let text = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) text = !text
    else if (text) {
      if (byte === BACKSLASH) at++
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (++depth > maxDepth) {
        throw new ValueInvalidError(`the value is nested deeper than ${maxDepth}`)
      }
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--
  }
}
