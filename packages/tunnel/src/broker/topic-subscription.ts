import type { AbortOptions } from '@libp2p/interface'
import { deadline } from '@warren/utils'
import type { OverloadPolicy } from '../modes/group-types.ts'
import { SubscriberQueue } from '../modes/subscriber-queue.ts'
import { ReceiveTimeoutError } from '../session/errors.ts'
import { WaitList } from '../session/signalled.ts'
import type { Delivery, Subscription } from './broker-types.ts'

/** Messages that may wait under another policy than `block`, in bytes. */
const QUEUE_BYTES = 1_048_576

/** What a {@link TopicSubscription} is made with. */
export interface TopicSubscriptionInit {
  readonly topic: string
  readonly queue: string | undefined
  readonly overload: OverloadPolicy
  readonly limit: number
  /** Called once, when it ends. */
  readonly onClose: () => Promise<void>
}

/** One subscription: what waits for its application. */
export class TopicSubscription implements Subscription {
  readonly topic: string
  readonly queue: string | undefined
  readonly #init: TopicSubscriptionInit
  readonly #waiting: SubscriberQueue<Delivery>
  readonly #arrived = new WaitList<void>()
  readonly #taken = new WaitList<void>()
  #missed = 0
  #ended = false
  #closing: Promise<void> | undefined

  constructor(init: TopicSubscriptionInit) {
    this.#init = init
    this.topic = init.topic
    this.queue = init.queue
    this.#waiting = new SubscriberQueue(
      init.overload,
      { messages: init.limit, bytes: QUEUE_BYTES },
      ({ body }) => body.length
    )
  }

  get missed(): number {
    return this.#missed + this.#waiting.dropped
  }

  /** Messages that wait to be taken. */
  get size(): number {
    return this.#waiting.size
  }

  /** The publisher left messages out. */
  addMissed(count: number): void {
    this.#missed += count
  }

  /**
   * Gives it a message. Under `block` resolves when the application has taken it.
   *
   * @returns `false` when the subscription ended before: it is not taken
   */
  async offer(delivery: Delivery): Promise<boolean> {
    if (this.#ended) return false
    this.#waiting.push(delivery)
    this.#arrived.settleFirst(undefined)
    if (this.#init.overload !== 'block') return true
    while (this.#waiting.has(delivery)) {
      if (this.#ended) return false
      await this.#taken.wait()
    }
    return true
  }

  async receive(
    options: AbortOptions & { readonly timeout?: number } = {}
  ): Promise<Delivery | undefined> {
    const { signal, timeout } = options
    signal?.throwIfAborted()
    const late = (): Error => new ReceiveTimeoutError(`no message came within ${timeout} ms`)
    const limit = timeout === undefined ? undefined : deadline(timeout, late, signal)
    try {
      for (;;) {
        const next = this.#waiting.peek()
        if (this.#ended) return undefined
        if (next !== undefined) {
          this.#waiting.shift()
          this.#taken.settleAll(undefined)
          return next.record
        }
        await this.#arrived.wait(limit ?? options)
      }
    } finally {
      limit?.clear()
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery, undefined> {
    for (;;) {
      const delivery = await this.receive()
      if (delivery === undefined) return undefined
      yield delivery
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Ends it without a word to its topic, which ends as well. */
  end(): void {
    this.#ended = true
    this.#arrived.settleAll(undefined)
    this.#taken.settleAll(undefined)
  }

  async #close(): Promise<void> {
    this.end()
    await this.#init.onClose()
  }
}
