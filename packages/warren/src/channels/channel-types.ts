import type { AbortOptions } from '@libp2p/interface'
import type { Codec, OverloadPolicy, Receiver, Sender } from '@warren/netchan'

/**
 * Who gets a value. `queue`: one of the nodes that receive; what a node had not taken when it left
 * goes to another. `multicast`: every node that receives, and the sender waits for the slowest.
 * `broadcast`: every node that receives, and nobody waits: a node that falls behind loses the oldest
 * values, counted at the sender.
 */
export type ChannelMode = 'queue' | 'multicast' | 'broadcast'

/** What a node does on a channel. */
export type ChannelRole = 'both' | 'sender' | 'receiver'

/** Options of {@link WarrenNode.channel}. */
export interface NodeChannelOptions extends AbortOptions {
  /** Who gets a value; the same at every node. Default `'broadcast'`. */
  readonly mode?: ChannelMode
  /**
   * `'sender'` for a node that never receives, so that nobody waits for it; `'receiver'` for one that
   * never sends. Default `'both'`.
   */
  readonly role?: ChannelRole
  /** How values are encoded; the same at every node. Default: CBOR. */
  readonly codec?: Codec
  /** Values that may be on their way to this node, from each other one, and not received. Default 64. */
  readonly size?: number
  /** Values that a sender may be ahead of who is slowest, before it waits or drops. Default 64. */
  readonly capacity?: number
  /** What becomes of values for a node that is behind. Default: that of the mode. */
  readonly overload?: OverloadPolicy
}

/** What a channel between nodes tells. */
export interface NodeChannelEvents {
  /** A node receives what is sent here from now on (`receives`), or sends to this one; or no longer. */
  peer: (peer: string, what: 'receives' | 'sends', here: boolean) => void
  /**
   * A node cannot be received from, for instance since its schema is another one; or something else
   * failed that no call waits for, with no `peer`.
   */
  error: (error: Error, peer: string | undefined) => void
}

/** A typed channel between nodes, by name. Iterating receives. */
export interface NodeChannel<I, O> extends AsyncIterable<O, undefined> {
  readonly name: string
  readonly mode: ChannelMode
  /** For `select` and pipes; values go to the other nodes. Closing it ends what they receive from here. */
  readonly sender: Sender<I>
  /** For `select` and pipes; values come from the other nodes, not from this one. */
  readonly receiver: Receiver<O>
  /**
   * Sends a value to the other nodes. It waits while those who receive are behind, or in modes `queue`
   * and `multicast` while nobody receives.
   *
   * @throws codes `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LONG`, `ERR_CHANNEL_CLOSED`; the signal's reason
   */
  send(value: I, options?: AbortOptions): Promise<void>
  /** The next value of another node; `{ done: true }` once the channel is closed. */
  receive(options?: AbortOptions): Promise<IteratorResult<O, undefined>>
  /** Peer ids of the nodes that receive what is sent here, and of those that this one receives from. */
  peers(): { readonly receiving: readonly string[]; readonly sending: readonly string[] }
  /**
   * Resolves once so many nodes receive what is sent here; for a receiver, once this node receives
   * from so many. Default 1.
   *
   * @throws the error that a node cannot be received from with, such as `ERR_SCHEMA_MISMATCH`;
   * `ERR_CHANNEL_CLOSED`; the signal's reason
   */
  ready(options?: AbortOptions & { readonly peers?: number }): Promise<void>
  /**
   * Resolves when everything sent before now was taken by whom it was for.
   *
   * @throws code `ERR_NETCHAN_TIMEOUT`; the signal's reason
   */
  sync(options?: AbortOptions & { readonly timeout?: number }): Promise<void>
  /** Values that nodes which were behind, or that nobody, got; and those sent to another one again. */
  stats(): { readonly dropped: number; readonly redelivered: number }
  on<E extends keyof NodeChannelEvents>(event: E, listener: NodeChannelEvents[E]): () => void
  /** Delivers what was sent (for 5 s), gives back what was not received, and leaves. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
