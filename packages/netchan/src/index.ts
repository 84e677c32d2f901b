/**
 * Typed channels whose ends live on two machines: Go's netchan, bounded and validated.
 */
export { channel } from './channel/channel.ts'
export type { Channel, Receiver, Sender } from './channel/channel-types.ts'
export { receiving, select, sending, trySelect } from './channel/select.ts'
export type {
  ReceiveCase,
  SelectCase,
  Selected,
  SelectOptions,
  SendCase
} from './channel/select.ts'
export {
  fromIterable,
  fromReadableStream,
  sinkTo,
  toReadableStream,
  toWritableStream
} from './channel/streams.ts'
export type { FromOptions, IntoOptions } from './channel/streams.ts'
export { bytesCodec } from './codec/bytes-codec.ts'
export { cborCodec } from './codec/cbor-codec.ts'
export type { CodecOptions } from './codec/codec-options.ts'
export { jsonCodec } from './codec/json-codec.ts'
export type { ChannelEnd, AttachEnd, Codec, ResolveEnd } from './codec/codec-types.ts'
export type { FieldDifference, Fingerprint, ValueIssue } from './codec/schema-types.ts'
export type { Direction, ExportMode, OverloadPolicy } from './directions.ts'
export { asFrameLink } from './links/as-frame-link.ts'
export type { LinkSource } from './links/as-frame-link.ts'
export type { FrameLink } from './links/frame-link.ts'
export { memoryLinks } from './links/memory-link.ts'
export { portLink } from './links/port-link.ts'
export type { PortLike } from './links/port-link.ts'
export { sessionLink } from './links/session-link.ts'
export type { MessageSession } from './links/session-link.ts'
export { socketLink } from './links/socket-link.ts'
export { streamLink } from './links/stream-link.ts'
export {
  ChannelClosedError,
  FrameLinkError,
  NetchanOptionError,
  SchemaAsyncError,
  SchemaMismatchError,
  TooManyWaitingError,
  ValueInvalidError,
  ValueTooLongError
} from './errors.ts'
