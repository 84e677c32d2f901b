import { WarrenError } from '@warren/interface'

/** Thrown when an option of the stack or of a connection is out of its range. */
export class NetstackOptionError extends WarrenError {
  readonly code = 'ERR_NETSTACK_OPTION'
}

/** Thrown when a peer answers an attempt to connect with RST: nothing listens there. */
export class NetstackRefusedError extends WarrenError {
  readonly code = 'ERR_NETSTACK_REFUSED'
}

/** Ends a connection that the peer reset, or data that was not delivered when it was. */
export class NetstackResetError extends WarrenError {
  readonly code = 'ERR_NETSTACK_RESET'
}

/** Ends a connection, or an echo request, whose peer did not answer for too long. */
export class NetstackTimeoutError extends WarrenError {
  readonly code = 'ERR_NETSTACK_TIMEOUT'
}

/** Thrown when there is no route to an address, or the network says that it cannot be reached. */
export class NetstackUnreachableError extends WarrenError {
  readonly code = 'ERR_NETSTACK_UNREACHABLE'
}

/** Ends a connection that was given up on this side: aborted, evicted, or the stack was closed. */
export class NetstackAbortedError extends WarrenError {
  readonly code = 'ERR_NETSTACK_ABORTED'
}

/** Thrown when an address and port are taken, or no free port is left. */
export class NetstackAddressInUseError extends WarrenError {
  readonly code = 'ERR_NETSTACK_ADDRESS_IN_USE'
}

/** Thrown when the stack holds as many connections as it may. */
export class NetstackLimitError extends WarrenError {
  readonly code = 'ERR_NETSTACK_LIMIT'
}

/** Thrown when a stack, socket or server is used after it was closed. */
export class NetstackClosedError extends WarrenError {
  readonly code = 'ERR_NETSTACK_CLOSED'
}
