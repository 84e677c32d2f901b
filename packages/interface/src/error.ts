/** Stable identifier of a failure. Callers match it, never the message or the class. */
export type ErrorCode = `ERR_${string}`

/**
 * Base of every error that Warren raises.
 *
 * Each subclass has one stable `code`, a message that says what failed, why and what to do, and the
 * underlying error as `cause` where there is one. `name` is that of the class, which a minifier may
 * shorten: the classes that libp2p's own code knows by name set it themselves.
 */
export abstract class WarrenError extends Error {
  /** Stable identifier of this kind of failure; listed in `docs/errors.md`. */
  abstract readonly code: ErrorCode

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}
