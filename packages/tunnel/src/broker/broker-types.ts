import type { AbortOptions } from '@libp2p/interface'
import type { OverloadPolicy } from '../modes/group-types.ts'
import type { Message } from '../session/session-types.ts'

/** Options of {@link createBroker}. */
export interface BrokerOptions {
  /** What `publish` does when a subscriber is too slow. Default `'block'`. */
  readonly overload?: OverloadPolicy
  /** Messages that may wait for each subscribing tunnel; beyond: `overload`. Default 256. */
  readonly queue?: number
  /** Milliseconds that `publish` waits for a first subscriber. Default 5,000. */
  readonly publishTimeout?: number
  /** Milliseconds after the last `publish` that the sessions of its topic are kept. Default 60,000. */
  readonly idleTimeout?: number
  /** Topics published to at the same time; beyond, `publish` throws. Default 1,024. */
  readonly topics?: number
  /**
   * Told of messages for a queue group that were taken back from a member which left, when there is
   * no other member to take them.
   */
  readonly onUndelivered?: (topic: string, queue: string, message: Message) => void
}

/** Options of {@link Broker.publish}. */
export interface PublishOptions extends AbortOptions {
  /** Milliseconds to wait for a first subscriber. Default: `publishTimeout` of the broker. */
  readonly timeout?: number
}

/** Options of {@link Broker.subscribe}. */
export interface SubscribeOptions extends AbortOptions {
  /**
   * Name of a queue group: of all its members, in all tunnels, one gets each message. Without, this
   * subscription gets every message. 1 to 255 characters.
   */
  readonly queue?: string
  /**
   * What becomes of messages that this subscription does not take. Default `'block'`: publishers
   * wait, and so do other subscriptions of the topic in this tunnel.
   */
  readonly overload?: Exclude<OverloadPolicy, 'error'>
  /** Messages that may wait here under any other policy than `block`. Default 256. */
  readonly limit?: number
  /** Ends the subscription when it aborts, also later on. */
  readonly signal?: AbortSignal
}

/** A message of a topic. */
export interface Delivery extends Message {
  readonly topic: string
  /** Peer id of the publisher, proven by its connection. */
  readonly publisher: string
}

/** What a subscriber reads from. */
export interface Subscription extends AsyncIterable<Delivery> {
  readonly topic: string
  readonly queue: string | undefined
  /** Messages left out, by the publisher's overload policy or by this subscription's own. */
  readonly missed: number
  /**
   * The next message; `undefined` after the end.
   *
   * @throws code `ERR_RECEIVE_TIMEOUT`; the signal's reason
   */
  receive(options?: AbortOptions & { readonly timeout?: number }): Promise<Delivery | undefined>
  /** Ends it. What a queue group's member has not taken goes to another member. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Publish and subscribe over a tunnel. */
export interface Broker {
  /**
   * Gives a message to every subscription of the topic, and to one member of each queue group.
   * Resolves when it is in the window, or the queue, of each.
   *
   * @throws codes `ERR_NO_LINK`, `ERR_CHANNEL_NOT_FOUND`, `ERR_NO_SUBSCRIBER` when there is none
   * within the timeout; `ERR_SUBSCRIBER_OVERLOAD`, `ERR_TUNNEL_LIMIT`, `ERR_TUNNEL_CLOSED`,
   * `ERR_INVALID_CHANNEL`, `ERR_MESSAGE_TOO_LONG`
   */
  publish(topic: string, message: Message, options?: PublishOptions): Promise<void>
  /**
   * Subscribes to a topic: 1 to 249 bytes of UTF-8 without control characters. Any number of
   * subscriptions of one tunnel may share a topic.
   *
   * @throws codes `ERR_INVALID_CHANNEL`, `ERR_TUNNEL_LIMIT`, `ERR_TUNNEL_OPTION`, `ERR_TUNNEL_CLOSED`
   */
  subscribe(topic: string, options?: SubscribeOptions): Promise<Subscription>
  /** Delivers what was published and ends all subscriptions. The tunnel stays. Idempotent. */
  close(): Promise<void>
  /** Sizes of its tables; for tests and diagnosis. */
  debug(): BrokerDebug
  [Symbol.asyncDispose](): Promise<void>
}

/** Sizes of every table of a broker. */
export interface BrokerDebug {
  /** Topics that are published to. */
  readonly publishing: number
  /** Topics that are subscribed to. */
  readonly subscribed: number
  readonly subscriptions: number
  /** Messages that could be given to no member of their queue group. */
  readonly undelivered: number
}
