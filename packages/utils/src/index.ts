/**
 * Small bounded helpers that several Warren packages share. No I/O and no clock of their own.
 */
export { Backoff } from './backoff.ts'
export type { BackoffOptions } from './backoff.ts'
export { counterweigh } from './counterweight.ts'
export { EventEmitter } from './event-emitter.ts'
export type { Listener, ListenerOptions } from './event-emitter.ts'
export { FreeMarks, freeBuffer, receivedChunks, sentChunks } from './free-marks.ts'
export {
  FrameTooLongError,
  LengthPrefixedDecoder,
  encodeLengthPrefixed
} from './length-prefixed.ts'
export { describeError, printable } from './printable.ts'
export { TokenBucket } from './token-bucket.ts'
export type { TokenBucketOptions } from './token-bucket.ts'
export { unref } from './unref.ts'
export { VarintError, encodeVarint, readVarint, varintSize } from './varint.ts'
export type { Varint } from './varint.ts'
export { deadline, waitFor } from './wait.ts'
export type { Deadline } from './wait.ts'
