import type { AbortOptions } from '@libp2p/interface'
import { RESET } from './codes.ts'
import {
  ReceiveTimeoutError,
  SendQueueFullError,
  SessionClosedError,
  SessionProtocolError
} from './errors.ts'
import { type MessageLimits, MessageReader, encodeMessage } from './message-codec.ts'
import type { EngineApp, SessionEngine } from './session-engine.ts'
import type { Message, Mode, Session, SessionStats } from './session-types.ts'

/** Limits of a session of messages. */
export interface MessageSessionLimits extends MessageLimits {
  /** Calls of `send` that may wait for the window. */
  readonly pendingSends: number
}

/** Somebody who waits for an offset: to be inside the window, or to be confirmed. */
interface OffsetWaiter {
  /** Offset behind the message, or `undefined` while its bytes wait for those before it. */
  offset: number | undefined
  bytes: Uint8Array | undefined
  done(error: unknown): void
}

/** Somebody who waits for a message; taken out of the list before it is told. */
interface Receiver {
  settle(message: Message | undefined): void
  fail(error: unknown): void
}

/** Hears of a session whose messages wait in a queue that is not its own; see `GroupMember`. */
export interface MessageSessionObserver {
  /** {@link EngineMessageSession.offer} may take more. */
  writable(): void
  /** The peer's application has taken more. */
  confirmed(): void
  /** {@link EngineMessageSession.tryReceive} may have a message. */
  readable(): void
}

const DONE = Promise.resolve()

/** A {@link Session} on an engine. */
export class EngineMessageSession implements Session, EngineApp {
  readonly #engine: SessionEngine
  readonly #limits: MessageSessionLimits
  readonly #reader: MessageReader
  /** Calls of `send` that wait, in order. */
  readonly #senders = new Set<OffsetWaiter>()
  /** Calls of `flush` that wait. */
  readonly #flushers = new Set<OffsetWaiter>()
  readonly #receivers = new Set<Receiver>()
  readonly #read = (max: number): Uint8Array | undefined => this.#engine.read(max)
  observer: MessageSessionObserver | undefined

  /** @param gaps the peer publishes, and may leave messages out */
  constructor(engine: SessionEngine, limits: MessageSessionLimits, gaps = false) {
    this.#engine = engine
    this.#limits = limits
    this.#reader = new MessageReader(limits, gaps)
    engine.app = this
  }

  get id(): string {
    return this.#engine.init.id
  }

  get channel(): string {
    return this.#engine.init.channel
  }

  get peer(): string {
    return this.#engine.init.peer
  }

  get mode(): Mode {
    return this.#engine.init.mode
  }

  get link(): string | undefined {
    return this.#engine.link
  }

  get status(): 'open' | 'closing' | 'closed' {
    const { status } = this.#engine
    return status === 'open' && this.#engine.core.isWriteEnded ? 'closing' : status
  }

  get closed(): Promise<Error | undefined> {
    return this.#engine.closed
  }

  get missed(): number {
    return this.#reader.missed
  }

  /** Offset up to which the peer's application has taken what was written. */
  get confirmedOffset(): number {
    return this.#engine.core.confirmed
  }

  stats(): SessionStats {
    return this.#engine.stats
  }

  on(event: 'detached' | 'resumed', listener: () => void): () => void {
    return this.#engine.on(event, listener)
  }

