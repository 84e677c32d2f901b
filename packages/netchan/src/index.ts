/**
 * Typed channels whose ends live on two machines: Go's netchan, bounded and validated.
 */
export type { Channel, Receiver, Sender } from './channel/channel-types.ts'
export type { ChannelEnd, AttachEnd, Codec, ResolveEnd } from './codec/codec-types.ts'
export type { FieldDifference, Fingerprint, ValueIssue } from './codec/schema-types.ts'
export type { Direction, ExportMode, OverloadPolicy } from './directions.ts'
export type { FrameLink } from './links/frame-link.ts'
export {
  ChannelClosedError,
  NetchanOptionError,
  SchemaAsyncError,
  SchemaMismatchError,
  ValueInvalidError,
  ValueTooLongError
} from './errors.ts'
