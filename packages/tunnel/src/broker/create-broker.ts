import { InvalidTunnelOptionError, TunnelClosedError, TunnelLimitError } from '../errors.ts'
import type { Message } from '../session/session-types.ts'
import type { Tunnel } from '../tunnel-types.ts'
import type {
  Broker,
  BrokerDebug,
  BrokerOptions,
  PublishOptions,
  SubscribeOptions,
  Subscription
} from './broker-types.ts'
import { isQueueName } from './envelope.ts'
import { TopicPublisher } from './topic-publisher.ts'
import { TopicSubscriber } from './topic-subscriber.ts'
import { TopicSubscription } from './topic-subscription.ts'

/** Channels of topics, so that they meet no other. */
const CHANNEL = 'topic:'

const DEFAULTS = {
  overload: 'block',
  queue: 256,
  publishTimeout: 5_000,
  idleTimeout: 60_000,
  topics: 1_024
} as const

/** Publish and subscribe over `tunnel`. Several brokers of one tunnel cannot subscribe to one topic. */
export function createBroker(tunnel: Tunnel, options: BrokerOptions = {}): Broker {
  return new TunnelBroker(tunnel, options)
}

class TunnelBroker implements Broker {
  readonly #tunnel: Tunnel
  readonly #options: BrokerOptions & Required<Omit<BrokerOptions, 'onUndelivered'>>
  readonly #publishers = new Map<string, TopicPublisher>()
  readonly #subscribers = new Map<string, Promise<TopicSubscriber>>()
  /** Topics whose last subscription has just ended. */
  readonly #ending = new Map<string, Promise<void>>()
  readonly #subscriptions = new Set<TopicSubscription>()
  #undelivered = 0
  #closing: Promise<void> | undefined

  constructor(tunnel: Tunnel, options: BrokerOptions) {
    this.#tunnel = tunnel
    this.#options = { ...DEFAULTS, ...options }
    for (const name of ['queue', 'publishTimeout', 'idleTimeout', 'topics'] as const) {
      checkNumber(name, this.#options[name])
    }
  }

  async publish(topic: string, message: Message, options: PublishOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#throwIfClosed()
    const { timeout = this.#options.publishTimeout, signal } = options
    checkNumber('timeout', timeout)
    await this.#publisher(topic).publish(message, timeout, signal)
  }

  async subscribe(topic: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const { queue, overload = 'block', limit = DEFAULTS.queue, signal } = options
    signal?.throwIfAborted()
    this.#throwIfClosed()
    checkNumber('limit', limit)
    if (queue !== undefined && !isQueueName(queue)) {
      throw new InvalidTunnelOptionError('the name of a queue group has 1 to 255 characters')
    }
    let subscriber = await this.#subscriber(topic)
    while (subscriber.isClosing) subscriber = await this.#subscriber(topic)
    const onAbort = (): void => void subscription.close()
    const subscription: TopicSubscription = new TopicSubscription({
      topic,
      queue,
      overload,
      limit,
      onClose: async () => {
        signal?.removeEventListener('abort', onAbort)
        this.#subscriptions.delete(subscription)
        subscriber.remove(subscription)
        if (subscriber.size === 0) await this.#endTopic(topic, subscriber)
      }
    })
    subscriber.add(subscription)
    this.#subscriptions.add(subscription)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted === true) onAbort()
    return subscription
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  debug(): BrokerDebug {
    return {
      publishing: this.#publishers.size,
      subscribed: this.#subscribers.size,
      subscriptions: this.#subscriptions.size,
      undelivered: this.#undelivered
    }
  }

  async #close(): Promise<void> {
    // What is published goes first: a subscription of this very tunnel may be to take it.
    await Promise.all([...this.#publishers.values()].map(publisher => publisher.close()))
    await Promise.all([...this.#subscriptions].map(subscription => subscription.close()))
  }

  #publisher(topic: string): TopicPublisher {
    const known = this.#publishers.get(topic)
    if (known !== undefined) return known
    if (this.#publishers.size >= this.#options.topics) {
      throw new TunnelLimitError(
        `${this.#publishers.size} topics are published to: topics allows no more at a time`
      )
    }
    const { overload, queue, idleTimeout, onUndelivered } = this.#options
    const publisher: TopicPublisher = new TopicPublisher({
      topic,
      idleTimeout,
      dial: (timeout, signal) =>
        this.#tunnel.dial(CHANNEL + topic, { mode: 'multicast', overload, queue, timeout, signal }),
      undelivered: (group, message) => {
        this.#undelivered++
        onUndelivered?.(topic, group, message)
      },
      onEnd: () => {
        if (this.#publishers.get(topic) === publisher) this.#publishers.delete(topic)
      }
    })
    this.#publishers.set(topic, publisher)
    return publisher
  }

  /** The topic's listener: the one there is, or a new one. */
  #subscriber(topic: string): Promise<TopicSubscriber> {
    const known = this.#subscribers.get(topic)
    if (known !== undefined) return known
    const listening = this.#listen(topic, () => {
      if (this.#subscribers.get(topic) === listening) this.#subscribers.delete(topic)
    })
    this.#subscribers.set(topic, listening)
    return listening
  }

  async #listen(topic: string, ended: () => void): Promise<TopicSubscriber> {
    try {
      // The listener before may still give back what nobody has taken.
      await this.#ending.get(topic)
      const listener = await this.#tunnel.listen(CHANNEL + topic, { mode: 'multicast' })
      return new TopicSubscriber(topic, listener, ended)
    } catch (error) {
      ended()
      throw error
    }
  }

  async #endTopic(topic: string, subscriber: TopicSubscriber): Promise<void> {
    this.#subscribers.delete(topic)
    const ending = subscriber.close()
    this.#ending.set(topic, ending)
    await ending
    if (this.#ending.get(topic) === ending) this.#ending.delete(topic)
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw new TunnelClosedError('the broker is closed')
  }
}

function checkNumber(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 1 && value < 2 ** 31) return
  throw new InvalidTunnelOptionError(`${name} is ${value}: use a number from 1 to ${2 ** 31 - 1}`)
}
