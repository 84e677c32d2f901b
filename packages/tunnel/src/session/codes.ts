/**
 * Why an `open` or a `resume` was refused; on the wire as a u16 (spec.md, "refuse").
 *
 * An unknown channel and one that the peer may not use get the same code, so that a refusal tells
 * nothing about which channels exist.
 */
export const REFUSE = {
  /** No such channel, or no access to it. */
  channel: 1,
  /** The channel is listened on in another mode. */
  mode: 2,
  /** The channel carries messages where bytes were asked for, or the other way round. */
  kind: 3,
  /** A limit of the acceptor is reached: sessions of this peer, or the listener's queue. */
  overloaded: 4,
  /** `resume`: the acceptor does not hold this session (or the proof is wrong). */
  unknown: 5,
  /** `resume`: the epoch is not higher than the one attached last. */
  stale: 6,
  /** The same `open` is being decided just now: try again. */
  busy: 7,
  /** The version of the head is not spoken here. */
  version: 8,
  /** The acceptor is closing. */
  closing: 9,
  /** The acceptor did not decide in time, or failed to. */
  failed: 10,
  /** The channel takes sealed sessions only. */
  seal: 11
} as const

export type RefuseCode = (typeof REFUSE)[keyof typeof REFUSE]

/**
 * Why a session was reset; on the wire as a u16 (spec.md, "reset"). Codes from
 * {@link FIRST_APPLICATION_CODE} on belong to the application.
 */
export const RESET = {
  /** The peer has closed, and will not read what is still under way. */
  cancelled: 0,
  /** The peer's application aborted. */
  aborted: 1,
  /** The peer received what breaks the protocol. */
  protocol: 2,
  /** The peer's tunnel closed. */
  shutdown: 3,
  /** Nothing moved within the close timeout. */
  timeout: 4,
  /** The peer no longer has access: its ticket, its token or its place on a list is gone. */
  revoked: 5
} as const

/** The first reset code that is an application's own; the last is 65,535. */
export const FIRST_APPLICATION_CODE = 0x100
