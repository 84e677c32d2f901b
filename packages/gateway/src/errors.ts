import { WarrenError } from '@warren/interface'

/** Thrown when a target or listen address cannot be understood. */
export class AddressInvalidError extends WarrenError {
  readonly code = 'ERR_ADDRESS_INVALID'
}

/** Thrown when an address is of a kind that this version does not carry, such as `udp://`. */
export class AddressUnsupportedError extends WarrenError {
  readonly code = 'ERR_ADDRESS_UNSUPPORTED'
}

/** Thrown when an option has a value outside its range. */
export class GatewayOptionsError extends WarrenError {
  readonly code = 'ERR_GATEWAY_OPTIONS'
}

/** Thrown when another program already listens on the address that was asked for. */
export class ListenAddressInUseError extends WarrenError {
  readonly code = 'ERR_LISTEN_ADDRESS_IN_USE'
}

/** Thrown when this machine cannot listen on the address: no permission, or not one of its own. */
export class ListenFailedError extends WarrenError {
  readonly code = 'ERR_LISTEN_FAILED'
}

/** Thrown when a path cannot be used for a unix socket: relative, too long, or taken by a file. */
export class UnixPathError extends WarrenError {
  readonly code = 'ERR_UNIX_PATH'
}

/** Thrown when the target of a share refused the connection: nothing listens there. */
export class TargetRefusedError extends WarrenError {
  readonly code = 'ERR_TARGET_REFUSED'
}

/** Thrown when the target of a share cannot be reached: unknown host, no route, no permission. */
export class TargetUnreachableError extends WarrenError {
  readonly code = 'ERR_TARGET_UNREACHABLE'
}

/** Thrown when the target of a share did not answer in time. */
export class TargetTimeoutError extends WarrenError {
  readonly code = 'ERR_TARGET_TIMEOUT'
}

/** Thrown when all connections to the target are in use and none came free in time. */
export class PoolExhaustedError extends WarrenError {
  readonly code = 'ERR_POOL_EXHAUSTED'
}

/** Thrown when a connection is borrowed from a pool that has been destroyed. */
export class PoolClosedError extends WarrenError {
  readonly code = 'ERR_POOL_CLOSED'
}

/** Thrown when no session could be opened for a local connection; the cause says why. */
export class SessionDialError extends WarrenError {
  readonly code = 'ERR_SESSION_DIAL'
}

/** Thrown when an opening already carries as many local connections as it may. */
export class TooManyConnectionsError extends WarrenError {
  readonly code = 'ERR_TOO_MANY_CONNECTIONS'
}

/** Thrown when a session ended with an error while it was carrying a connection. */
export class SessionFailedError extends WarrenError {
  readonly code = 'ERR_SESSION_FAILED'
}

/** Thrown when the program at one end reset its connection, or ended it in the middle. */
export class ConnectionResetError extends WarrenError {
  readonly code = 'ERR_CONNECTION_RESET'
}

/** Thrown when a forwarded connection carried nothing in either direction for `idleTimeout`. */
export class IdleTimeoutError extends WarrenError {
  readonly code = 'ERR_IDLE_TIMEOUT'
}

/** Thrown when a share or an opening was closed while connections were still running. */
export class GatewayClosedError extends WarrenError {
  readonly code = 'ERR_GATEWAY_CLOSED'
}
