import { WarrenError } from '@warren/interface'
import type { FieldDifference, ValueIssue } from './codec/schema-types.ts'

/** Thrown when a value is sent on a channel that is closed. */
export class ChannelClosedError extends WarrenError {
  readonly code = 'ERR_CHANNEL_CLOSED'
}

/** Thrown when more than 65,536 sends, or as many receives, would wait on one channel. */
export class TooManyWaitingError extends WarrenError {
  readonly code = 'ERR_CHANNEL_WAITING'
}

/** Thrown when a schema refuses a value, or bytes from the peer are no value; see `issues`. */
export class ValueInvalidError extends WarrenError {
  readonly code = 'ERR_VALUE_INVALID'
  /** What is wrong, field by field; empty when the bytes could not be decoded. */
  readonly issues: readonly ValueIssue[]

  constructor(message: string, issues: readonly ValueIssue[] = [], options?: ErrorOptions) {
    super(message, options)
    this.issues = issues
  }
}

/** Thrown when a value is longer, encoded, than `maxValueBytes`. */
export class ValueTooLongError extends WarrenError {
  readonly code = 'ERR_VALUE_TOO_LONG'
}

/** Thrown when the two ends of a channel have different schemas; `differences` names the fields. */
export class SchemaMismatchError extends WarrenError {
  readonly code = 'ERR_SCHEMA_MISMATCH'
  readonly differences: readonly FieldDifference[]

  constructor(message: string, differences: readonly FieldDifference[], options?: ErrorOptions) {
    super(message, options)
    this.differences = differences
  }
}

/** Thrown when a schema answers with a promise: values are checked where they pass. */
export class SchemaAsyncError extends WarrenError {
  readonly code = 'ERR_SCHEMA_ASYNC'
}

/** Thrown when what carries the frames of a link broke, ended in a frame, or brought what is none. */
export class FrameLinkError extends WarrenError {
  readonly code = 'ERR_FRAME_LINK'
}

/** Thrown when an option or argument is not what it must be. */
export class NetchanOptionError extends WarrenError {
  readonly code = 'ERR_NETCHAN_OPTION'
}

/** Thrown when the peer exports no channel of the name. */
export class UnknownNameError extends WarrenError {
  readonly code = 'ERR_UNKNOWN_NAME'
}

/** Thrown when the peer exports the channel in the other direction, or as a handler. */
export class WrongDirectionError extends WarrenError {
  readonly code = 'ERR_WRONG_DIRECTION'
}

/** Thrown when the two ends of a channel use different codecs. */
export class CodecMismatchError extends WarrenError {
  readonly code = 'ERR_CODEC_MISMATCH'
}

/** Thrown when a name is exported twice. */
export class AlreadyExportedError extends WarrenError {
  readonly code = 'ERR_ALREADY_EXPORTED'
}

/** Thrown when a name is imported twice by one importer. */
export class AlreadyImportedError extends WarrenError {
  readonly code = 'ERR_ALREADY_IMPORTED'
}

/** Thrown when a limit of either end is reached: bindings of a link, channels inside a value. */
export class NetchanLimitError extends WarrenError {
  readonly code = 'ERR_NETCHAN_LIMIT'
}

/** Thrown when either end broke the protocol; only that channel, or that link, is over. */
export class NetchanProtocolError extends WarrenError {
  readonly code = 'ERR_NETCHAN_PROTOCOL'
}

/** Thrown when the peer speaks another version of the protocol. */
export class NetchanVersionError extends WarrenError {
  readonly code = 'ERR_NETCHAN_VERSION'
}

/** Thrown when the other end took the channel back by `hangup` or by closing its half. */
export class HangupError extends WarrenError {
  readonly code = 'ERR_HANGUP'
  /** Values sent that the other end's application had not taken. */
  readonly unconfirmed: number

  constructor(message: string, unconfirmed = 0, options?: ErrorOptions) {
    super(message, options)
    this.unconfirmed = unconfirmed
  }
}

/** Thrown when the link of a channel is gone. */
export class NetchanLinkLostError extends WarrenError {
  readonly code = 'ERR_NETCHAN_LINK_LOST'
  /** Values sent of which it is not known whether the other end's application took them. */
  readonly unconfirmed: number

  constructor(message: string, unconfirmed = 0, options?: ErrorOptions) {
    super(message, options)
    this.unconfirmed = unconfirmed
  }
}

/** Thrown when the other end closed the channel with an error, or a handler threw one. */
export class RemoteError extends WarrenError {
  readonly code = 'ERR_REMOTE'
}

/** Thrown when an importer of a broadcast fell behind under the policy `error`. */
export class OverloadError extends WarrenError {
  readonly code = 'ERR_OVERLOAD'
}

/** Thrown when an exporter or importer is used after its close. */
export class NetchanClosedError extends WarrenError {
  readonly code = 'ERR_NETCHAN_CLOSED'
}

/** Thrown when `drain`, `sync` or a bind takes longer than it may. */
export class NetchanTimeoutError extends WarrenError {
  readonly code = 'ERR_NETCHAN_TIMEOUT'
}
