import { DEFAULTS } from './defaults.ts'
import { TcpOptionsError } from './errors.ts'

/** Options of {@link tcp}; all are optional. Times are in milliseconds, sizes in bytes. */
export interface TcpOptions {
  /**
   * How long a dial may take until the connection stands, before any upgrade; then
   * `ConnectTimeoutError`. The dial's own signal may end it sooner.
   *
   * @default 5_000
   */
  readonly connectTimeout?: number
  /**
   * Sends small writes at once instead of waiting for more (TCP_NODELAY). Writes of one tick leave
   * together in any case.
   *
   * @default true
   */
  readonly noDelay?: boolean
  /**
   * Lets the kernel probe a silent peer, so that one that vanished is noticed.
   *
   * @default true
   */
  readonly keepAlive?: boolean
  /**
   * Silence before the first such probe.
   *
   * @default 30_000
   */
  readonly keepAliveInitialDelay?: number
  /**
   * A connection on which nothing was sent or received for so long is reset with
   * `InactivityError`, unless it is paused here. 0: never.
   *
   * @default 120_000
   */
  readonly inactivityTimeout?: number
  /**
   * How long `close()` waits for the peer to take what is pending. When it has not, the connection
   * is reset and `close()` rejects with `UnsentDataError`. 0: `close()` resets at once and discards
   * what is pending.
   *
   * @default 5_000
   */
  readonly lingerTimeout?: number
  /**
   * A connection whose socket took nothing of what is pending for so long is reset with
   * `WriteStalledError`. 0: never.
   *
   * @default 10_000
   */
  readonly writeStallTimeout?: number
  /**
   * Bytes that may still be sent after `send()` has returned false and until 'drain'. One more and
   * the connection is reset with `WriteBufferError`.
   *
   * @default 4_194_304
   */
  readonly maxWriteBufferLength?: number
  /**
   * Bytes that may be held unread, counting those put back by `push()` and `unshift()`; beyond that
   * the connection is reset with `ReadBufferError`. What arrives from the network never reaches it:
   * an unread connection stops reading after 64 KiB and so holds its peer back.
   *
   * @default 4_194_304
   */
  readonly maxReadBufferLength?: number
  /**
   * Connections that the kernel may keep until they are accepted; it has an upper bound of its own
   * (`net.core.somaxconn`).
   *
   * @default 511
   */
  readonly backlog?: number
  /**
   * Lets several processes listen on one port and shares connections between them. Listening fails
   * with `ListenError` where the system does not have it.
   *
   * @default false
   */
  readonly reusePort?: boolean
  /**
   * Accepted sockets of one listener that may wait unread for the upgrader; at most half of the
   * process's descriptors. Beyond that, new sockets are refused and counted.
   *
   * @default 1_024
   */
  readonly maxWaitingSockets?: number
  /**
   * When so many wait, a socket that has waited longer than this gives its place to a new one: its
   * dialler has given up, which an unread socket cannot tell.
   *
   * @default 30_000
   */
  readonly waitTimeout?: number
  /**
   * Permission bits of a unix socket file.
   *
   * @default 0o600
   */
  readonly unixMode?: number
}

/** {@link TcpOptions} with every default filled in. */
export type ResolvedTcpOptions = Required<TcpOptions>

/** Largest delay that a Node timer takes; a longer one would fire at once. */
const MAX_DELAY = 2 ** 31 - 1

/** Least and most of each numeric option. */
const RANGES: { readonly [K in keyof TcpOptions]: readonly [number, number] } = {
  connectTimeout: [1, MAX_DELAY],
  keepAliveInitialDelay: [0, MAX_DELAY],
  inactivityTimeout: [0, MAX_DELAY],
  lingerTimeout: [0, MAX_DELAY],
  writeStallTimeout: [0, MAX_DELAY],
  maxWriteBufferLength: [0, Number.MAX_SAFE_INTEGER],
  maxReadBufferLength: [0, Number.MAX_SAFE_INTEGER],
  backlog: [1, 65_535],
  maxWaitingSockets: [0, 1_000_000],
  waitTimeout: [0, MAX_DELAY],
  unixMode: [0, 0o777]
}

/**
 * The options with defaults, checked.
 *
 * @throws TcpOptionsError for an unknown option or a value out of range
 */
export function resolveOptions(options: TcpOptions = {}): ResolvedTcpOptions {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!(name in DEFAULTS)) throw new TcpOptionsError(`tcp() has no option "${name}"`)
    const range = RANGES[name as keyof TcpOptions]
    if (range === undefined) {
      if (typeof value !== 'boolean') {
        throw new TcpOptionsError(`the option ${name} must be true or false, not ${String(value)}`)
      }
    } else if (!Number.isInteger(value) || value < range[0] || value > range[1]) {
      throw new TcpOptionsError(
        `the option ${name} must be a whole number from ${range[0]} to ${range[1]}, not ${String(value)}`
      )
    }
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...DEFAULTS, ...Object.fromEntries(given) }
}
