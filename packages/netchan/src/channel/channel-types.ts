import type { AbortOptions } from '@libp2p/interface'
import type { ChannelPort, PORT } from './channel-port.ts'

/** The sending direction of a channel, here or on another machine. */
export interface Sender<in T> {
  /**
   * Resolves once the value is in the channel's buffer or in the hands of a receiver; for a channel
   * whose other end is on another machine: once it is inside the window.
   *
   * A signal that aborts while the value waits takes it back: it is then not sent.
   *
   * @throws code `ERR_CHANNEL_CLOSED` after `close`; the error the channel was closed with; code
   * `ERR_VALUE_INVALID` when a schema refuses the value; the signal's reason
   */
  send(value: T, options?: AbortOptions): Promise<void>
  /**
   * Sends without waiting.
   *
   * @returns `false` when there is no room now
   * @throws as {@link Sender.send}
   */
  trySend(value: T): boolean
  /**
   * Ends the channel: later sends are refused, and receivers get what is buffered, then the end, or
   * `error`. Idempotent: the first call counts.
   */
  close(error?: Error): void
  /** `true` once the channel was closed, by whichever end. */
  readonly closed: boolean
  /** What pumps use. */
  readonly [PORT]: ChannelPort
}

/** The receiving direction of a channel, here or on another machine. */
export interface Receiver<out T> extends AsyncIterable<T, undefined> {
  /**
   * The next value, or `{ done: true }` after the end.
   *
   * A signal that aborts while it waits takes no value.
   *
   * @throws the error that the channel was closed with, after everything buffered; the signal's reason
   */
  receive(options?: AbortOptions): Promise<IteratorResult<T, undefined>>
  /**
   * Receives without waiting.
   *
   * @returns `undefined` when there is nothing now
   * @throws the error that the channel was closed with, after everything buffered
   */
  tryReceive(): IteratorResult<T, undefined> | undefined
  /**
   * Leaves: senders are refused from now on, and told so when they are on another machine. What is
   * buffered can still be received. Idempotent.
   */
  close(error?: Error): void
  /** `true` once the channel was closed, by whichever end; values may still be buffered. */
  readonly closed: boolean
  /** What pumps use. */
  readonly [PORT]: ChannelPort
}

/** A channel of this process: Go's `chan T`. Give its halves away as `sender` and `receiver`. */
export interface Channel<T> extends Sender<T>, Receiver<T> {
  /** How many values it buffers; 0: each send meets a receive. */
  readonly capacity: number
  /** Values buffered now. */
  readonly length: number
  /** The same channel, for sending only. */
  readonly sender: Sender<T>
  /** The same channel, for receiving only. */
  readonly receiver: Receiver<T>
  readonly [PORT]: ChannelPort
}
