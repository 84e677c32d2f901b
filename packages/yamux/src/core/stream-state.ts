import type { ByteAccount } from '@warren/interface'
import { INITIAL_WINDOW } from './constants.ts'

/** The queue of a stream that has nothing to send: never added to. */
export const NOTHING: Uint8Array[] = []

/**
 * The state of one stream in the core. The shell's stream hangs on `owner`; the core never looks
 * at it. Plain fields: with 100,000 streams open each byte here counts.
 */
export class StreamState<Owner> {
  readonly id: number
  readonly direction: 'inbound' | 'outbound'
  owner: Owner | undefined

  /** SYN is still to be sent with the first frame / ACK is still to be sent. */
  pendingFlags: number
  /** The peer has shown that it knows the stream. */
  acknowledged: boolean

  /** How many bytes we may send. */
  sendWindow = INITIAL_WINDOW
  /** Chunks that wait for window or for their turn; the first is at `queueHead`. */
  queue: Uint8Array[] = NOTHING
  queueHead = 0
  queuedBytes = 0
  /** In the ring of streams that can send now. */
  scheduled = false

  /** Size of our receive window; unread bytes plus outstanding credit never exceed it. */
  window = INITIAL_WINDOW
  /** What the peer may still send. */
  credit = INITIAL_WINDOW
  /** Bytes that were received and not taken by the reader. */
  unread = 0
  /** Counts its unread bytes apart from those of the rest, for its protocol. */
  account: ByteAccount | undefined
  /** Unread bytes count in the budgets: as long as the session knows the stream. */
  accounted = true
  /** When credit was last granted, in the core's time; `-1` before the first grant. */
  grantedAt = -1

  /** We ended our direction: `'wanted'` until everything queued before it has left. */
  localEnd: 'open' | 'wanted' | 'sent' = 'open'
  remoteEnded = false
  /** Reset by either side, or the connection is gone. */
  dead = false

  constructor(id: number, direction: 'inbound' | 'outbound', pendingFlags: number) {
    this.id = id
    this.direction = direction
    this.pendingFlags = pendingFlags
    this.acknowledged = direction === 'inbound'
  }
}
