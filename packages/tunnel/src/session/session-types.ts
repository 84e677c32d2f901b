import type { AbortOptions } from '@libp2p/interface'

/** Delivery mode of a channel; it is on the wire, and both ends must agree. */
export type Mode = 'unicast' | 'multicast' | 'broadcast'

/** One message of a session. */
export interface Message {
  /** At most `headerBytes` (16 KiB) encoded. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** What both kinds of session have. */
export interface SessionBase {
  /** Id of the session, the same on both ends: 32 hexadecimal digits. */
  readonly id: string
  readonly channel: string
  /** Peer id of the other end, as text. */
  readonly peer: string
  readonly mode: Mode
  /** Id of the link that carries the session now; `undefined` while it is detached. */
  readonly link: string | undefined
  readonly status: 'open' | 'closing' | 'closed'
  stats(): SessionStats
  /**
   * Ends the session after everything sent before: resolves once the peer's application has taken
   * all of it and both directions have ended. Idempotent.
   *
   * Gives up when nothing moves for `closeTimeout` (while detached: when `resumeTimeout` is over),
   * or when the signal aborts; the peer then gets a reset.
   *
   * @throws `SessionLostError` when not everything was delivered; the signal's reason
   */
  close(options?: AbortOptions): Promise<void>
  /**
   * Ends the session at once, on both sides, with a reset. Idempotent. The peer is told the message
   * of a Warren error, and of no other; with a `SessionResetError` code and reason are yours.
   */
  abort(error?: Error): void
  /** Resolves when the session has ended on this side; with the error if it did not end cleanly. */
  readonly closed: Promise<Error | undefined>
  on(event: 'detached' | 'resumed', listener: () => void): () => void
  [Symbol.asyncDispose](): Promise<void>
}

/** Counters of a session; bytes are encoded bytes. */
export interface SessionStats {
  readonly epoch: number
  /** Offset of the next byte to be sent / expected. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Bytes kept until the peer's application has taken them. */
  readonly unackedBytes: number
  /** Bytes received that this application has not taken. */
  readonly unreadBytes: number
  /** How many bytes may be in flight towards the peer, and from it. */
  readonly sendWindow: number
  readonly receiveWindow: number
  readonly resumes: number
  readonly replayedBytes: number
}

/** A session that carries messages. */
export interface Session extends SessionBase, AsyncIterable<Message> {
  /**
   * Messages that the publisher left out for this end by its overload policy, before the one that was
   * received last. Always 0 in unicast.
   */
  readonly missed: number

  /**
   * Resolves when the message is inside the window. Its body is copied: reuse it as you like.
   *
   * A signal that aborts while the message waits takes it back, unless it has begun to leave.
   */
  send(message: Message, options?: AbortOptions): Promise<void>
  /** The next message; `undefined` after the end. `timeout` in milliseconds. */
  receive(options?: AbortOptions & { readonly timeout?: number }): Promise<Message | undefined>
  /** Resolves when the peer's application has taken everything sent before now. */
  flush(options?: AbortOptions): Promise<void>
}

/** A session that carries plain bytes, for forwarding. */
export interface ByteSession extends SessionBase, AsyncIterable<Uint8Array> {
  /**
   * Takes `chunk` (always, without copying: the caller must not change it afterwards, for it is
   * sent again when a link breaks). Writes of one tick leave together. After the session has ended
   * by the peer or a loss, chunks are dropped: `drained` and `closed` say why.
   *
   * @throws `SessionClosedError` after `closeWrite` or `close`
   * @returns `false` when the window is full: wait for {@link ByteSession.drained} before the next
   */
  write(chunk: Uint8Array): boolean
  /** Resolves when {@link ByteSession.write} may be called again; rejects when the session ended. */
  drained(options?: AbortOptions): Promise<void>
  /** Ends this direction after everything written; the other direction goes on. */
  closeWrite(): void

  /**
   * The bytes received and not yet taken, at most `max` of them, or `undefined` when there are none
   * now. What is returned counts as taken. For forwarders; do not mix with async iteration.
   */
  read(max?: number): Uint8Array | undefined
  /** `true` once the peer has ended its direction and everything has been read. */
  readonly readEnded: boolean
  /**
   * Called when {@link ByteSession.read} has something new to say: bytes, the end, or an abort; and
   * soon after it is set when there is something already. One that throws ends the session.
   */
  onReadable: (() => void) | undefined
  /** Called when {@link ByteSession.write} may go on after it returned `false`. */
  onDrain: (() => void) | undefined
}
