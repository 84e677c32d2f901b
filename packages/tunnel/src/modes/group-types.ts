import type { AbortOptions } from '@libp2p/interface'
import type { Message, Session } from '../session/session-types.ts'

/**
 * What becomes of a message for a subscriber whose window and queue are full. The publisher declares
 * it, not the subscriber: one that could ask for `block` could stop its publisher.
 *
 * - `block`: `send` waits for this subscriber; the others have the message already.
 * - `drop-oldest`: the message that has waited longest makes room.
 * - `drop-newest`: the new message is left out.
 * - `latest`: only the newest message waits; it takes the place of the one before.
 * - `error`: the new message is left out, and `send` rejects with `SubscriberOverloadError`.
 *
 * What is left out is counted at both ends: {@link Subscriber.dropped} and `Session.missed`.
 */
export type OverloadPolicy = 'block' | 'drop-oldest' | 'drop-newest' | 'latest' | 'error'

/** Modes in which one session leads to many. */
export type GroupMode = 'multicast' | 'broadcast'

/** One subscriber of a {@link GroupSession}, as it is now. */
export interface Subscriber {
  /** Peer id as text; this tunnel's own for a listener in this process. */
  readonly peer: string
  /** `joining`: its session is being opened. */
  readonly status: 'joining' | 'open' | 'left'
  /** Id of the link that carries its session; `undefined` without one. */
  readonly link: string | undefined
  /** Messages handed to its session. */
  readonly sent: number
  /** Messages that wait because its window is full. */
  readonly queued: number
  /** Messages left out by the overload policy. */
  readonly dropped: number
}

/** A message that came from a subscriber. */
export interface GroupMessage extends Message {
  /** Peer id of the subscriber. */
  readonly peer: string
}

/** Options of {@link GroupSession.send}. */
export interface GroupSendOptions extends AbortOptions {
  /** Only to subscribers for which this is `true`. Default: to all. */
  readonly to?: (subscriber: Subscriber) => boolean
}

/** What a {@link GroupSession} tells. */
export interface GroupEvents {
  /** The session to a subscriber is open. */
  joined: (subscriber: Subscriber) => void
  /**
   * A subscriber has left, with the error if not by itself. `undelivered`: messages that were sent
   * to it and that its application has not confirmed, oldest first.
   */
  left: (subscriber: Subscriber, error: Error | undefined, undelivered: readonly Message[]) => void
  /** A subscriber has lost its link, or has one again. */
  detached: (subscriber: Subscriber) => void
  resumed: (subscriber: Subscriber) => void
}

/**
 * A session dialled in mode multicast or broadcast: beneath it one session per subscriber, each with
 * a window and a queue of its own, so that none holds up another. Subscribers that come later join
 * by themselves; those that leave are forgotten.
 *
 * Of the properties of a session, `id` is this group's own, `peer` is empty and `link` undefined: see
 * {@link GroupSession.subscribers}. `stats()` adds up its subscribers.
 */
export interface GroupSession extends Session, AsyncIterable<GroupMessage> {
  readonly mode: GroupMode
  readonly overload: OverloadPolicy
  /** Messages left out by the overload policy so far, of subscribers that have left as well. */
  readonly dropped: number
  subscribers(): Subscriber[]
  /**
   * Gives the message to every subscriber there is now. Resolves when each has it in its window or
   * its queue, or has been dealt with by the overload policy; while messages wait for a subscriber
   * that moves, not before the next turn of the event loop, so that it can catch up. Without a subscriber it waits under
   * `block`, for `resumeTimeout` at most, and otherwise rejects.
   *
   * A signal that aborts while the message waits takes it back from those it waits for.
   *
   * @throws codes `ERR_NO_SUBSCRIBER`, `ERR_SUBSCRIBER_OVERLOAD`, `ERR_SEND_QUEUE_FULL`,
   * `ERR_SESSION_CLOSED`, `ERR_MESSAGE_TOO_LONG`, `ERR_INVALID_MESSAGE`
   */
  send(message: Message, options?: GroupSendOptions): Promise<void>
  /** The next message of any subscriber; `undefined` once the group has ended. */
  receive(options?: AbortOptions & { readonly timeout?: number }): Promise<GroupMessage | undefined>
  /** Resolves when every subscriber of now has taken everything sent to it before, or has left. */
  flush(options?: AbortOptions): Promise<void>
  /**
   * Ends all sessions after what was sent. Under `block` it rejects when a subscriber did not get
   * everything.
   */
  close(options?: AbortOptions): Promise<void>
  on<E extends keyof GroupEvents>(event: E, listener: GroupEvents[E]): () => void
  [Symbol.asyncIterator](): AsyncGenerator<GroupMessage, undefined>
}
