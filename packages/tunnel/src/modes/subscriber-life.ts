/**
 * Where a peer stands towards a group.
 *
 * - `none`: it is no subscriber, as far as is known.
 * - `joining`: a session to it is being opened.
 * - `open`: it has a session.
 * - `waiting`: it could not be reached, or had no room; it is tried again after a back-off.
 * - `declined`: it has refused, or has left by itself; it is not called again until it comes anew.
 */
export type SubscriberState = 'none' | 'joining' | 'open' | 'waiting' | 'declined'

/** What moves a peer from one state to the next. */
export type SubscriberEvent =
  /** The channel leads to it, as was not known before. */
  | 'found'
  /** It announces the channel, or is linked, anew: what it said before no longer holds. */
  | 'renewed'
  /** The channel no longer leads to it. */
  | 'gone'
  | 'accepted'
  /** It says no, and will say so again until something changes at its side. */
  | 'refused'
  /** The session could not be opened just now. */
  | 'failed'
  /** The back-off is over. */
  | 'due'
  /** It has ended its session, and still listens. */
  | 'ended'
  /** It has ended its session, with its listener. */
  | 'closed'
  /** Its session was lost, or its tunnel closed. */
  | 'lost'

/** Legal moves; `spec.md` has the same table. Who is `none` and leads to the channel is found at once. */
export const SUBSCRIBER_TRANSITIONS: Record<
  SubscriberState,
  Partial<Record<SubscriberEvent, SubscriberState>>
> = {
  none: { found: 'joining' },
  joining: { accepted: 'open', refused: 'declined', failed: 'waiting' },
  open: { ended: 'declined', closed: 'none', lost: 'none' },
  waiting: { renewed: 'none', gone: 'none', due: 'joining' },
  declined: { renewed: 'none', gone: 'none' }
}
