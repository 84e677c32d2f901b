/** What a memory link does to the packets of one direction. All probabilities are from 0 to 1. */
export interface Impairments {
  /**
   * Probability that a packet is lost.
   * @default 0
   */
  readonly loss?: number
  /**
   * Milliseconds that a packet is under way, once it has left the queue.
   * @default 0
   */
  readonly delay?: number
  /**
   * Up to this many milliseconds more, drawn for each packet; packets stay in order.
   * @default 0
   */
  readonly jitter?: number
  /**
   * Bytes per second that pass; 0 is unlimited. What comes faster waits in the queue.
   * @default 0
   */
  readonly rate?: number
  /**
   * Bytes that may wait for `rate`; a packet that does not fit is lost.
   * @default 262144
   */
  readonly queue?: number
  /**
   * Probability that a packet is held back, so that later ones overtake it.
   * @default 0
   */
  readonly reorder?: number
  /**
   * Up to this many milliseconds that a reordered packet is held back.
   * @default 10
   */
  readonly reorderDelay?: number
  /**
   * Probability that a packet arrives twice.
   * @default 0
   */
  readonly duplicate?: number
  /**
   * Probability that a bit of a packet is flipped.
   * @default 0
   */
  readonly corrupt?: number
  /**
   * Packets larger than this are lost without a word (a path MTU black hole); 0 is no such limit.
   * @default 0
   */
  readonly blackHole?: number
}

/** An {@link Impairments} with nothing left out. */
export type FullImpairments = Required<Impairments>

const NONE: FullImpairments = {
  loss: 0,
  delay: 0,
  jitter: 0,
  rate: 0,
  queue: 262144,
  reorder: 0,
  reorderDelay: 10,
  duplicate: 0,
  corrupt: 0,
  blackHole: 0
}

/** Fills in what is left out. */
export function fullImpairments(some: Impairments): FullImpairments {
  return { ...NONE, ...some }
}

/** Whether packets pass untouched and at once. */
export function isPerfect(impairments: FullImpairments): boolean {
  return (
    impairments.loss === 0 &&
    impairments.delay === 0 &&
    impairments.jitter === 0 &&
    impairments.rate === 0 &&
    impairments.reorder === 0 &&
    impairments.duplicate === 0 &&
    impairments.corrupt === 0 &&
    impairments.blackHole === 0
  )
}
