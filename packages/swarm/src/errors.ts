import { CONNECTION_CODE, STREAM_CODE, WarrenError } from '@warren/interface'

/** Thrown when an option of the swarm has a value that it cannot work with. */
export class SwarmOptionsError extends WarrenError {
  readonly code = 'ERR_SWARM_OPTIONS'
}

/** Thrown when a swarm is used after `close()` was called. */
export class SwarmClosedError extends WarrenError {
  readonly code = 'ERR_SWARM_CLOSED'
  readonly goAwayCode = CONNECTION_CODE.shutdown

  constructor(message = 'the swarm is closed; create another one') {
    super(message)
  }
}

/** Thrown when no configured transport takes an address, for listening or for dialling. */
export class NoTransportError extends WarrenError {
  readonly code = 'ERR_NO_TRANSPORT'
}

/** Thrown when some of the addresses could not be listened on; `failures` names each with its cause. */
export class ListenError extends WarrenError {
  readonly code = 'ERR_LISTEN'
  /** Each address that failed, and why. The others are listened on. */
  readonly failures: readonly ListenFailure[]

  constructor(failures: readonly ListenFailure[]) {
    const list = failures.map(({ address, error }) => `${address} (${error.message})`).join('; ')
    super(`cannot listen on ${list}`, { cause: failures[0]?.error })
    this.failures = failures
  }
}

/** An address that could not be listened on. */
export interface ListenFailure {
  readonly address: string
  readonly error: Error
}

/** Thrown when a dial target names several peers, or is not an address or peer id at all. */
export class DialTargetError extends WarrenError {
  readonly code = 'ERR_DIAL_TARGET'
}

/** Thrown when a swarm is told to dial itself. */
export class DialSelfError extends WarrenError {
  readonly code = 'ERR_DIAL_SELF'
}

/** Thrown when one address did not answer within its time; the cause of that step in a `DialError`. */
export class DialTimeoutError extends WarrenError {
  readonly code = 'ERR_DIAL_TIMEOUT'
}

/** Thrown when more dials wait for a place than `maxDialQueue` allows. */
export class DialQueueFullError extends WarrenError {
  readonly code = 'ERR_DIAL_QUEUE_FULL'
}

/** Thrown when the peer at a dialled address is another one than was asked for. */
export class WrongPeerError extends WarrenError {
  readonly code = 'ERR_WRONG_PEER'
}

/** Thrown when the gater, the back-off or a limit keeps one address from being dialled. */
export class AddressNotDialledError extends WarrenError {
  readonly code = 'ERR_ADDRESS_NOT_DIALLED'
}

/** Thrown when a connection would pass the limit of connections, in all or per peer. */
export class ConnectionLimitError extends WarrenError {
  readonly code = 'ERR_CONNECTION_LIMIT'
  readonly goAwayCode = CONNECTION_CODE.resourceLimit
}

/** Thrown when a stream would pass a limit of the system, its peer, protocol or connection. */
export class StreamLimitError extends WarrenError {
  readonly code = 'ERR_STREAM_LIMIT'
  readonly resetCode = STREAM_CODE.resourceLimit
}

/** Thrown when a connection ended before the swarm could register it. */
export class UnregisteredConnectionError extends WarrenError {
  readonly code = 'ERR_CONNECTION_UNREGISTERED'
}

/** Thrown when a close or a stop takes longer than its deadline; what was closing is destroyed. */
export class CloseTimeoutError extends WarrenError {
  readonly code = 'ERR_CLOSE_TIMEOUT'
}

/** Thrown when a stream could not be opened and negotiated within `newStreamTimeout`. */
export class NewStreamTimeoutError extends WarrenError {
  readonly code = 'ERR_NEW_STREAM_TIMEOUT'
}

/** Thrown when a connection is closed because another one to the same peer takes its place. */
export class ConnectionSupplantedError extends WarrenError {
  readonly code = 'ERR_CONNECTION_SUPPLANTED'
  readonly goAwayCode = CONNECTION_CODE.supplanted
}

/** Thrown when a service or transport reads a component that this swarm does not have. */
export class MissingServiceError extends WarrenError {
  readonly code = 'ERR_MISSING_SERVICE'
}

/** Thrown when a service needs a capability that no other service of the swarm provides. */
export class UnmetServiceDependenciesError extends WarrenError {
  readonly code = 'ERR_SERVICE_DEPENDENCIES'
}

/** Thrown when a service fails while the swarm starts. */
export class ServiceStartError extends WarrenError {
  readonly code = 'ERR_SERVICE_START'
}

/** Thrown when a protocol gets a second handler without `force`. */
export class DuplicateProtocolHandlerError extends WarrenError {
  readonly code = 'ERR_PROTOCOL_HANDLED'
}

/** Thrown when a protocol without a handler is looked up. */
export class UnhandledProtocolError extends WarrenError {
  override readonly name = 'UnhandledProtocolError'
  readonly code = 'ERR_PROTOCOL_UNHANDLED'
}

/** Thrown when content routing is used while no service provides it. */
export class NoContentRoutersError extends WarrenError {
  override readonly name = 'NoContentRoutersError'
  readonly code = 'ERR_NO_CONTENT_ROUTERS'
}

/** Thrown when peer routing is used while no service provides it. */
export class NoPeerRoutersError extends WarrenError {
  override readonly name = 'NoPeerRoutersError'
  readonly code = 'ERR_NO_PEER_ROUTERS'
}

/** Thrown when the peer that routing looked for was not found. */
export class PeerNotFoundError extends WarrenError {
  readonly code = 'ERR_PEER_NOT_FOUND'
}

/** The code of an error of ours or of Node, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** `value` as an `Error`, whatever was thrown. */
export function toError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value), { cause: value })
}
