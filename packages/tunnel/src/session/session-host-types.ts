import type { AbortOptions, Stream } from '@libp2p/interface'
import type { RefuseCode } from './codes.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { SessionOptions } from './session-options.ts'
import type { ByteSession, Mode, Session } from './session-types.ts'
import type { StreamSealer } from './stream-sealer.ts'

/** A stream for a session, and the id of the link that it runs over. */
export interface CarrierStream {
  readonly stream: Stream
  readonly linkId: string
}

/** Opens a stream over any link to the session's peer; called again whenever one is lost. */
export type OpenStream = (signal: AbortSignal) => Promise<CarrierStream>

/** What a dialler asks for. */
export interface OpenRequest extends AbortOptions {
  readonly channel: string
  readonly mode: Mode
  /** `true` for a {@link ByteSession}, `false` for a {@link Session} of messages. */
  readonly bytes: boolean
  /** Encrypt its streams once more, end to end. Default `false`. */
  readonly seal?: boolean
  /** Peer id of the other end, as text. Streams of `openStream` must all lead to it. */
  readonly peer: string
  readonly openStream: OpenStream
}

/** What a peer asks for. */
export interface SessionRequest {
  readonly channel: string
  readonly mode: Mode
  readonly bytes: boolean
  /** Peer id of the dialler, proven by its connection. */
  readonly peer: string
  readonly linkId: string
  /** Its stream is sealed; every stream that resumes the session has to be, then. */
  readonly sealed: boolean
}

/**
 * Yes, with what takes the session once the peer has been told (a {@link ByteSession} when the
 * request says `bytes`, else a {@link Session}); or no, with the code that the peer gets.
 */
export type SessionDecision =
  | { readonly accept: (session: Session | ByteSession) => void }
  | { readonly refuse: RefuseCode }

/**
 * Decides about a session that a peer opens. `signal` fires when the answer would come too late:
 * `headTimeout` after the stream came, or when the stream is gone. A throw refuses with `failed`.
 */
export type SessionAcceptor = (
  request: SessionRequest,
  signal: AbortSignal
) => SessionDecision | Promise<SessionDecision>

/**
 * Decides whether a session goes on, when its dialler, proven, attaches it again. `signal` as for
 * {@link SessionAcceptor}; a throw says no for this time only.
 */
export type SessionReadmitter = (
  request: Pick<SessionRequest, 'channel' | 'peer' | 'linkId'>,
  signal: AbortSignal
) => boolean | Promise<boolean>

/** Options of a {@link SessionHost}. */
export interface SessionHostOptions extends Partial<SessionOptions> {
  readonly acceptor: SessionAcceptor
  /** Asked at every resume. Default: whoever opened a session may resume it. */
  readonly readmitter?: SessionReadmitter
  /** Seals the streams of sessions that ask for it. Default: none can be sealed. */
  readonly sealer?: StreamSealer
  /** Memory for windows. Default: the 64 MiB that all sessions of the process share. */
  readonly budget?: MemoryBudget
  /** Fills the array with random bytes. Default: the system's generator. */
  readonly randomBytes?: (length: number) => Uint8Array
  /**
   * Bytes of one session that may be on their way over a link at once. Default: as many as its window
   * holds.
   */
  readonly inFlightOn?: (linkId: string) => number
  /** Names the run of the peer's tunnel that a link leads to; `undefined`: not known. */
  readonly instanceOn?: (linkId: string) => string | undefined
  /** Random number in [0, 1) for back-off. Default `Math.random`. */
  readonly random?: () => number
}

/** Sizes of every table of a host; all zero when nothing is left. */
export interface SessionHostDebug {
  readonly dialled: number
  readonly accepted: number
  /** Of both: sessions that have ended, kept so that a lost last confirmation is no loss. */
  readonly tombstones: number
  /** Of both: sessions without a stream. */
  readonly detached: number
  /** Streams whose first frame, or whose answer, is awaited. */
  readonly heads: number
  /** Streams whose session is over, closing. */
  readonly closing: number
  readonly peers: number
  readonly links: number
  readonly deadlines: number
}

/** The sessions of one tunnel. */
export interface SessionHostApi {
  /**
   * Opens a session: sends `open`, awaits the answer, and from then on keeps the session attached.
   *
   * A stream that breaks before the answer is replaced until `signal` aborts.
   *
   * @throws the signal's reason; an error of refusal (see `refusalError`); `SessionLimitError`
   */
  open(request: OpenRequest & { readonly bytes: true }): Promise<ByteSession>
  open(request: OpenRequest & { readonly bytes: false }): Promise<Session>
  open(request: OpenRequest): Promise<Session | ByteSession>
  /** Takes a stream that `peer` opened: reads its head and opens or resumes. Never throws. */
  accept(stream: Stream, peer: string, linkId: string): void
  /**
   * A link to `peer` appeared: detached sessions to it attach again at once. Those with another run of
   * its tunnel than `instance` are lost: nobody there knows them any more.
   */
  linkUp(peer: string, instance?: string): void
  /** A link is gone or dead: its sessions are detached at once. */
  linkDown(linkId: string, error?: Error): void
  /** Ends every session (`close`, then a reset after `closeTimeout`) and leaves nothing behind. */
  close(options?: AbortOptions): Promise<void>
  debug(): SessionHostDebug
}
