import type { AbortOptions } from '@libp2p/interface'
import type { ChannelCore } from './channel-core.ts'
import { NOTHING } from './channel-port.ts'
import type { Puller, Pusher } from './channel-port.ts'
import { Place } from './wait-queue.ts'
import type { WaitQueue } from './wait-queue.ts'

/** What a receive gives: a value, or the end. */
export type Received<T> = IteratorResult<T, undefined>

const SENT: Promise<void> = Promise.resolve()

/** {@link Sender.send} on a channel. */
export function sendTo(core: ChannelCore, value: unknown, options?: AbortOptions): Promise<void> {
  try {
    options?.signal?.throwIfAborted()
    if (trySendTo(core, value)) return SENT
  } catch (error) {
    return Promise.reject(error as Error)
  }
  return waitIn<void, Pusher>(core.givers, options?.signal, (resolve, reject) => ({
    ready: true,
    give() {
      resolve()
      return value
    },
    end: () => reject(core.refusal)
  }))
}

/** {@link Sender.trySend} on a channel. */
export function trySendTo(core: ChannelCore, value: unknown): boolean {
  core.check(value)
  return core.accept(value)
}

/** {@link Receiver.receive} from a channel. */
export function receiveFrom<T>(core: ChannelCore, options?: AbortOptions): Promise<Received<T>> {
  try {
    options?.signal?.throwIfAborted()
    const received = tryReceiveFrom<T>(core)
    if (received !== undefined) return Promise.resolve(received)
  } catch (error) {
    return Promise.reject(error as Error)
  }
  return waitIn(core.takers, options?.signal, takeOne<T>)
}

/** {@link Receiver.tryReceive} from a channel. */
export function tryReceiveFrom<T>(core: ChannelCore): Received<T> | undefined {
  const value = core.poll()
  if (value !== NOTHING) return { done: false, value: value as T }
  if (!core.closed) return undefined
  if (core.error !== undefined) throw core.error
  return { done: true, value: undefined }
}

/** A receive that waits, as the queue sees it. */
export function takeOne<T>(
  resolve: (received: Received<T>) => void,
  reject: (error: Error) => void
): Puller {
  return {
    ready: true,
    take: value => resolve({ done: false, value: value as T }),
    end: error => (error === undefined ? resolve({ done: true, value: undefined }) : reject(error))
  }
}

/** Stands in a queue until it is served, or until the signal aborts. */
function waitIn<R, P extends { readonly ready: boolean }>(
  queue: WaitQueue<P>,
  signal: AbortSignal | undefined,
  party: (resolve: (result: R) => void, reject: (error: Error) => void) => P
): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    if (signal === undefined) {
      queue.add(new Place(party(resolve, reject), false))
      return
    }
    const onAbort = (): void => {
      place.leave()
      fail(signal.reason as Error)
    }
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', onAbort)
      reject(error)
    }
    const done = (result: R): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(result)
    }
    const place = new Place(party(done, fail), false)
    queue.add(place)
    signal.addEventListener('abort', onAbort)
  })
}
