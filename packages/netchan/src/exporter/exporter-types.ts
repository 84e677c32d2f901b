import type { AbortOptions } from '@libp2p/interface'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Receiver, Sender } from '../channel/channel-types.ts'
import type { Codec } from '../codec/codec-types.ts'
import type { Direction, ExportMode, OverloadPolicy } from '../directions.ts'
import type { LinkSource } from '../links/as-frame-link.ts'
import type { WaitOptions } from '../waiters.ts'
import type { CallContext } from './call-handler.ts'

/** Options of `createExporter`. */
export interface ExporterOptions {
  /** Longest encoded value, in bytes, 1 to 16 MiB. Longer ones are refused. Default 262,144. */
  readonly maxValueBytes?: number
  /**
   * Bindings of one link at once, calls and channels inside values included; more are refused.
   * Default 1,024.
   */
  readonly maxBindings?: number
  /**
   * Bytes that importers may make this exporter hold, by their windows, over all links; an importer
   * whose window does not fit is refused. Default 512 MiB.
   */
  readonly maxReservedBytes?: number
  /** Milliseconds that a credit waits for others at most. Default 5. */
  readonly creditDelay?: number
  /** Milliseconds that a peer may take to say hello. Default 10,000. */
  readonly helloTimeout?: number
  /** Milliseconds that `close` waits for values to be taken. Default 5,000. */
  readonly closeTimeout?: number
  /** Errors kept until they are read; older ones are dropped and counted. Default 64. */
  readonly maxErrors?: number
}

/** Options of every channel that is exported. */
export interface ChannelOptions<S extends StandardSchemaV1 = StandardSchemaV1> {
  /** Any Standard Schema; values are checked at both ends. Default: none, everything is valid. */
  readonly schema?: S
  /** How values are encoded; the importer must use the same. Default: CBOR. */
  readonly codec?: Codec
}

/** Options of {@link Exporter.export}. */
export interface ExportOptions<S extends StandardSchemaV1 = StandardSchemaV1>
  extends ChannelOptions<S> {
  /** How several importers share what is sent; for direction `send`. Default `'queue'`. */
  readonly mode?: ExportMode
  /** What a broadcast does for an importer whose window is full. Default `'block'`. */
  readonly overload?: OverloadPolicy
  /** Values that wait for such an importer, unless it blocks. Default 64. */
  readonly backlog?: number
  /** Values that one importer may have unread here, at most; for `recv`. Default 65,536. */
  readonly maxWindow?: number
  /** The same in bytes. Default 262,144. */
  readonly windowBytes?: number
  /**
   * For `recv`: close the channel, in order, when an importer has closed and no other is bound. By
   * default it stays open for those who come later.
   */
  readonly closeWithLast?: boolean
}

/** Options of {@link Exporter.handle}. */
export interface HandleOptions<
  Q extends StandardSchemaV1 = StandardSchemaV1,
  R extends StandardSchemaV1 = StandardSchemaV1
> {
  /** Schema of the request. */
  readonly request?: Q
  /** Schema of each reply. */
  readonly reply?: R
  readonly codec?: Codec
  /**
   * Calls of this function under way at once, over all links; more are refused. One counts until the
   * function has returned, even when the caller has given up. Default 1,024.
   */
  readonly maxCalls?: number
}

/** What happened to a binding, in {@link ExporterEvents}. */
export interface BindingInfo {
  readonly name: string
  /** As the exporter sees it; `call` for a function. */
  readonly direction: Direction | 'call'
  /** Who is at the other end. */
  readonly peer: string
}

/** How a binding ended. */
export interface UnboundInfo extends BindingInfo {
  /** `undefined` when it ended in order. */
  readonly error: Error | undefined
  readonly sent: number
  readonly received: number
  /** Values that no application took here; of a queue: that go to another importer. */
  readonly undelivered: number
}

/** What an exporter tells; see {@link Exporter.on}. */
export type ExporterEvents = {
  /** An importer was bound. */
  bound: (info: BindingInfo) => void
  /** It is no longer. */
  unbound: (info: UnboundInfo) => void
}

