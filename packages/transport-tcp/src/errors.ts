import { WarrenError } from '@warren/interface'

/** Thrown when an option of `tcp()` has a value that cannot work. */
export class TcpOptionsError extends WarrenError {
  readonly code = 'ERR_TCP_OPTIONS'
}

/** Thrown when an address is none that this transport can dial or listen on. */
export class TcpAddressError extends WarrenError {
  readonly code = 'ERR_TCP_ADDRESS'
}

/** Thrown when a dialled address has not answered within `connectTimeout`. */
export class ConnectTimeoutError extends WarrenError {
  readonly code = 'ERR_TCP_CONNECT_TIMEOUT'
}

/** Thrown when a dial fails before the connection stands: refused, no route, no such name or file. */
export class ConnectError extends WarrenError {
  readonly code = 'ERR_TCP_CONNECT'
}

/** Thrown when another socket already listens on the address. */
export class AddressInUseError extends WarrenError {
  readonly code = 'ERR_TCP_ADDRESS_IN_USE'
}

/** Thrown when an address cannot be listened on, for any reason but that it is taken. */
export class ListenError extends WarrenError {
  readonly code = 'ERR_TCP_LISTEN'
}

/** Thrown when `listen()` is called on a listener that listens already or was closed. */
export class ListenerStateError extends WarrenError {
  readonly code = 'ERR_TCP_LISTENER_STATE'
}

/** Thrown to waits and upgrades that are under way when their listener closes. */
export class ListenerClosedError extends WarrenError {
  readonly code = 'ERR_TCP_LISTENER_CLOSED'
}

/** Thrown when a unix socket path is relative, too long, or names something that is not a socket. */
export class UnixPathError extends WarrenError {
  readonly code = 'ERR_TCP_UNIX_PATH'
}

/** Thrown when the process has too few file descriptors left to dial. */
export class DescriptorLimitError extends WarrenError {
  readonly code = 'ERR_TCP_DESCRIPTORS'
}

/** Thrown when the peer resets the connection or the network loses it. */
export class ConnectionLostError extends WarrenError {
  readonly code = 'ERR_TCP_CONNECTION_LOST'
}

/** Thrown when nothing was sent or received for `inactivityTimeout`. */
export class InactivityError extends WarrenError {
  readonly code = 'ERR_TCP_INACTIVE'
}

/** Thrown when the socket took nothing of what was pending for `writeStallTimeout`. */
export class WriteStalledError extends WarrenError {
  readonly code = 'ERR_TCP_WRITE_STALLED'
}

/** Thrown when more than `maxWriteBufferLength` bytes were sent after `send()` had returned false. */
export class WriteBufferError extends WarrenError {
  readonly code = 'ERR_TCP_WRITE_BUFFER'
}

/** Thrown when more than `maxReadBufferLength` bytes were put back by `push()` or `unshift()`. */
export class ReadBufferError extends WarrenError {
  readonly code = 'ERR_TCP_READ_BUFFER'
}

/** Thrown by `close()` when the peer has not taken what was pending within `lingerTimeout`. */
export class UnsentDataError extends WarrenError {
  readonly code = 'ERR_TCP_UNSENT'
}
