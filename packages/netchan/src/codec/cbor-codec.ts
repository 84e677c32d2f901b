import { WarrenError } from '@warren/interface'
import { Encoder, addExtension } from 'cbor-x/index-no-eval'
import { LocalChannel, LocalReceiver, LocalSender } from '../channel/channel.ts'
import type { Receiver, Sender } from '../channel/channel-types.ts'
import { ValueInvalidError } from '../errors.ts'
import { checkCbor } from './cbor-check.ts'
import { RECEIVER_TAG, SENDER_TAG } from './cbor-tags.ts'
import type { AttachEnd, ChannelEnd, Codec, ResolveEnd } from './codec-types.ts'
import { checkDepth, wholeChannel } from './codec-options.ts'
import type { CodecOptions } from './codec-options.ts'

/** cbor-x takes its buffer back after each encode, since what it gave was copied. */
const RESET_BUFFER_MODE = 1_024

/**
 * CBOR (RFC 8949), the default: what JSON has, and `undefined`, `bigint`, `Date`, `Map`, `Set`,
 * `Uint8Array`, the other typed arrays, and ends of channels. Objects of classes travel as plain
 * objects; functions, symbols, errors and regular expressions do not travel.
 *
 * Everything that `decode` gets was looked through before; `encode` gives only what passes that.
 *
 * @throws code `ERR_NETCHAN_OPTION`
 */
export function cborCodec(options: CodecOptions = {}): Codec {
  const maxDepth = checkDepth(options)
  return {
    name: 'cbor',
    encode(value, attach) {
      attaching = attach
      const bytes = encode(value)
      checkCbor(bytes, maxDepth)
      return bytes
    },
    decode(bytes, resolve) {
      checkCbor(bytes, maxDepth)
      resolving = resolve
      try {
        // A view, so that byte strings come out as Uint8Array and not as Buffer.
        return cbor.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
      } catch (cause) {
        if (cause instanceof WarrenError) throw cause
        throw new ValueInvalidError('the encoded value cannot be decoded', [], { cause })
      }
    }
  }
}

// No records and no native or generated code: the bytes come from a peer.
const cbor = new Encoder({
  useRecords: false,
  variableMapSize: true,
  copyBuffers: true,
  tagUint8Array: false
})

/** cbor-x's types leave the mode out. */
interface ModalEncoder {
  encode(value: unknown, mode: number): Uint8Array
}

/** Of the call under way; cbor-x calls the extensions below in the course of it. */
let attaching: AttachEnd
let resolving: ResolveEnd

function encode(value: unknown): Uint8Array {
  try {
    return (cbor as ModalEncoder).encode(value, RESET_BUFFER_MODE)
  } catch (cause) {
    // Such as a cycle, which uses up the stack.
    if (cause instanceof RangeError) {
      throw new ValueInvalidError('the value contains itself, or is nested too deep', [], { cause })
    }
    if (cause instanceof WarrenError) throw cause
    throw new ValueInvalidError('the value holds something that does not travel', [], { cause })
  }
}

addExtension({
  Class: LocalSender,
  tag: SENDER_TAG,
  encode: (end: Sender<never>, write) => write(attaching({ kind: 'sender', end })) as Uint8Array,
  decode: (reference: number) => endOf('sender', reference) as LocalSender<unknown>
})

addExtension({
  Class: LocalReceiver,
  tag: RECEIVER_TAG,
  encode: (end: Receiver<unknown>, write) =>
    write(attaching({ kind: 'receiver', end })) as Uint8Array,
  decode: (reference: number) => endOf('receiver', reference) as LocalReceiver<unknown>
})

addExtension({
  Class: LocalChannel,
  // Never written: which of the two ends is meant?
  tag: 0,
  encode: () => wholeChannel(),
  decode: () => wholeChannel()
})

function endOf(kind: ChannelEnd['kind'], reference: number): ChannelEnd['end'] {
  return resolving(reference, kind).end
}