/** Counters of one exported channel. */
export interface ExportStats {
  /** Values that some application is still to take. */
  readonly pending: number
  /** Values sent again because an importer left. */
  readonly redelivered: number
  /** Values lost by the overload policy, or that came for nothing. */
  readonly dropped: number
}

/** Publishes channels of this process under names, to whoever is at the other end of its links. */
export interface Exporter {
  /**
   * Publishes a channel. `'send'`: importers receive what is sent on it. `'recv'`: what importers
   * send comes out of it. The same channel may have several names.
   *
   * @throws codes `ERR_ALREADY_EXPORTED`, `ERR_NETCHAN_OPTION`, `ERR_NETCHAN_CLOSED`
   */
  export<S extends StandardSchemaV1>(
    name: string,
    channel: Receiver<StandardSchemaV1.InferInput<S>>,
    direction: 'send',
    options: ExportOptions<S> & { readonly schema: S }
  ): void
  export<S extends StandardSchemaV1>(
    name: string,
    channel: Sender<StandardSchemaV1.InferOutput<S>>,
    direction: 'recv',
    options: ExportOptions<S> & { readonly schema: S }
  ): void
  export(
    name: string,
    channel: Receiver<unknown>,
    direction: 'send',
    options?: Omit<ExportOptions, 'schema'>
  ): void
  export(
    name: string,
    channel: Sender<never>,
    direction: 'recv',
    options?: Omit<ExportOptions, 'schema'>
  ): void
  /**
   * Publishes a function: each call gets what it returns, or each value of an async iterable.
   * What it throws is the caller's `RemoteError`; the message only of a Warren error.
   *
   * @throws as {@link Exporter.export}
   */
  handle<Q extends StandardSchemaV1, R extends StandardSchemaV1>(
    name: string,
    options: HandleOptions<Q, R>,
    handler: (
      request: StandardSchemaV1.InferOutput<Q>,
      context: CallContext
    ) => Reply<StandardSchemaV1.InferInput<R>>
  ): void
  /**
   * Takes a name back: importers get what was sent before, then the end; what comes from them is
   * refused. The local channel is closed.
   *
   * @throws code `ERR_UNKNOWN_NAME`
   */
  hangup(name: string): void
  /** Serves each link that the listener gives, until it ends. */
  serve(listener: AsyncIterable<LinkSource>, options?: AbortOptions): Promise<void>
  /** Serves one link; resolves when it has ended. Why it ended, if not in order, is an error event. */
  serveConn(link: LinkSource): Promise<void>
  /**
   * Resolves when nothing is pending anywhere: every value sent was taken by an importer's
   * application, every value that came is in the local channel, every call is answered.
   *
   * @throws code `ERR_NETCHAN_TIMEOUT`, naming what is pending
   */
  drain(options?: WaitOptions): Promise<void>
  /**
   * Resolves when applications have taken every value that was sent before now.
   *
   * @throws code `ERR_NETCHAN_TIMEOUT`
   */
  sync(options?: WaitOptions): Promise<void>
  /** What went wrong and no call waits for: values that could not be had, links that broke. */
  readonly errors: AsyncIterable<Error, undefined>
  /** Calls `listener` at each event, until the function that is returned is called. */
  on<E extends keyof ExporterEvents>(event: E, listener: ExporterEvents[E]): () => void
  /** Counters by name. */
  stats(): Record<string, ExportStats>
  /** Sizes of every table; for tests and diagnosis. */
  debug(): { links: number; exports: number; bound: number; reservedBytes: number; errors: number }
  /**
   * Ends every name and link: values sent are given `closeTimeout` to be taken. Local channels are
   * closed. Idempotent.
   */
  close(): Promise<void>
  /** Ends every link at once. Idempotent. */
  abort(error?: Error): void
  [Symbol.asyncDispose](): Promise<void>
}

/** What a handler gives: one reply, or many. */
export type Reply<T> = T | Promise<T> | AsyncIterable<T> | Promise<AsyncIterable<T>>
