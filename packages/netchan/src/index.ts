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
export { createExporter } from './exporter/exporter.ts'
export type { CallContext } from './exporter/call-handler.ts'
export type {
  BindingInfo,
  ChannelOptions,
  ExportOptions,
  ExportStats,
  Exporter,
  ExporterEvents,
  ExporterOptions,
  HandleOptions,
  Reply,
  UnboundInfo
} from './exporter/exporter-types.ts'
export { importFrom } from './importer/importer.ts'
export type {
  CallOptions,
  ImportOptions,
  Importer,
  ImporterOptions
} from './importer/importer-types.ts'
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
export type { WaitOptions } from './waiters.ts'
export {
  AlreadyExportedError,
  AlreadyImportedError,
  ChannelClosedError,
  CodecMismatchError,
  FrameLinkError,
  HangupError,
  NetchanClosedError,
  NetchanLimitError,
  NetchanLinkLostError,
  NetchanOptionError,
  NetchanProtocolError,
  NetchanTimeoutError,
  NetchanVersionError,
  OverloadError,
  RemoteError,
  SchemaAsyncError,
  SchemaMismatchError,
  TooManyWaitingError,
  UnknownNameError,
  ValueInvalidError,
  ValueTooLongError,
  WrongDirectionError
} from './errors.ts'
