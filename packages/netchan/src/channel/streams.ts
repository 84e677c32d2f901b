import type { AbortOptions } from '@libp2p/interface'
import { describeError } from '@warren/utils'
import { ChannelClosedError } from '../errors.ts'
import { NOTHING, PORT } from './channel-port.ts'
import type { Pusher } from './channel-port.ts'
import type { Receiver, Sender } from './channel-types.ts'
import { channel } from './channel.ts'

/** Options of {@link fromIterable} and {@link fromReadableStream}. */
export interface FromOptions extends AbortOptions {
  /** Values that are taken from the source ahead of whoever receives. Default 0. */
  readonly capacity?: number
}

/** Options of {@link toWritableStream} and {@link sinkTo}. */
export interface IntoOptions extends AbortOptions {
  /** Leave the channel open when the source ends, or fails. Default `false`. */
  readonly preventClose?: boolean
}

/**
 * The values of a channel as a `ReadableStream`, each taken when it is asked for. Cancelling it takes
 * no further value, and leaves the channel as it is.
 */
export function toReadableStream<T>(receiver: Receiver<T>): ReadableStream<T> {
  const cancelled = new AbortController()
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const received = await receiver.receive({ signal: cancelled.signal })
        if (received.done === true) controller.close()
        else controller.enqueue(received.value)
      },
      cancel: reason => cancelled.abort(reason)
    },
    // Nothing is read ahead: it would be lost with the stream.
    { highWaterMark: 0 }
  )
}

/**
 * A `WritableStream` whose chunks are sent on a channel. Its end closes the channel, and so does its
 * abort, with the reason as the error.
 */
export function toWritableStream<T>(
  sender: Sender<T>,
  { preventClose = false }: Pick<IntoOptions, 'preventClose'> = {}
): WritableStream<T> {
  // An abort ends a send that waits by the controller's signal, which its types leave out.
  return new WritableStream<T>({
    write: (value, controller) => sender.send(value, controller as AbortOptions),
    close: () => {
      if (!preventClose) sender.close()
    },
    abort: reason => {
      if (!preventClose) sender.close(asError(reason))
    }
  })
}

/**
 * A channel that the values of a `ReadableStream` come out of. When the channel is closed, or the
 * signal aborts, the stream is cancelled; when the stream fails, the channel does too.
 */
export function fromReadableStream<T>(
  stream: ReadableStream<T>,
  options: FromOptions = {}
): Receiver<T> {
  const reader = stream.getReader()
  // Not every ReadableStream is iterable, and the own iterator returns only between two reads.
  const chunks: AsyncIterator<T, undefined> = {
    next: async () => (await reader.read()) as IteratorResult<T, undefined>,
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    }
  }
  return fromIterable({ [Symbol.asyncIterator]: () => chunks }, options)
}

/**
 * A channel that the values of an iterable come out of, asynchronous or not. When the channel is
 * closed, or the signal aborts, the iterator is returned; when it throws, the channel fails.
 *
 * @throws code `ERR_NETCHAN_OPTION`
 */
export function fromIterable<T>(
  source: AsyncIterable<T> | Iterable<T>,
  { capacity = 0, signal }: FromOptions = {}
): Receiver<T> {
  const values = channel<T>(capacity)
  // Why it ends is told by the channel.
  sinkTo(values, signal === undefined ? {} : { signal })(source).catch(() => {})
  return values.receiver
}

/**
 * A sink for `it-pipe`: sends every value of its source on a channel, then closes it.
 *
 * A source that fails closes the channel with its error. When the channel is closed first, or the
 * signal aborts, the source's iterator is returned, and the sink fails with code
 * `ERR_CHANNEL_CLOSED` or the reason. A channel's receiver is a source as it is.
 */
export function sinkTo<T>(
  sender: Sender<T>,
  { preventClose = false, signal }: IntoOptions = {}
): (source: AsyncIterable<T> | Iterable<T>) => Promise<void> {
  return async source => {
    signal?.throwIfAborted()
    const iterator = iteratorOf(source)
    let interrupt: (error: Error) => void = () => {}
    const onAbort = (): void => interrupt(asError(signal?.reason))
    // Hears at once when the channel is closed, also while the source has nothing to give.
    const watch: Pusher = {
      ready: false,
      give: () => NOTHING,
      end: error =>
        interrupt(error ?? new ChannelClosedError('the channel was closed: no more is wanted'))
    }
    signal?.addEventListener('abort', onAbort)
    const detach = sender[PORT].attachPusher(watch)
    try {
      for (;;) {
        const step = await new Promise<IteratorResult<T>>((resolve, reject) => {
          interrupt = reject
          Promise.resolve(iterator.next()).then(resolve, reject)
        })
        if (step.done === true) break
        await sender.send(step.value, signal === undefined ? {} : { signal })
      }
      if (!preventClose) sender.close()
    } catch (error) {
      // Not awaited: a generator that waits for something returns only when that has come.
      void Promise.resolve(iterator.return?.()).catch(() => {})
      if (!preventClose) sender.close(asError(error))
      throw error
    } finally {
      detach()
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

function iteratorOf<T>(source: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

function asError(reason: unknown): Error {
  return reason instanceof Error
    ? reason
    : new ChannelClosedError(`the source was ended: ${describeError(reason)}`, { cause: reason })
}