  send(message: Message, options: AbortOptions = {}): Promise<void> {
    const { core } = this.#engine
    let bytes: Uint8Array
    try {
      options.signal?.throwIfAborted()
      this.#throwIfEnded()
      if (core.isClosing || core.isWriteEnded) {
        throw new SessionClosedError('the session is closing: nothing more can be sent')
      }
      bytes = encodeMessage(message, this.#limits)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    if (this.#senders.size === 0) {
      if (core.hasRoom) {
        this.#engine.write(bytes)
        // The common case costs no promise.
        if (core.isInside(core.written)) return DONE
        return this.#wait(this.#senders, { offset: core.written, bytes: undefined }, options)
      }
    } else if (this.#senders.size >= this.#limits.pendingSends) {
      return Promise.reject(
        new SendQueueFullError(
          `${this.#limits.pendingSends} messages wait for the window: await each send`
        )
      )
    }
    return this.#wait(this.#senders, { offset: undefined, bytes }, options)
  }

  receive(
    options: AbortOptions & { readonly timeout?: number } = {}
  ): Promise<Message | undefined> {
    const { signal, timeout } = options
    // A message that is there already costs no waiting, and no closures.
    if (this.#receivers.size === 0 && signal?.aborted !== true) {
      const message = this.#takeNow()
      if (message !== undefined) return Promise.resolve(message)
    }
    return new Promise((resolve, reject) => {
      if (signal === undefined && timeout === undefined) {
        this.#receivers.add({ settle: resolve, fail: reject })
        this.#deliver()
        return
      }
      signal?.throwIfAborted()
      let timer: ReturnType<typeof setTimeout> | undefined
      const leave = (): void => {
        signal?.removeEventListener('abort', onAbort)
        clearTimeout(timer)
      }
      const receiver: Receiver = {
        settle: message => {
          leave()
          resolve(message)
        },
        fail: error => {
          leave()
          reject(error as Error)
        }
      }
      const giveUp = (error: unknown): void => {
        this.#receivers.delete(receiver)
        receiver.fail(error)
      }
      const onAbort = (): void => giveUp(signal?.reason)
      this.#receivers.add(receiver)
      this.#deliver()
      if (!this.#receivers.has(receiver)) return
      signal?.addEventListener('abort', onAbort)
      if (timeout !== undefined) {
        timer = setTimeout(() => {
          const text = `no message came within ${timeout} ms`
          giveUp(new ReceiveTimeoutError(text))
        }, timeout)
      }
    })
  }

  async flush(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const last = [...this.#senders].at(-1)
    if (last !== undefined) {
      // What waits for the window must be written before it can be confirmed.
      await this.#wait(this.#senders, { offset: undefined, bytes: new Uint8Array(0) }, options)
    }
    const { core } = this.#engine
    const offset = core.written
    if (core.confirmed >= offset) return
    this.#throwIfEnded()
    this.#engine.sync()
    await this.#wait(this.#flushers, { offset, bytes: undefined }, options)
  }

  /**
   * Writes an encoded message, by reference, when the window has room (or `always`); not to be mixed
   * with {@link send}.
   *
   * @returns the offset behind it; `undefined` when it was not taken: the observer hears of room
   */
  offer(bytes: Uint8Array, always = false): number | undefined {
    const { core } = this.#engine
    if (core.isWriteEnded || !(core.hasRoom || always)) return undefined
    this.#engine.write(bytes)
    return core.written
  }

  /** The next message if it is there; `undefined` also after the end. */
  tryReceive(): Message | undefined {
    return this.#receivers.size === 0 ? this.#takeNow() : undefined
  }

  /** No generator: that takes three turns more for each message. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return { next: () => this.receive().then(iteratorResult) }
  }

  async close(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    // What was sent before goes before the end, even what still waits for the window.
    this.#writeAll()
    await this.#engine.close(options)
  }

  abort(error?: Error): void {
    this.#engine.abort(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // --- What the engine tells ---

  readable(): void {
    this.#deliver()
    this.observer?.readable()
  }

  writable(): void {
    this.#serveSenders()
    this.observer?.writable()
  }

  confirmed(): void {
    this.#serveSenders()
    this.observer?.confirmed()
    const { confirmed } = this.#engine.core
    for (const flusher of this.#flushers) {
      if (flusher.offset !== undefined && flusher.offset <= confirmed) flusher.done(undefined)
    }
  }

  ended(error: Error | undefined): void {
    const reason = error ?? new SessionClosedError('the session has ended')
    for (const sender of this.#senders) sender.done(reason)
    const { confirmed } = this.#engine.core
    for (const flusher of this.#flushers) {
      flusher.done((flusher.offset ?? 0) <= confirmed ? undefined : reason)
    }
    for (const receiver of this.#receivers) {
      this.#receivers.delete(receiver)
      if (error === undefined) receiver.settle(undefined)
      else receiver.fail(error)
    }
  }

  /** Gives messages to those who wait for one; only then are their bytes taken. */
  #deliver(): void {
    const { core } = this.#engine
    for (const receiver of this.#receivers) {
      const message = this.#takeNow()
      const { ending } = core
      if (message === undefined && ending === undefined && !core.isReadEnded) break
      this.#receivers.delete(receiver)
      if (message === undefined && ending?.error !== undefined) receiver.fail(ending.error)
      else receiver.settle(message)
    }
    this.#endWithPeer()
  }

  /** The next message, if all of it is there. What is no message ends the session. */
  #takeNow(): Message | undefined {
    const { core } = this.#engine
    if (core.unread === 0 && !core.isReadEnded) return undefined
    try {
      const message = this.#reader.next(this.#read, core.ahead)
      if (message === undefined && core.isReadEnded && !this.#reader.isBetween) {
        throw new SessionProtocolError('the peer ended within a message')
      }
      if (message !== undefined) this.#endWithPeer()
      return message
    } catch (error) {
      this.#engine.reset(RESET.protocol, (error as Error).message, error as Error)
      return undefined
    }
  }

  /** A session of messages closes as a whole: who has heard the peer's end ends too. */
  #endWithPeer(): void {
    const { core } = this.#engine
    if (!core.isReadEnded || core.isWriteEnded) return
    this.#writeAll()
    this.#engine.end()
  }

  #serveSenders(): void {
    const { core } = this.#engine
    for (const sender of this.#senders) {
      if (sender.bytes !== undefined) {
        if (!core.hasRoom) return
        this.#write(sender)
      }
      if (sender.offset === undefined || !core.isInside(sender.offset)) return
      sender.done(undefined)
    }
  }

  #writeAll(): void {
    if (this.#engine.core.isWriteEnded) return
    for (const sender of this.#senders) if (sender.bytes !== undefined) this.#write(sender)
  }

  #write(sender: OffsetWaiter): void {
    if (sender.bytes === undefined) return
    this.#engine.write(sender.bytes)
    sender.bytes = undefined
    sender.offset = this.#engine.core.written
  }

  #wait(
    list: Set<OffsetWaiter>,
    init: Pick<OffsetWaiter, 'offset' | 'bytes'>,
    options: AbortOptions
  ): Promise<void> {
    const { signal } = options
    return new Promise((resolve, reject) => {
      const onAbort = (): void => waiter.done(signal?.reason)
      const waiter: OffsetWaiter = {
        ...init,
        done: error => {
          list.delete(waiter)
          signal?.removeEventListener('abort', onAbort)
          if (error === undefined) resolve()
          else reject(error as Error)
        }
      }
      signal?.addEventListener('abort', onAbort)
      list.add(waiter)
    })
  }

  #throwIfEnded(): void {
    const { ending } = this.#engine.core
    if (ending !== undefined) {
      throw ending.error ?? new SessionClosedError('the session has ended')
    }
  }
}

function iteratorResult(message: Message | undefined): IteratorResult<Message, undefined> {
  return message === undefined ? { done: true, value: undefined } : { done: false, value: message }
}
