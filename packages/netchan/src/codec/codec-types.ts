import type { Receiver, Sender } from '../channel/channel-types.ts'

/** An end of a channel that travels inside a value. */
export type ChannelEnd =
  | { readonly kind: 'sender'; readonly end: Sender<never> }
  | { readonly kind: 'receiver'; readonly end: Receiver<unknown> }

/**
 * Turns a channel end inside a value into a small number that stands for it on the wire.
 *
 * @throws code `ERR_NETCHAN_LIMIT` when the value holds more channels than allowed
 */
export type AttachEnd = (end: ChannelEnd) => number

/**
 * Turns the number back into an end.
 *
 * @throws code `ERR_VALUE_INVALID` when the peer opened no such end, or it was resolved before
 */
export type ResolveEnd = (reference: number, kind: ChannelEnd['kind']) => ChannelEnd

/** Values to bytes and back. Stateless: one codec serves any number of channels. */
export interface Codec {
  /** Name on the wire, compared at bind; at most 32 bytes. Custom ones begin with `x-`. */
  readonly name: string
  /**
   * The bytes are the caller's only until the next call of `encode`: they are copied at once.
   *
   * @throws when the value cannot be encoded
   */
  encode(value: unknown, attach: AttachEnd): Uint8Array
  /**
   * What it returns must not keep `bytes` (a view of a larger frame) unless it copies.
   * Bounded by itself: nesting deeper than 16 and duplicates of `__proto__` are refused.
   *
   * @throws when the bytes are no value
   */
  decode(bytes: Uint8Array, resolve: ResolveEnd): unknown
}
