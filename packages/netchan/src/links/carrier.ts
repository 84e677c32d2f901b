/** Who hears of a {@link Carrier}. None of it throws. */
export interface CarrierUser {
  /** Bytes; views, which are used or copied at once. May come after `pause` too: those on their way. */
  onBytes(chunk: Uint8Array): void
  /** `write` may go on after it returned `false`. */
  onDrain(): void
  /** The peer has ended its direction, and all its bytes have come. */
  onEnd(): void
  /** It is over, both ways. */
  onClosed(error: Error | undefined): void
}

/** Bytes both ways, in order, with back-pressure: a socket, or a stream of a muxer. */
export interface Carrier {
  readonly peer: string
  /** Begins to tell `user`; once. */
  start(user: CarrierUser): void
  /**
   * Takes a frame with its length, in any case; neither is changed afterwards.
   *
   * @returns `false`: wait for `onDrain` before the next
   */
  write(length: Uint8Array, frame: Uint8Array): boolean
  pause(): void
  resume(): void
  /** Ends this direction after everything written. */
  end(): void
  /** Ends both directions at once. */
  destroy(error: Error): void
}
