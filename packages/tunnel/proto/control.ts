import { decodeMessage, encodeMessage, enumeration, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export enum WireMode {
  UNICAST = 'UNICAST',
  MULTICAST = 'MULTICAST',
  BROADCAST = 'BROADCAST'
}

enum __WireModeValues {
  UNICAST = 0,
  MULTICAST = 1,
  BROADCAST = 2
}

export namespace WireMode {
  export const codec = (): Codec<WireMode> => {
    return enumeration<WireMode>(__WireModeValues)
  }
}

export enum RefuseCode {
  AUTHENTICATION = 'AUTHENTICATION',
  VERSION = 'VERSION',
  TICKET_EXPIRED = 'TICKET_EXPIRED',
  TICKET_REVOKED = 'TICKET_REVOKED',
  TICKET_USED_UP = 'TICKET_USED_UP',
  LIMIT = 'LIMIT',
  CLOSING = 'CLOSING'
}

enum __RefuseCodeValues {
  AUTHENTICATION = 0,
  VERSION = 1,
  TICKET_EXPIRED = 2,
  TICKET_REVOKED = 3,
  TICKET_USED_UP = 4,
  LIMIT = 5,
  CLOSING = 6
}

export namespace RefuseCode {
  export const codec = (): Codec<RefuseCode> => {
    return enumeration<RefuseCode>(__RefuseCodeValues)
  }
}

export enum GoodbyeReason {
  SHUTDOWN = 'SHUTDOWN',
  SUPERSEDED = 'SUPERSEDED',
  TICKETS_ENDED = 'TICKETS_ENDED',
  PROTOCOL = 'PROTOCOL',
  REMOVED = 'REMOVED',
  ACCESS_ENDED = 'ACCESS_ENDED'
}

enum __GoodbyeReasonValues {
  SHUTDOWN = 0,
  SUPERSEDED = 1,
  TICKETS_ENDED = 2,
  PROTOCOL = 3,
  REMOVED = 4,
  ACCESS_ENDED = 5
}

export namespace GoodbyeReason {
  export const codec = (): Codec<GoodbyeReason> => {
    return enumeration<GoodbyeReason>(__GoodbyeReasonValues)
  }
}

export interface Hello {
  version: number
  nonce: Uint8Array<ArrayBuffer>
  open: boolean
  tickets: Uint8Array<ArrayBuffer>[]
  instance: Uint8Array<ArrayBuffer>
}

export namespace Hello {
  let _codec: Codec<Hello>

  export const codec = (): Codec<Hello> => {
    if (_codec == null) {
      _codec = message<Hello>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.nonce)
        }

        if ((obj.open != null && obj.open !== false)) {
          w.uint32(24)
          w.bool(obj.open)
        }

        if (obj.tickets != null && obj.tickets.length > 0) {
          for (const value of obj.tickets) {
            w.uint32(34)
            w.bytes(value)
          }
        }

        if ((obj.instance != null && obj.instance.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.instance)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          nonce: uint8ArrayAlloc(0),
          open: false,
          tickets: [],
          instance: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.version = reader.uint32()
              break
            }
            case 2: {
              obj.nonce = reader.bytes()
              break
            }
            case 3: {
              obj.open = reader.bool()
              break
            }
            case 4: {
              if (opts.limits?.tickets != null && obj.tickets.length === opts.limits.tickets) {
                throw new MaxLengthError('Decode error - repeated field "tickets" had too many elements')
              }

              obj.tickets.push(reader.bytes())
              break
            }
            case 5: {
              obj.instance = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tickets: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.version`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.nonce`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.open`,
                value: reader.bool()
              }
              break
            }
            case 4: {
              if (opts.limits?.tickets != null && obj.tickets === opts.limits.tickets) {
                throw new MaxLengthError('Streaming decode error - repeated field "tickets" had too many elements')
              }

              yield {
                field: `${prefix}.tickets[]`,
                index: obj.tickets,
                value: reader.bytes()
              }

              obj.tickets++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.instance`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface HelloVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface HelloNonceFieldEvent {
    field: '$.nonce'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloOpenFieldEvent {
    field: '$.open'
    value: boolean
  }

  export interface HelloTicketsFieldEvent {
    field: '$.tickets[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloInstanceFieldEvent {
    field: '$.instance'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Hello>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Hello.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Hello {
    return decodeMessage(buf, Hello.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Generator<HelloVersionFieldEvent | HelloNonceFieldEvent | HelloOpenFieldEvent | HelloTicketsFieldEvent | HelloInstanceFieldEvent> {
    return streamMessage(buf, Hello.codec(), opts)
  }
}

export interface TicketProof {
  id: Uint8Array<ArrayBuffer>
  mac: Uint8Array<ArrayBuffer>
}

export namespace TicketProof {
  let _codec: Codec<TicketProof>

  export const codec = (): Codec<TicketProof> => {
    if (_codec == null) {
      _codec = message<TicketProof>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if ((obj.mac != null && obj.mac.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.mac)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          mac: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              obj.mac = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.mac`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TicketProofIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketProofMacFieldEvent {
    field: '$.mac'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<TicketProof>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, TicketProof.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TicketProof>): TicketProof {
    return decodeMessage(buf, TicketProof.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TicketProof>): Generator<TicketProofIdFieldEvent | TicketProofMacFieldEvent> {
    return streamMessage(buf, TicketProof.codec(), opts)
  }
}

export interface TicketRefusal {
  id: Uint8Array<ArrayBuffer>
  code: RefuseCode
}

export namespace TicketRefusal {
  let _codec: Codec<TicketRefusal>

  export const codec = (): Codec<TicketRefusal> => {
    if (_codec == null) {
      _codec = message<TicketRefusal>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if (obj.code != null && __RefuseCodeValues[obj.code] !== 0) {
          w.uint32(16)
          RefuseCode.codec().encode(obj.code, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          code: RefuseCode.AUTHENTICATION
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              obj.code = RefuseCode.codec().decode(reader)
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.code`,
                value: RefuseCode.codec().decode(reader)
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TicketRefusalIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketRefusalCodeFieldEvent {
    field: '$.code'
    value: RefuseCode
  }

  export function encode (obj: Partial<TicketRefusal>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, TicketRefusal.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TicketRefusal>): TicketRefusal {
    return decodeMessage(buf, TicketRefusal.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TicketRefusal>): Generator<TicketRefusalIdFieldEvent | TicketRefusalCodeFieldEvent> {
    return streamMessage(buf, TicketRefusal.codec(), opts)
  }
}

export interface Proof {
  tokens: Uint8Array<ArrayBuffer>[]
  tickets: TicketProof[]
  refused: TicketRefusal[]
}

export namespace Proof {
  let _codec: Codec<Proof>

  export const codec = (): Codec<Proof> => {
    if (_codec == null) {
      _codec = message<Proof>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(10)
            w.bytes(value)
          }
        }

        if (obj.tickets != null && obj.tickets.length > 0) {
          for (const value of obj.tickets) {
            w.uint32(18)
            TicketProof.codec().encode(value, w)
          }
        }

        if (obj.refused != null && obj.refused.length > 0) {
          for (const value of obj.refused) {
            w.uint32(26)
            TicketRefusal.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          tokens: [],
          tickets: [],
          refused: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.bytes())
              break
            }
            case 2: {
              if (opts.limits?.tickets != null && obj.tickets.length === opts.limits.tickets) {
                throw new MaxLengthError('Decode error - repeated field "tickets" had too many elements')
              }

              obj.tickets.push(TicketProof.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.tickets$
              }))
              break
            }
            case 3: {
              if (opts.limits?.refused != null && obj.refused.length === opts.limits.refused) {
                throw new MaxLengthError('Decode error - repeated field "refused" had too many elements')
              }

              obj.refused.push(TicketRefusal.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refused$
              }))
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tokens: 0,
          tickets: 0,
          refused: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.tokens != null && obj.tokens === opts.limits.tokens) {
                throw new MaxLengthError('Streaming decode error - repeated field "tokens" had too many elements')
              }

              yield {
                field: `${prefix}.tokens[]`,
                index: obj.tokens,
                value: reader.bytes()
              }

              obj.tokens++

              break
            }
            case 2: {
              if (opts.limits?.tickets != null && obj.tickets === opts.limits.tickets) {
                throw new MaxLengthError('Streaming decode error - repeated field "tickets" had too many elements')
              }

              for (const evt of TicketProof.codec().stream(reader, reader.uint32(), `${prefix}.tickets[]`, {
                limits: opts.limits?.tickets$
              })) {
                yield {
                  ...evt,
                  index: obj.tickets
                }
              }

              obj.tickets++

              break
            }
            case 3: {
              if (opts.limits?.refused != null && obj.refused === opts.limits.refused) {
                throw new MaxLengthError('Streaming decode error - repeated field "refused" had too many elements')
              }

              for (const evt of TicketRefusal.codec().stream(reader, reader.uint32(), `${prefix}.refused[]`, {
                limits: opts.limits?.refused$
              })) {
                yield {
                  ...evt,
                  index: obj.refused
                }
              }

              obj.refused++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ProofTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface ProofTicketsIdFieldEvent {
    field: '$.tickets[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ProofTicketsMacFieldEvent {
    field: '$.tickets[].mac'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ProofRefusedIdFieldEvent {
    field: '$.refused[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ProofRefusedCodeFieldEvent {
    field: '$.refused[].code'
    value: RefuseCode
    index: number
  }

  export function encode (obj: Partial<Proof>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Proof.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Proof>): Proof {
    return decodeMessage(buf, Proof.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Proof>): Generator<ProofTokensFieldEvent | ProofTicketsIdFieldEvent | ProofTicketsMacFieldEvent | ProofRefusedIdFieldEvent | ProofRefusedCodeFieldEvent> {
    return streamMessage(buf, Proof.codec(), opts)
  }
}

export interface Welcome {
  refused: TicketRefusal[]
}

export namespace Welcome {
  let _codec: Codec<Welcome>

  export const codec = (): Codec<Welcome> => {
    if (_codec == null) {
      _codec = message<Welcome>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.refused != null && obj.refused.length > 0) {
          for (const value of obj.refused) {
            w.uint32(10)
            TicketRefusal.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          refused: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.refused != null && obj.refused.length === opts.limits.refused) {
                throw new MaxLengthError('Decode error - repeated field "refused" had too many elements')
              }

              obj.refused.push(TicketRefusal.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refused$
              }))
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          refused: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.refused != null && obj.refused === opts.limits.refused) {
                throw new MaxLengthError('Streaming decode error - repeated field "refused" had too many elements')
              }

              for (const evt of TicketRefusal.codec().stream(reader, reader.uint32(), `${prefix}.refused[]`, {
                limits: opts.limits?.refused$
              })) {
                yield {
                  ...evt,
                  index: obj.refused
                }
              }

              obj.refused++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface WelcomeRefusedIdFieldEvent {
    field: '$.refused[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface WelcomeRefusedCodeFieldEvent {
    field: '$.refused[].code'
    value: RefuseCode
    index: number
  }

  export function encode (obj: Partial<Welcome>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Welcome.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Welcome {
    return decodeMessage(buf, Welcome.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Generator<WelcomeRefusedIdFieldEvent | WelcomeRefusedCodeFieldEvent> {
    return streamMessage(buf, Welcome.codec(), opts)
  }
}

export interface Refuse {
  code: RefuseCode
}

export namespace Refuse {
  let _codec: Codec<Refuse>

  export const codec = (): Codec<Refuse> => {
    if (_codec == null) {
      _codec = message<Refuse>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.code != null && __RefuseCodeValues[obj.code] !== 0) {
          w.uint32(8)
          RefuseCode.codec().encode(obj.code, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          code: RefuseCode.AUTHENTICATION
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.code = RefuseCode.codec().decode(reader)
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.code`,
                value: RefuseCode.codec().decode(reader)
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface RefuseCodeFieldEvent {
    field: '$.code'
    value: RefuseCode
  }

  export function encode (obj: Partial<Refuse>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Refuse.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Refuse {
    return decodeMessage(buf, Refuse.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Generator<RefuseCodeFieldEvent> {
    return streamMessage(buf, Refuse.codec(), opts)
  }
}

export interface WireChannel {
  name: string
  mode: WireMode
  bytes: boolean
}

export namespace WireChannel {
  let _codec: Codec<WireChannel>

  export const codec = (): Codec<WireChannel> => {
    if (_codec == null) {
      _codec = message<WireChannel>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.name != null && obj.name !== '')) {
          w.uint32(10)
          w.string(obj.name)
        }

        if (obj.mode != null && __WireModeValues[obj.mode] !== 0) {
          w.uint32(16)
          WireMode.codec().encode(obj.mode, w)
        }

        if ((obj.bytes != null && obj.bytes !== false)) {
          w.uint32(24)
          w.bool(obj.bytes)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          name: '',
          mode: WireMode.UNICAST,
          bytes: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.name = reader.string()
              break
            }
            case 2: {
              obj.mode = WireMode.codec().decode(reader)
              break
            }
            case 3: {
              obj.bytes = reader.bool()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.name`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.mode`,
                value: WireMode.codec().decode(reader)
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.bytes`,
                value: reader.bool()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface WireChannelNameFieldEvent {
    field: '$.name'
    value: string
  }

  export interface WireChannelModeFieldEvent {
    field: '$.mode'
    value: WireMode
  }

  export interface WireChannelBytesFieldEvent {
    field: '$.bytes'
    value: boolean
  }

  export function encode (obj: Partial<WireChannel>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, WireChannel.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<WireChannel>): WireChannel {
    return decodeMessage(buf, WireChannel.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<WireChannel>): Generator<WireChannelNameFieldEvent | WireChannelModeFieldEvent | WireChannelBytesFieldEvent> {
    return streamMessage(buf, WireChannel.codec(), opts)
  }
}

export interface Announce {
  opened: WireChannel[]
  closed: string[]
  query: number
}

export namespace Announce {
  let _codec: Codec<Announce>

  export const codec = (): Codec<Announce> => {
    if (_codec == null) {
      _codec = message<Announce>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.opened != null && obj.opened.length > 0) {
          for (const value of obj.opened) {
            w.uint32(10)
            WireChannel.codec().encode(value, w)
          }
        }

        if (obj.closed != null && obj.closed.length > 0) {
          for (const value of obj.closed) {
            w.uint32(18)
            w.string(value)
          }
        }

        if ((obj.query != null && obj.query !== 0)) {
          w.uint32(24)
          w.uint32(obj.query)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          opened: [],
          closed: [],
          query: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.opened != null && obj.opened.length === opts.limits.opened) {
                throw new MaxLengthError('Decode error - repeated field "opened" had too many elements')
              }

              obj.opened.push(WireChannel.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.opened$
              }))
              break
            }
            case 2: {
              if (opts.limits?.closed != null && obj.closed.length === opts.limits.closed) {
                throw new MaxLengthError('Decode error - repeated field "closed" had too many elements')
              }

              obj.closed.push(reader.string())
              break
            }
            case 3: {
              obj.query = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          opened: 0,
          closed: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.opened != null && obj.opened === opts.limits.opened) {
                throw new MaxLengthError('Streaming decode error - repeated field "opened" had too many elements')
              }

              for (const evt of WireChannel.codec().stream(reader, reader.uint32(), `${prefix}.opened[]`, {
                limits: opts.limits?.opened$
              })) {
                yield {
                  ...evt,
                  index: obj.opened
                }
              }

              obj.opened++

              break
            }
            case 2: {
              if (opts.limits?.closed != null && obj.closed === opts.limits.closed) {
                throw new MaxLengthError('Streaming decode error - repeated field "closed" had too many elements')
              }

              yield {
                field: `${prefix}.closed[]`,
                index: obj.closed,
                value: reader.string()
              }

              obj.closed++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.query`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface AnnounceOpenedNameFieldEvent {
    field: '$.opened[].name'
    value: string
    index: number
  }

  export interface AnnounceOpenedModeFieldEvent {
    field: '$.opened[].mode'
    value: WireMode
    index: number
  }

  export interface AnnounceOpenedBytesFieldEvent {
    field: '$.opened[].bytes'
    value: boolean
    index: number
  }

  export interface AnnounceClosedFieldEvent {
    field: '$.closed[]'
    index: number
    value: string
  }

  export interface AnnounceQueryFieldEvent {
    field: '$.query'
    value: number
  }

  export function encode (obj: Partial<Announce>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Announce.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Announce>): Announce {
    return decodeMessage(buf, Announce.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Announce>): Generator<AnnounceOpenedNameFieldEvent | AnnounceOpenedModeFieldEvent | AnnounceOpenedBytesFieldEvent | AnnounceClosedFieldEvent | AnnounceQueryFieldEvent> {
    return streamMessage(buf, Announce.codec(), opts)
  }
}

export interface Discover {
  query: number
  channels: string[]
}

export namespace Discover {
  let _codec: Codec<Discover>

  export const codec = (): Codec<Discover> => {
    if (_codec == null) {
      _codec = message<Discover>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.query != null && obj.query !== 0)) {
          w.uint32(8)
          w.uint32(obj.query)
        }

        if (obj.channels != null && obj.channels.length > 0) {
          for (const value of obj.channels) {
            w.uint32(18)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          query: 0,
          channels: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.query = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.channels != null && obj.channels.length === opts.limits.channels) {
                throw new MaxLengthError('Decode error - repeated field "channels" had too many elements')
              }

              obj.channels.push(reader.string())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          channels: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.query`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.channels != null && obj.channels === opts.limits.channels) {
                throw new MaxLengthError('Streaming decode error - repeated field "channels" had too many elements')
              }

              yield {
                field: `${prefix}.channels[]`,
                index: obj.channels,
                value: reader.string()
              }

              obj.channels++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface DiscoverQueryFieldEvent {
    field: '$.query'
    value: number
  }

  export interface DiscoverChannelsFieldEvent {
    field: '$.channels[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<Discover>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Discover.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Discover>): Discover {
    return decodeMessage(buf, Discover.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Discover>): Generator<DiscoverQueryFieldEvent | DiscoverChannelsFieldEvent> {
    return streamMessage(buf, Discover.codec(), opts)
  }
}

export interface Probe {
  id: number
  reply: boolean
}

export namespace Probe {
  let _codec: Codec<Probe>

  export const codec = (): Codec<Probe> => {
    if (_codec == null) {
      _codec = message<Probe>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id !== 0)) {
          w.uint32(8)
          w.uint32(obj.id)
        }

        if ((obj.reply != null && obj.reply !== false)) {
          w.uint32(16)
          w.bool(obj.reply)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: 0,
          reply: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.uint32()
              break
            }
            case 2: {
              obj.reply = reader.bool()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.reply`,
                value: reader.bool()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ProbeIdFieldEvent {
    field: '$.id'
    value: number
  }

  export interface ProbeReplyFieldEvent {
    field: '$.reply'
    value: boolean
  }

  export function encode (obj: Partial<Probe>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Probe.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Probe>): Probe {
    return decodeMessage(buf, Probe.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Probe>): Generator<ProbeIdFieldEvent | ProbeReplyFieldEvent> {
    return streamMessage(buf, Probe.codec(), opts)
  }
}

export interface Present {
  claims: Uint8Array<ArrayBuffer>
  mac: Uint8Array<ArrayBuffer>
}

export namespace Present {
  let _codec: Codec<Present>

  export const codec = (): Codec<Present> => {
    if (_codec == null) {
      _codec = message<Present>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.claims != null && obj.claims.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.claims)
        }

        if ((obj.mac != null && obj.mac.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.mac)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          claims: uint8ArrayAlloc(0),
          mac: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.claims = reader.bytes()
              break
            }
            case 2: {
              obj.mac = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.claims`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.mac`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PresentClaimsFieldEvent {
    field: '$.claims'
    value: Uint8Array<ArrayBuffer>
  }

  export interface PresentMacFieldEvent {
    field: '$.mac'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Present>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Present.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Present>): Present {
    return decodeMessage(buf, Present.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Present>): Generator<PresentClaimsFieldEvent | PresentMacFieldEvent> {
    return streamMessage(buf, Present.codec(), opts)
  }
}

export interface Presented {
  id: Uint8Array<ArrayBuffer>
  mac: Uint8Array<ArrayBuffer>
}

export namespace Presented {
  let _codec: Codec<Presented>

  export const codec = (): Codec<Presented> => {
    if (_codec == null) {
      _codec = message<Presented>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if ((obj.mac != null && obj.mac.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.mac)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          mac: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              obj.mac = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.mac`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PresentedIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface PresentedMacFieldEvent {
    field: '$.mac'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Presented>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Presented.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Presented>): Presented {
    return decodeMessage(buf, Presented.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Presented>): Generator<PresentedIdFieldEvent | PresentedMacFieldEvent> {
    return streamMessage(buf, Presented.codec(), opts)
  }
}

export interface Withdraw {
  id: Uint8Array<ArrayBuffer>
  code: RefuseCode
}

export namespace Withdraw {
  let _codec: Codec<Withdraw>

  export const codec = (): Codec<Withdraw> => {
    if (_codec == null) {
      _codec = message<Withdraw>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if (obj.code != null && __RefuseCodeValues[obj.code] !== 0) {
          w.uint32(16)
          RefuseCode.codec().encode(obj.code, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          code: RefuseCode.AUTHENTICATION
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              obj.code = RefuseCode.codec().decode(reader)
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.code`,
                value: RefuseCode.codec().decode(reader)
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface WithdrawIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface WithdrawCodeFieldEvent {
    field: '$.code'
    value: RefuseCode
  }

  export function encode (obj: Partial<Withdraw>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Withdraw.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Withdraw>): Withdraw {
    return decodeMessage(buf, Withdraw.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Withdraw>): Generator<WithdrawIdFieldEvent | WithdrawCodeFieldEvent> {
    return streamMessage(buf, Withdraw.codec(), opts)
  }
}

export interface Goodbye {
  reason: GoodbyeReason
}

export namespace Goodbye {
  let _codec: Codec<Goodbye>

  export const codec = (): Codec<Goodbye> => {
    if (_codec == null) {
      _codec = message<Goodbye>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.reason != null && __GoodbyeReasonValues[obj.reason] !== 0) {
          w.uint32(8)
          GoodbyeReason.codec().encode(obj.reason, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          reason: GoodbyeReason.SHUTDOWN
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.reason = GoodbyeReason.codec().decode(reader)
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.reason`,
                value: GoodbyeReason.codec().decode(reader)
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface GoodbyeReasonFieldEvent {
    field: '$.reason'
    value: GoodbyeReason
  }

  export function encode (obj: Partial<Goodbye>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Goodbye.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Goodbye>): Goodbye {
    return decodeMessage(buf, Goodbye.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Goodbye>): Generator<GoodbyeReasonFieldEvent> {
    return streamMessage(buf, Goodbye.codec(), opts)
  }
}

export interface Crowd {
  links: number
}

export namespace Crowd {
  let _codec: Codec<Crowd>

  export const codec = (): Codec<Crowd> => {
    if (_codec == null) {
      _codec = message<Crowd>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.links != null && obj.links !== 0)) {
          w.uint32(8)
          w.uint32(obj.links)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          links: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.links = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.links`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface CrowdLinksFieldEvent {
    field: '$.links'
    value: number
  }

  export function encode (obj: Partial<Crowd>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Crowd.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Crowd>): Crowd {
    return decodeMessage(buf, Crowd.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Crowd>): Generator<CrowdLinksFieldEvent> {
    return streamMessage(buf, Crowd.codec(), opts)
  }
}

export interface Reproof {
  tokens: Uint8Array<ArrayBuffer>[]
}

export namespace Reproof {
  let _codec: Codec<Reproof>

  export const codec = (): Codec<Reproof> => {
    if (_codec == null) {
      _codec = message<Reproof>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(10)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          tokens: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.bytes())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.tokens != null && obj.tokens === opts.limits.tokens) {
                throw new MaxLengthError('Streaming decode error - repeated field "tokens" had too many elements')
              }

              yield {
                field: `${prefix}.tokens[]`,
                index: obj.tokens,
                value: reader.bytes()
              }

              obj.tokens++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ReproofTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Reproof>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Reproof.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Reproof>): Reproof {
    return decodeMessage(buf, Reproof.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Reproof>): Generator<ReproofTokensFieldEvent> {
    return streamMessage(buf, Reproof.codec(), opts)
  }
}

export interface Control {
  hello?: Hello
  proof?: Proof
  welcome?: Welcome
  refuse?: Refuse
  announce?: Announce
  discover?: Discover
  probe?: Probe
  present?: Present
  presented?: Presented
  withdraw?: Withdraw
  goodbye?: Goodbye
  crowd?: Crowd
  reproof?: Reproof
}

export namespace Control {
  let _codec: Codec<Control>

  export const codec = (): Codec<Control> => {
    if (_codec == null) {
      _codec = message<Control>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.reproof != null) {
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.crowd != null) {
          obj.reproof = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.goodbye != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.withdraw != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.presented != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.present != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.probe != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.discover != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.announce != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.refuse != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.welcome = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.welcome != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.proof = undefined
          obj.hello = undefined
        }

        if (obj.proof != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.hello = undefined
        }

        if (obj.hello != null) {
          obj.reproof = undefined
          obj.crowd = undefined
          obj.goodbye = undefined
          obj.withdraw = undefined
          obj.presented = undefined
          obj.present = undefined
          obj.probe = undefined
          obj.discover = undefined
          obj.announce = undefined
          obj.refuse = undefined
          obj.welcome = undefined
          obj.proof = undefined
        }

        if (obj.hello != null) {
          w.uint32(10)
          Hello.codec().encode(obj.hello, w)
        }

        if (obj.proof != null) {
          w.uint32(18)
          Proof.codec().encode(obj.proof, w)
        }

        if (obj.welcome != null) {
          w.uint32(26)
          Welcome.codec().encode(obj.welcome, w)
        }

        if (obj.refuse != null) {
          w.uint32(34)
          Refuse.codec().encode(obj.refuse, w)
        }

        if (obj.announce != null) {
          w.uint32(42)
          Announce.codec().encode(obj.announce, w)
        }

        if (obj.discover != null) {
          w.uint32(50)
          Discover.codec().encode(obj.discover, w)
        }

        if (obj.probe != null) {
          w.uint32(58)
          Probe.codec().encode(obj.probe, w)
        }

        if (obj.present != null) {
          w.uint32(66)
          Present.codec().encode(obj.present, w)
        }

        if (obj.presented != null) {
          w.uint32(74)
          Presented.codec().encode(obj.presented, w)
        }

        if (obj.withdraw != null) {
          w.uint32(82)
          Withdraw.codec().encode(obj.withdraw, w)
        }

        if (obj.goodbye != null) {
          w.uint32(90)
          Goodbye.codec().encode(obj.goodbye, w)
        }

        if (obj.crowd != null) {
          w.uint32(98)
          Crowd.codec().encode(obj.crowd, w)
        }

        if (obj.reproof != null) {
          w.uint32(114)
          Reproof.codec().encode(obj.reproof, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.hello = Hello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 2: {
              obj.proof = Proof.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.proof
              })
              break
            }
            case 3: {
              obj.welcome = Welcome.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.welcome
              })
              break
            }
            case 4: {
              obj.refuse = Refuse.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refuse
              })
              break
            }
            case 5: {
              obj.announce = Announce.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.announce
              })
              break
            }
            case 6: {
              obj.discover = Discover.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.discover
              })
              break
            }
            case 7: {
              obj.probe = Probe.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.probe
              })
              break
            }
            case 8: {
              obj.present = Present.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.present
              })
              break
            }
            case 9: {
              obj.presented = Presented.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.presented
              })
              break
            }
            case 10: {
              obj.withdraw = Withdraw.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.withdraw
              })
              break
            }
            case 11: {
              obj.goodbye = Goodbye.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.goodbye
              })
              break
            }
            case 12: {
              obj.crowd = Crowd.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.crowd
              })
              break
            }
            case 14: {
              obj.reproof = Reproof.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.reproof
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.reproof != null) {
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.crowd != null) {
          delete obj.reproof
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.goodbye != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.withdraw != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.presented != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.present != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.probe != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.discover != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.announce != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.refuse != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.welcome
          delete obj.proof
          delete obj.hello
        }

        if (obj.welcome != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.proof
          delete obj.hello
        }

        if (obj.proof != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.hello
        }

        if (obj.hello != null) {
          delete obj.reproof
          delete obj.crowd
          delete obj.goodbye
          delete obj.withdraw
          delete obj.presented
          delete obj.present
          delete obj.probe
          delete obj.discover
          delete obj.announce
          delete obj.refuse
          delete obj.welcome
          delete obj.proof
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Hello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 2: {
              yield * Proof.codec().stream(reader, reader.uint32(), `${prefix}.proof`, {
                limits: opts.limits?.proof
              })

              break
            }
            case 3: {
              yield * Welcome.codec().stream(reader, reader.uint32(), `${prefix}.welcome`, {
                limits: opts.limits?.welcome
              })

              break
            }
            case 4: {
              yield * Refuse.codec().stream(reader, reader.uint32(), `${prefix}.refuse`, {
                limits: opts.limits?.refuse
              })

              break
            }
            case 5: {
              yield * Announce.codec().stream(reader, reader.uint32(), `${prefix}.announce`, {
                limits: opts.limits?.announce
              })

              break
            }
            case 6: {
              yield * Discover.codec().stream(reader, reader.uint32(), `${prefix}.discover`, {
                limits: opts.limits?.discover
              })

              break
            }
            case 7: {
              yield * Probe.codec().stream(reader, reader.uint32(), `${prefix}.probe`, {
                limits: opts.limits?.probe
              })

              break
            }
            case 8: {
              yield * Present.codec().stream(reader, reader.uint32(), `${prefix}.present`, {
                limits: opts.limits?.present
              })

              break
            }
            case 9: {
              yield * Presented.codec().stream(reader, reader.uint32(), `${prefix}.presented`, {
                limits: opts.limits?.presented
              })

              break
            }
            case 10: {
              yield * Withdraw.codec().stream(reader, reader.uint32(), `${prefix}.withdraw`, {
                limits: opts.limits?.withdraw
              })

              break
            }
            case 11: {
              yield * Goodbye.codec().stream(reader, reader.uint32(), `${prefix}.goodbye`, {
                limits: opts.limits?.goodbye
              })

              break
            }
            case 12: {
              yield * Crowd.codec().stream(reader, reader.uint32(), `${prefix}.crowd`, {
                limits: opts.limits?.crowd
              })

              break
            }
            case 14: {
              yield * Reproof.codec().stream(reader, reader.uint32(), `${prefix}.reproof`, {
                limits: opts.limits?.reproof
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ControlHelloVersionFieldEvent {
    field: '$.hello.version'
    value: number
  }

  export interface ControlHelloNonceFieldEvent {
    field: '$.hello.nonce'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlHelloOpenFieldEvent {
    field: '$.hello.open'
    value: boolean
  }

  export interface ControlHelloTicketsFieldEvent {
    field: '$.hello.tickets[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlHelloInstanceFieldEvent {
    field: '$.hello.instance'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlProofTokensFieldEvent {
    field: '$.proof.tokens[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlProofTicketsIdFieldEvent {
    field: '$.proof.tickets[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ControlProofTicketsMacFieldEvent {
    field: '$.proof.tickets[].mac'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ControlProofRefusedIdFieldEvent {
    field: '$.proof.refused[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ControlProofRefusedCodeFieldEvent {
    field: '$.proof.refused[].code'
    value: RefuseCode
    index: number
  }

  export interface ControlWelcomeRefusedIdFieldEvent {
    field: '$.welcome.refused[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ControlWelcomeRefusedCodeFieldEvent {
    field: '$.welcome.refused[].code'
    value: RefuseCode
    index: number
  }

  export interface ControlRefuseCodeFieldEvent {
    field: '$.refuse.code'
    value: RefuseCode
  }

  export interface ControlAnnounceOpenedNameFieldEvent {
    field: '$.announce.opened[].name'
    value: string
    index: number
  }

  export interface ControlAnnounceOpenedModeFieldEvent {
    field: '$.announce.opened[].mode'
    value: WireMode
    index: number
  }

  export interface ControlAnnounceOpenedBytesFieldEvent {
    field: '$.announce.opened[].bytes'
    value: boolean
    index: number
  }

  export interface ControlAnnounceClosedFieldEvent {
    field: '$.announce.closed[]'
    index: number
    value: string
  }

  export interface ControlAnnounceQueryFieldEvent {
    field: '$.announce.query'
    value: number
  }

  export interface ControlDiscoverQueryFieldEvent {
    field: '$.discover.query'
    value: number
  }

  export interface ControlDiscoverChannelsFieldEvent {
    field: '$.discover.channels[]'
    index: number
    value: string
  }

  export interface ControlProbeIdFieldEvent {
    field: '$.probe.id'
    value: number
  }

  export interface ControlProbeReplyFieldEvent {
    field: '$.probe.reply'
    value: boolean
  }

  export interface ControlPresentClaimsFieldEvent {
    field: '$.present.claims'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlPresentMacFieldEvent {
    field: '$.present.mac'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlPresentedIdFieldEvent {
    field: '$.presented.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlPresentedMacFieldEvent {
    field: '$.presented.mac'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlWithdrawIdFieldEvent {
    field: '$.withdraw.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ControlWithdrawCodeFieldEvent {
    field: '$.withdraw.code'
    value: RefuseCode
  }

  export interface ControlGoodbyeReasonFieldEvent {
    field: '$.goodbye.reason'
    value: GoodbyeReason
  }

  export interface ControlCrowdLinksFieldEvent {
    field: '$.crowd.links'
    value: number
  }

  export interface ControlReproofTokensFieldEvent {
    field: '$.reproof.tokens[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Control>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Control.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Control>): Control {
    return decodeMessage(buf, Control.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Control>): Generator<ControlHelloVersionFieldEvent | ControlHelloNonceFieldEvent | ControlHelloOpenFieldEvent | ControlHelloTicketsFieldEvent | ControlHelloInstanceFieldEvent | ControlProofTokensFieldEvent | ControlProofTicketsIdFieldEvent | ControlProofTicketsMacFieldEvent | ControlProofRefusedIdFieldEvent | ControlProofRefusedCodeFieldEvent | ControlWelcomeRefusedIdFieldEvent | ControlWelcomeRefusedCodeFieldEvent | ControlRefuseCodeFieldEvent | ControlAnnounceOpenedNameFieldEvent | ControlAnnounceOpenedModeFieldEvent | ControlAnnounceOpenedBytesFieldEvent | ControlAnnounceClosedFieldEvent | ControlAnnounceQueryFieldEvent | ControlDiscoverQueryFieldEvent | ControlDiscoverChannelsFieldEvent | ControlProbeIdFieldEvent | ControlProbeReplyFieldEvent | ControlPresentClaimsFieldEvent | ControlPresentMacFieldEvent | ControlPresentedIdFieldEvent | ControlPresentedMacFieldEvent | ControlWithdrawIdFieldEvent | ControlWithdrawCodeFieldEvent | ControlGoodbyeReasonFieldEvent | ControlCrowdLinksFieldEvent | ControlReproofTokensFieldEvent> {
    return streamMessage(buf, Control.codec(), opts)
  }
}
