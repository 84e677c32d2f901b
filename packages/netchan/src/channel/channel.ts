import type { AbortOptions } from '@libp2p/interface'
import { NetchanOptionError } from '../errors.ts'
import { receiveFrom, sendTo, tryReceiveFrom, trySendTo } from './calls.ts'
import type { Received } from './calls.ts'
import { ChannelCore } from './channel-core.ts'
import { ChannelIterator } from './channel-iterator.ts'
import { PORT } from './channel-port.ts'
import type { Channel, Receiver, Sender } from './channel-types.ts'

/**
 * Makes a channel, as Go's `make(chan T, capacity)`: it buffers up to `capacity` values that nobody
 * has received. With 0 each send waits for a receive.
 *
 * @throws code `ERR_NETCHAN_OPTION`
 */
export function channel<T>(capacity = 0): Channel<T> {
  if (!Number.isSafeInteger(capacity) || capacity < 0) {
    throw new NetchanOptionError(
      `the capacity of a channel is a whole number from 0, not ${String(capacity)}`
    )
  }
  return new LocalChannel<T>(new ChannelCore(capacity))
}

/** What every end has. */
class End {
  readonly [PORT]: ChannelCore

  constructor(core: ChannelCore) {
    this[PORT] = core
  }

  get closed(): boolean {
    return this[PORT].closed
  }

  close(error?: Error): void {
    this[PORT].close(error)
  }
}

/** The sending half of a channel. */
export class LocalSender<in T> extends End implements Sender<T> {
  send(value: T, options?: AbortOptions): Promise<void> {
    return sendTo(this[PORT], value, options)
  }

  trySend(value: T): boolean {
    return trySendTo(this[PORT], value)
  }
}

/** The receiving half of a channel. */
export class LocalReceiver<out T> extends End implements Receiver<T> {
  receive(options?: AbortOptions): Promise<Received<T>> {
    return receiveFrom<T>(this[PORT], options)
  }

  tryReceive(): Received<T> | undefined {
    return tryReceiveFrom<T>(this[PORT])
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return new ChannelIterator<T>(this[PORT])
  }
}

/** Both halves in one. */
export class LocalChannel<T> extends End implements Channel<T> {
  readonly sender: Sender<T>
  readonly receiver: Receiver<T>

  constructor(core: ChannelCore) {
    super(core)
    this.sender = new LocalSender<T>(core)
    this.receiver = new LocalReceiver<T>(core)
  }

  get capacity(): number {
    return this[PORT].capacity
  }

  get length(): number {
    return this[PORT].buffered
  }

  send(value: T, options?: AbortOptions): Promise<void> {
    return sendTo(this[PORT], value, options)
  }

  trySend(value: T): boolean {
    return trySendTo(this[PORT], value)
  }

  receive(options?: AbortOptions): Promise<Received<T>> {
    return receiveFrom<T>(this[PORT], options)
  }

  tryReceive(): Received<T> | undefined {
    return tryReceiveFrom<T>(this[PORT])
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return new ChannelIterator<T>(this[PORT])
  }
}
