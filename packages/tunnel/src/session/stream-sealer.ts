import type { MessageStream } from '@libp2p/interface'
import type { OpenHead, ResumeHead, SealedHead } from './heads.ts'

/** A stream that is to be sealed by the side that opened it. */
export interface OutboundSeal {
  readonly stream: MessageStream
  readonly peer: string
  readonly linkId: string
  readonly channel: string
  /** What the stream is opened with; the sealer sends it. */
  readonly head: OpenHead | ResumeHead
  readonly signal: AbortSignal
}

/** A stream that the other side wants sealed. */
export interface InboundSeal {
  /** Paused since its head was read. */
  readonly stream: MessageStream
  readonly peer: string
  readonly linkId: string
  readonly head: SealedHead
  /** What came behind the head. */
  readonly rest: Uint8Array
  readonly signal: AbortSignal
}

/**
 * Encrypts streams of sessions end to end, below the sessions: these see the plaintext only. A failure
 * leaves the stream to the caller to abort.
 */
export interface StreamSealer {
  /** Sends the clear head, and gives what runs behind it. */
  outbound(seal: OutboundSeal): Promise<MessageStream>
  inbound(seal: InboundSeal): Promise<MessageStream>
}
