import { WarrenError } from '@warren/interface'

/** Thrown when a TUN interface cannot be had on this machine: not Linux, no koffi, no device, no permission. */
export class TunUnavailableError extends WarrenError {
  readonly code = 'ERR_TUN_UNAVAILABLE'
}

/** Thrown when an option of `openTun()` is out of its range. */
export class TunOptionError extends WarrenError {
  readonly code = 'ERR_TUN_OPTION'
}

/** Thrown when the interface exists but `ip` could not set it up, or it ended by itself. */
export class TunInterfaceError extends WarrenError {
  readonly code = 'ERR_TUN_INTERFACE'
}
