import { InvalidSessionOptionError } from './errors.ts'

/** Options of sessions; bytes and milliseconds. */
export interface SessionOptions {
  /**
   * Initial window: encoded bytes in flight per session and direction, and so the memory that each
   * end holds for it. @default 65_536
   */
  readonly sessionWindow: number
  /**
   * How far a window grows while it is what limits and the memory budget allows. @default 4_194_304
   */
  readonly maxSessionWindow: number
  /** Headers and body of a message; at most half of `maxSessionWindow`. @default 262_144 */
  readonly maxMessageBytes: number
  /** Encoded headers of a message. @default 16_384 */
  readonly headerBytes: number
  /** Calls of `send` that may wait for the window of one session. @default 1_024 */
  readonly pendingSends: number
  /** How long a session outlives its link, and a tombstone its session. @default 60_000 */
  readonly resumeTimeout: number
  /** How long `close` waits while nothing moves, then the session is reset. @default 5_000 */
  readonly closeTimeout: number
  /** How long a confirmation may wait for more to confirm. @default 25 */
  readonly ackDelay: number
  /** How long the first frame of a stream, and the answer to it, may take. @default 10_000 */
  readonly headTimeout: number
  /** Back-off between attempts to attach again, with full jitter. */
  readonly reattach: { readonly first: number; readonly factor: number; readonly max: number }
  /** Sessions, tombstones included, per peer and direction; beyond: refused. @default 4_096 */
  readonly sessionsPerPeer: number
}

/** Defaults of {@link SessionOptions}. */
export const SESSION_DEFAULTS = {
  sessionWindow: 65_536,
  maxSessionWindow: 4_194_304,
  maxMessageBytes: 262_144,
  headerBytes: 16_384,
  pendingSends: 1_024,
  resumeTimeout: 60_000,
  closeTimeout: 5_000,
  ackDelay: 25,
  headTimeout: 10_000,
  reattach: { first: 250, factor: 2, max: 10_000 },
  sessionsPerPeer: 4_096
} as const satisfies SessionOptions

const MAX_TIME = 2 ** 31 - 1

/** The options with their defaults, checked. @throws {InvalidSessionOptionError} */
export function sessionOptions(given: Partial<SessionOptions> = {}): SessionOptions {
  const options: SessionOptions = { ...SESSION_DEFAULTS, ...withoutUndefined(given) }
  within('maxSessionWindow', options.maxSessionWindow, 1024, 2 ** 30)
  within('sessionWindow', options.sessionWindow, 1024, options.maxSessionWindow)
  within('maxMessageBytes', options.maxMessageBytes, 1, options.maxSessionWindow / 2)
  within('headerBytes', options.headerBytes, 0, 65_535)
  within('pendingSends', options.pendingSends, 1, 2 ** 30)
  within('resumeTimeout', options.resumeTimeout, 1, MAX_TIME)
  within('closeTimeout', options.closeTimeout, 1, MAX_TIME)
  within('ackDelay', options.ackDelay, 0, 1_000)
  within('headTimeout', options.headTimeout, 1, MAX_TIME)
  within('reattach.first', options.reattach.first, 0, MAX_TIME)
  within('reattach.factor', options.reattach.factor, 1, 1_000)
  within('reattach.max', options.reattach.max, options.reattach.first, MAX_TIME)
  within('sessionsPerPeer', options.sessionsPerPeer, 1, 2 ** 30)
  return options
}

function within(name: string, value: number, min: number, max: number): void {
  if (Number.isFinite(value) && value >= min && value <= max) return
  throw new InvalidSessionOptionError(`${name} is ${value}: use a number from ${min} to ${max}`)
}

function withoutUndefined(given: Partial<SessionOptions>): Partial<SessionOptions> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
