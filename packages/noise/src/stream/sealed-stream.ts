import type { AbortOptions, MessageStream, MessageStreamWriteStatus } from '@libp2p/interface'
import { RecordStream } from './record-stream.ts'

/**
 * The plaintext of a sealed stream. Closes one half at a time where the stream below does.
 *
 * Its end is authenticated: each side's last record is an empty one, so an end that the peer did
 * not make is a `TruncatedError` and not an end.
 */
export interface SealedStream extends MessageStream {
  /** Whether the peer still sends. */
  readonly remoteWriteStatus: MessageStreamWriteStatus
  /** Takes no more from the peer; what is unread is dropped. */
  closeRead(options?: AbortOptions): Promise<void>
}

/** A {@link SealedStream} of records. */
export class SealedRecordStream extends RecordStream implements SealedStream {
  closeRead(options?: AbortOptions): Promise<void> {
    return this.closeReading(options)
  }
}
