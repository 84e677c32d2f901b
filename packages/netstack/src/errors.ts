import { WarrenError } from '@warren/interface'

/** Thrown when an option of the stack or of a connection is out of its range. */
export class NetstackOptionError extends WarrenError {
  readonly code = 'ERR_NETSTACK_OPTION'
}
