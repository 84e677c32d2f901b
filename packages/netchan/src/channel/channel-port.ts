/**
 * How pumps reach a channel: by callbacks that take or give values at once, with no promise for
 * each. A puller is a receiver that stays, a pusher a sender that stays; both take their turn with
 * the `receive` and `send` calls that wait. Not public: only channels made by `channel()` have one.
 */

/** Key of a channel's port. */
export const PORT: unique symbol = Symbol.for('@warren/netchan/port')

/** What {@link Pusher.give} returns when it turned out to have nothing. */
export const NOTHING: unique symbol = Symbol.for('@warren/netchan/nothing')

/** A receiver that stays: takes values from a channel whenever it is ready. */
export interface Puller {
  /** Asked right before each {@link Puller.take}. */
  readonly ready: boolean
  /** Takes a value for good. Never throws. */
  take(value: unknown): void
  /** The channel was closed and everything in it has been taken; called once, and detaches. */
  end(error: Error | undefined): void
}

/** A sender that stays: holds values that a channel fetches when it has room or a receiver. */
export interface Pusher {
  /** Holds a value, as far as it knows. Asked right before each {@link Pusher.give}. */
  readonly ready: boolean
  /** The next value, or {@link NOTHING}; the channel asks again only while `ready`. Never throws. */
  give(): unknown
  /** The channel was closed: nothing more is wanted; called once, and detaches. */
  end(error: Error | undefined): void
}

/** The inner face of a channel. All of it is synchronous; nothing throws but the guards. */
export interface ChannelPort {
  readonly capacity: number
  /** Values in the buffer. */
  readonly buffered: number
  /** `send` calls that wait. */
  readonly blockedSends: number
  /** `receive` calls (and selects) that wait. */
  readonly blockedReceives: number
  readonly closed: boolean
  /** What the channel was closed with. */
  readonly error: Error | undefined
  /**
   * Adds a puller, and gives it what there is while it is ready. Later values go to blocked
   * receives and ready pullers in turn. On a closed and empty channel its `end` is called at once.
   *
   * @returns detaches it
   */
  attachPuller(puller: Puller): () => void
  /** `puller` has become ready: gives it what there is while it is ready. */
  pull(puller: Puller): void
  /**
   * Adds a pusher, and fetches from it while it is ready and there is room or a receiver. On a
   * closed channel its `end` is called at once.
   *
   * @returns detaches it
   */
  attachPusher(pusher: Pusher): () => void
  /** `pusher` has become ready: fetches from it while it is ready and there is room. */
  push(pusher: Pusher): void
  /**
   * Adds a check that each value passes before a `send` or `trySend` accepts it (not those that
   * pushers give); what it throws, the call throws.
   *
   * @returns removes it
   */
  guard(check: (value: unknown) => void): () => void
  /** As the channel's own `close`. */
  close(error?: Error): void
}
