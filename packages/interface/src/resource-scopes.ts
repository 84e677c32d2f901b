import type { MessageStream, PeerId, StreamMuxer } from '@libp2p/interface'

/** Counts bytes that are held for a peer: received, and not yet taken by whoever reads. */
export interface ByteAccount {
  /** Counts `bytes` more, or fewer when negative. */
  hold(bytes: number): void
  /** Three quarters of some limit are held: no window grows. */
  readonly tight: boolean
  /** More is held than some limit allows: the stream that holds most is to be reset. */
  readonly over: boolean
  /** A stream was reset for it. */
  refused(): void
}

/** A muxer factory whose muxers count what they hold. Others do not look at the options. */
export interface AccountingMuxerFactory {
  createStreamMuxer(conn: MessageStream, options?: MuxerAccountOptions): StreamMuxer
}

/** Options of {@link AccountingMuxerFactory.createStreamMuxer}. */
export interface MuxerAccountOptions {
  /** What the whole connection holds. */
  readonly account?: ByteAccount
}

/** A stream that can count what it holds apart from the rest of its connection. */
export interface AccountingStream {
  /** What it holds already is counted at once; once only. */
  countIn(account: ByteAccount): void
}

/** Gives out the scopes in which connections and streams are counted. */
export interface ResourceLimiter {
  /** A scope for the streams and bytes of one connection. */
  openScope(connection: string, peer: PeerId): ConnectionScope
}

/** What one connection holds. */
export interface ConnectionScope {
  readonly account: ByteAccount
  /**
   * Counts one more stream.
   *
   * @throws an error with a `resetCode` when it would pass a limit
   */
  openStream(direction: 'inbound' | 'outbound'): StreamScope
  /** The connection has ended. Idempotent. */
  close(): void
}

/** One stream, as it is counted. */
export interface StreamScope {
  /**
   * From now on it counts for its protocol too.
   *
   * @throws an error with a `resetCode` when it would pass a limit of the protocol
   */
  setProtocol(protocol: string): ByteAccount
  /** The stream has ended. Idempotent. */
  close(): void
}
