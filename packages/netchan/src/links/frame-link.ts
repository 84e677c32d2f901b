/**
 * What netchan runs over: whole frames, in order, without loss while the link lives.
 *
 * Adapters make one from a tunnel session, a libp2p stream, a socket, a `MessagePort`, or memory;
 * `frameLinkConformance` in the tests is what each of them must pass.
 */
export interface FrameLink {
  /**
   * Sends one frame. The frame belongs to the link from now on: the caller does not change it.
   * Frames leave in the order of the calls; one call at a time.
   *
   * @returns `undefined` when the link takes another frame at once; otherwise a promise that resolves
   * when it does, and rejects when the link has ended or the signal aborts
   */
  send(frame: Uint8Array, signal?: AbortSignal): Promise<void> | undefined
  /**
   * The next frame; `undefined` after the peer has ended the link in order. One call at a time. A
   * link reads ahead by at most one frame (and what its carrier holds), so that not receiving holds
   * the sender. The frame belongs to the caller.
   *
   * @throws what the link ended with when it did not end in order; the signal's reason
   */
  receive(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /**
   * Ends the link: in order (delivering what was sent, within 5 s) without a reason, at once with
   * one. Idempotent; never rejects.
   */
  close(reason?: Error): Promise<void>
  /** The largest frame that it carries, in bytes; at least 1,024. */
  readonly maxFrameBytes: number
  /** Who is at the other end, for events and messages: a peer id, an address, `'memory'`. */
  readonly peer: string
}
