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
