import { CONNECTION_CODE, STREAM_CODE, WarrenError } from '@warren/interface'

/** The steps of an upgrade, in order. `gater` comes three times: before, after security, at the end. */
export type UpgradeStep = 'gater' | 'psk' | 'security' | 'identity' | 'muxer'

/** Thrown when a connection could not be upgraded: `step` says where, `cause` why. */
export class UpgradeError extends WarrenError {
  readonly code = 'ERR_UPGRADE'
  /** The step in which the upgrade failed. */
  readonly step: UpgradeStep

  constructor(step: UpgradeStep, message: string, options?: ErrorOptions) {
    super(message, options)
    this.step = step
  }
}

/** Why an inbound upgrade was refused before it began. */
export type RefusalReason = 'rate' | 'penalty' | 'waiting'

/** Thrown when an inbound upgrade is refused before it begins: its source is over its limit. */
export class UpgradeRefusedError extends WarrenError {
  readonly code = 'ERR_UPGRADE_REFUSED'
  /** The limit: the rate of its source, a penalty on it, or too many waiting upgrades in all. */
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Thrown when an upgrade took longer than `upgradeTimeout`; the cause in an `UpgradeError`. */
export class UpgradeTimeoutError extends WarrenError {
  readonly code = 'ERR_UPGRADE_TIMEOUT'
}

/** Thrown when the connection ended while it was upgraded; the cause in an `UpgradeError`. */
export class ConnectionEndedError extends WarrenError {
  readonly code = 'ERR_CONNECTION_ENDED'
}

/** Thrown when the peer does not keep to multistream-select, or proposes too many protocols. */
export class NegotiationError extends WarrenError {
  readonly code = 'ERR_NEGOTIATION'
}

/** Thrown when a hook of the connection gater denied the connection; the cause in an `UpgradeError`. */
export class ConnectionGatedError extends WarrenError {
  readonly code = 'ERR_CONNECTION_GATED'
}

/** Thrown when another peer answered than the one that was dialled; the cause in an `UpgradeError`. */
export class PeerMismatchError extends WarrenError {
  readonly code = 'ERR_PEER_MISMATCH'
}

/** Thrown when the peer at the other end is this node itself; the cause in an `UpgradeError`. */
export class SelfConnectionError extends WarrenError {
  readonly code = 'ERR_SELF_CONNECTION'
}

/** Thrown when a pre-shared key is unusable, or the peer does not take part in its nonce exchange. */
export class PreSharedKeyError extends WarrenError {
  readonly code = 'ERR_PRE_SHARED_KEY'
}

/** Thrown when an option of the upgrader has a value that it cannot work with. */
export class UpgraderOptionsError extends WarrenError {
  readonly code = 'ERR_UPGRADER_OPTIONS'
}

/** Thrown when a view or its accept queue is used after `close()` was called. */
export class AcceptQueueClosedError extends WarrenError {
  readonly code = 'ERR_ACCEPT_QUEUE_CLOSED'

  constructor(message = 'the accept queue is closed: no connection comes out of it any more') {
    super(message)
  }
}

/** Thrown when nobody accepted a connection within `acceptTimeout`; the connection ends with it. */
export class AcceptTimeoutError extends WarrenError {
  readonly code = 'ERR_ACCEPT_TIMEOUT'
  readonly goAwayCode = CONNECTION_CODE.rateLimited
}

/** Thrown when a stream was not negotiated within `streamNegotiationTimeout`. */
export class StreamNegotiationTimeoutError extends WarrenError {
  readonly code = 'ERR_STREAM_NEGOTIATION_TIMEOUT'
  readonly resetCode = STREAM_CODE.negotiationFailed
}

/** Thrown when a peer opens more than `maxHeldStreams` streams before its connection is taken. */
export class TooManyHeldStreamsError extends WarrenError {
  readonly code = 'ERR_TOO_MANY_HELD_STREAMS'
  readonly resetCode = STREAM_CODE.resourceLimit
}

/** Thrown when the handler of a protocol failed; its stream is reset with it, the failure is its cause. */
export class StreamHandlerError extends WarrenError {
  readonly code = 'ERR_STREAM_HANDLER'
  readonly resetCode = STREAM_CODE.handlerFailed
}

/** Thrown when a connection did not close within `closeTimeout`; what is left of it is aborted. */
export class ConnectionCloseTimeoutError extends WarrenError {
  readonly code = 'ERR_CONNECTION_CLOSE_TIMEOUT'
}

/** Thrown when a stream is opened on a connection that was upgraded without a muxer. */
export class ConnectionNotMuxedError extends WarrenError {
  readonly code = 'ERR_CONNECTION_NOT_MUXED'
}

/** `value` as an `Error`: a thrown event (as `p-event` throws) gives its error. */
export function toError(value: unknown, otherwise = 'the stream ended'): Error {
  if (value instanceof Error) return value
  if (typeof value === 'object' && value !== null && 'error' in value) {
    if (value.error instanceof Error) return value.error
  }
  return new ConnectionEndedError(otherwise, { cause: value })
}
