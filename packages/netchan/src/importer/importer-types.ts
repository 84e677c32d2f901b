import type { AbortOptions } from '@libp2p/interface'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Receiver, Sender } from '../channel/channel-types.ts'
import type { Codec } from '../codec/codec-types.ts'
import type { ChannelOptions } from '../exporter/exporter-types.ts'
import type { WaitOptions } from '../waiters.ts'

/** Options of `importFrom`. */
export interface ImporterOptions extends AbortOptions {
  /** Longest encoded value, in bytes, 1 to 16 MiB. Longer ones are refused. Default 262,144. */
  readonly maxValueBytes?: number
  /** Bindings at once, calls and channels inside values included. Default 1,024. */
  readonly maxBindings?: number
  /** Milliseconds that a credit waits for others at most. Default 5. */
  readonly creditDelay?: number
  /** Milliseconds that the exporter may take to say hello. Default 10,000. */
  readonly helloTimeout?: number
  /** Milliseconds that an import may take to be answered. Default 10,000. */
  readonly bindTimeout?: number
  /** Milliseconds that `close` waits for values to be taken. Default 5,000. */
  readonly closeTimeout?: number
  /** Errors kept until they are read; older ones are dropped and counted. Default 64. */
  readonly maxErrors?: number
}

/** Options of {@link Importer.import}. */
export interface ImportOptions<S extends StandardSchemaV1 = StandardSchemaV1>
  extends ChannelOptions<S>,
    AbortOptions {
  /** Window: values that may be unread at the receiving end, 1 to 65,536. Default 64. */
  readonly size?: number
  /** The same in encoded bytes; a value may begin while a byte is left. Default 262,144. */
  readonly windowBytes?: number
  /** Capacity of the local channel, in addition to the window. Default 0. */
  readonly capacity?: number
  /** The channel ends, at both ends, after so many values. Default: no limit. */
  readonly count?: number
  /** Milliseconds that the exporter may take to answer. Default: `bindTimeout`. */
  readonly timeout?: number
}

/** Options of {@link Importer.call} and {@link Importer.stream}. */
export interface CallOptions<
  Q extends StandardSchemaV1 = StandardSchemaV1,
  R extends StandardSchemaV1 = StandardSchemaV1
> extends AbortOptions {
  /** Schema of the request. */
  readonly request?: Q
  /** Schema of each reply. */
  readonly reply?: R
  readonly codec?: Codec
  /** Replies that may be unread here. Default 64. */
  readonly size?: number
}

/** Binds local channels to what the exporter at the other end of one link publishes. */
export interface Importer {
  /** Who is at the other end. */
  readonly peer: string
  /**
   * Binds a channel. `'recv'`: values come out of what it returns. `'send'`: they go in.
   *
   * Resolves once the exporter has accepted.
   *
   * @throws codes `ERR_UNKNOWN_NAME`, `ERR_WRONG_DIRECTION`, `ERR_SCHEMA_MISMATCH` (naming the
   * fields), `ERR_CODEC_MISMATCH`, `ERR_ALREADY_IMPORTED`, `ERR_NETCHAN_LIMIT`,
   * `ERR_NETCHAN_TIMEOUT`, `ERR_NETCHAN_OPTION`, `ERR_NETCHAN_CLOSED`, `ERR_NETCHAN_LINK_LOST`; the
   * signal's reason
   */
  import<S extends StandardSchemaV1>(
    name: string,
    direction: 'recv',
    options: ImportOptions<S> & { readonly schema: S }
  ): Promise<Receiver<StandardSchemaV1.InferOutput<S>>>
  import<S extends StandardSchemaV1>(
    name: string,
    direction: 'send',
    options: ImportOptions<S> & { readonly schema: S }
  ): Promise<Sender<StandardSchemaV1.InferInput<S>>>
  import<T = unknown>(
    name: string,
    direction: 'recv',
    options?: Omit<ImportOptions, 'schema'>
  ): Promise<Receiver<T>>
  import<T = unknown>(
    name: string,
    direction: 'send',
    options?: Omit<ImportOptions, 'schema'>
  ): Promise<Sender<T>>
  /**
   * Binds a channel of yours: what the exporter sends comes out of it. Several imports, of several
   * importers, may share one; it stays open when they end. Leave it with {@link Importer.hangup}.
   *
   * Resolves once the exporter has accepted; `ended` when the import is over, with the error if it
   * did not end in order. What is in your channel was taken, as far as the exporter knows.
   *
   * @throws as {@link Importer.import}
   */
  importInto<S extends StandardSchemaV1>(
    name: string,
    into: Sender<StandardSchemaV1.InferOutput<S>>,
    options: ImportOptions<S> & { readonly schema: S }
  ): Promise<{ readonly ended: Promise<Error | undefined> }>
  importInto(
    name: string,
    into: Sender<never>,
    options?: Omit<ImportOptions, 'schema'>
  ): Promise<{ readonly ended: Promise<Error | undefined> }>
  /**
   * Leaves an imported channel. Of a `'recv'` one, what was not taken goes back to the exporter; a
   * `'send'` one is closed after what was sent. The name can be imported again.
   *
   * @throws code `ERR_UNKNOWN_NAME`
   */
  hangup(name: string): void
  /**
   * Calls a function that the exporter handles, and returns its (first) reply. A signal that aborts
   * reaches the handler.
   *
   * @throws codes `ERR_REMOTE`, `ERR_UNKNOWN_NAME` and the like; the signal's reason
   */
  call<Q extends StandardSchemaV1, R extends StandardSchemaV1>(
    name: string,
    request: StandardSchemaV1.InferInput<Q>,
    options: CallOptions<Q, R> & { readonly request: Q; readonly reply: R }
  ): Promise<StandardSchemaV1.InferOutput<R>>
  call<T = unknown>(name: string, request: unknown, options?: CallOptions): Promise<T>
  /**
   * Calls a function that replies with many values. Closing the receiver, or leaving its iteration,
   * reaches the handler as an aborted signal.
   *
   * @throws as {@link Importer.call}, when values are received
   */
  stream<Q extends StandardSchemaV1, R extends StandardSchemaV1>(
    name: string,
    request: StandardSchemaV1.InferInput<Q>,
    options: CallOptions<Q, R> & { readonly request: Q; readonly reply: R }
  ): Receiver<StandardSchemaV1.InferOutput<R>>
  stream<T = unknown>(name: string, request: unknown, options?: CallOptions): Receiver<T>
  /**
   * Resolves when nothing is pending anywhere: every value sent was taken by the exporter's
   * application, and every value that came is in its local channel.
   *
   * @throws code `ERR_NETCHAN_TIMEOUT`, naming what is pending
   */
  drain(options?: WaitOptions): Promise<void>
  /**
   * Resolves when the exporter's application has taken every value that was sent before now.
   *
   * @throws code `ERR_NETCHAN_TIMEOUT`
   */
  sync(options?: WaitOptions): Promise<void>
  /** What went wrong and no call waits for. Bounded; never ends a channel. */
  readonly errors: AsyncIterable<Error, undefined>
  /** Resolves when the link is over; with the error when it did not end in order. */
  readonly closed: Promise<Error | undefined>
  /** Sizes of every table; for tests and diagnosis. */
  debug(): { imports: number; bindings: number; output: number; errors: number }
  /**
   * Leaves everything and ends the link: values sent are given `closeTimeout` to be taken.
   * Idempotent.
   */
  close(): Promise<void>
  /** Ends the link at once. Idempotent. */
  abort(error?: Error): void
  [Symbol.asyncDispose](): Promise<void>
}
