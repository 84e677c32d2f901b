import { WarrenError } from '@warren/interface'

/** Thrown when an option of `netstack()` has a value that cannot work. */
export class NetstackTransportOptionsError extends WarrenError {
  readonly code = 'ERR_UDP_OPTIONS'
}

/** Thrown when an address is none that this transport can dial or listen on. */
export class NetstackAddressError extends WarrenError {
  readonly code = 'ERR_UDP_ADDRESS'
}

/** Thrown when a dialled address has not answered within `connectTimeout`. */
export class NetstackConnectTimeoutError extends WarrenError {
  readonly code = 'ERR_UDP_CONNECT_TIMEOUT'
}

/** Thrown when a dial fails before the connection stands: nobody there, no route, no such name. */
export class NetstackConnectError extends WarrenError {
  readonly code = 'ERR_UDP_CONNECT'
}

/** Thrown when another socket already has the address that is to be listened on. */
export class NetstackListenInUseError extends WarrenError {
  readonly code = 'ERR_UDP_ADDRESS_IN_USE'
}

/** Thrown when an address cannot be listened on, for any reason but that it is taken. */
export class NetstackListenError extends WarrenError {
  readonly code = 'ERR_UDP_LISTEN'
}

/** Thrown when `listen()` is called on a listener that listens already or was closed. */
export class NetstackListenerStateError extends WarrenError {
  readonly code = 'ERR_UDP_LISTENER_STATE'
}

/** Thrown to waits and upgrades that are under way when their listener closes. */
export class NetstackListenerClosedError extends WarrenError {
  readonly code = 'ERR_UDP_LISTENER_CLOSED'
}

/** Thrown when the peer is gone or was restarted while the connection was in use. */
export class NetstackConnectionLostError extends WarrenError {
  readonly code = 'ERR_UDP_CONNECTION_LOST'
}

/** Thrown when the peer has not taken what was pending within `lingerTimeout` of `close()`. */
export class NetstackUnsentDataError extends WarrenError {
  readonly code = 'ERR_UDP_UNSENT_DATA'
}
