import { WarrenError } from '@warren/interface'
import { RESET } from './codes.ts'

/** Thrown when a peer's bytes break the session protocol; only that session ends. */
export class SessionProtocolError extends WarrenError {
  readonly code = 'ERR_SESSION_PROTOCOL'
}

/**
 * Thrown when a session ended without all bytes confirmed: its link did not come back within
 * `resumeTimeout`, or the peer has lost its state.
 */
export class SessionLostError extends WarrenError {
  readonly code = 'ERR_SESSION_LOST'
  /** Encoded bytes sent, or waiting to be sent, that the peer's application has not confirmed. */
  readonly unconfirmed: number

  constructor(message: string, unconfirmed: number, options?: ErrorOptions) {
    super(message, options)
    this.unconfirmed = unconfirmed
  }
}

/**
 * Thrown when either side reset the session. To abort with a code of the application, pass one of
 * these (256 to 65,535) to `abort`: the peer gets it with the same code and reason.
 */
export class SessionResetError extends WarrenError {
  readonly code = 'ERR_SESSION_RESET'
  /** The code on the wire: see spec.md, "reset"; 256 and above are the application's. */
  readonly resetCode: number
  /** The text that came with it, or that goes with it; at most 256 characters. */
  readonly reason: string

  constructor(message: string, resetCode: number = RESET.aborted, reason = message) {
    super(message)
    this.resetCode = resetCode
    this.reason = reason
  }
}

/**
 * Thrown when a live session ended, at both ends, because access was taken back: a ticket was revoked
 * or has expired, the token that proved the link was removed, or the peer is no longer admitted. The
 * `cause`, where this side knows it, says which.
 */
export class SessionRevokedError extends WarrenError {
  readonly code = 'ERR_SESSION_REVOKED'
}

/**
 * Thrown when a session cannot be sealed: the other end does not prove the token or ticket of the
 * link, or is not the peer of the link.
 */
export class SessionSealError extends WarrenError {
  readonly code = 'ERR_SESSION_SEAL'
}

/** Thrown when a channel that takes sealed sessions only is dialled for one that is not. */
export class SealRequiredError extends WarrenError {
  readonly code = 'ERR_SEAL_REQUIRED'
}

/** Thrown when a session that is closing or closed is written to, or read after an error. */
export class SessionClosedError extends WarrenError {
  readonly code = 'ERR_SESSION_CLOSED'
}

/** Thrown when the peer refuses a session because a limit is reached, it closes, or it failed. */
export class SessionRefusedError extends WarrenError {
  readonly code = 'ERR_SESSION_REFUSED'
  /** The code on the wire: see spec.md, "refuse". */
  readonly refuseCode: number

  constructor(message: string, refuseCode: number) {
    super(message)
    this.refuseCode = refuseCode
  }
}

/** Thrown when streams to the peer break again and again before a session is open. */
export class SessionOpenError extends WarrenError {
  readonly code = 'ERR_SESSION_OPEN'
}

/** Thrown when a message passes `maxMessageBytes`, or its headers pass `headerBytes`. */
export class MessageTooLongError extends WarrenError {
  readonly code = 'ERR_MESSAGE_TOO_LONG'
}

/** Thrown when a message cannot be encoded: a header that is no well-formed text. */
export class InvalidMessageError extends WarrenError {
  readonly code = 'ERR_INVALID_MESSAGE'
}

/** Thrown when no message came within the `timeout` of `receive`. */
export class ReceiveTimeoutError extends WarrenError {
  readonly code = 'ERR_RECEIVE_TIMEOUT'
}

/** Thrown when more calls of `send` wait for the window than `pendingSends` allows. */
export class SendQueueFullError extends WarrenError {
  readonly code = 'ERR_SEND_QUEUE_FULL'
}

/** Thrown when this side would hold more sessions with a peer than its limit. */
export class SessionLimitError extends WarrenError {
  readonly code = 'ERR_SESSION_LIMIT'
}

/** Thrown when an option of the session host is not usable. */
export class InvalidSessionOptionError extends WarrenError {
  readonly code = 'ERR_SESSION_OPTION'
}
