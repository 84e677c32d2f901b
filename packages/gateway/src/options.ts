import type { PeerAccess } from '@warren/tunnel'
import type { GatewayAddress } from './address.ts'
import { parseListen, parseTarget } from './address.ts'
import { DEFAULTS } from './defaults.ts'
import { GatewayOptionsError } from './errors.ts'
import type { PoolMode } from './pool/pool-core.ts'

/** Options of {@link share}. */
export interface ShareOptions {
  /** Name of the channel: 1–255 bytes of UTF-8 without control characters. */
  readonly channel: string
  /** Where each session is carried to: `tcp://host:port`, `unix:/path`, `host:port` or a port. */
  readonly target: string | number
  /** Peers that may know of the channel and open it; see also `setPeers`. Default: all linked ones. */
  readonly peers?: PeerAccess
  /** How connections to the target are kept; see the README. @default 'warm' */
  readonly pool?: PoolMode
  /** Connections that a pool keeps ready. @default 2 */
  readonly minIdle?: number
  /** Milliseconds a ready connection may wait; then it is closed, and replaced. @default 60000 */
  readonly maxIdle?: number
  /** Connections to the target in all; sessions beyond wait. @default 4096 */
  readonly maxConnections?: number
  /** Sessions that may wait for one of `maxConnections`; more are reset. @default 1024 */
  readonly maxWaiters?: number
  /** Milliseconds such a session waits; then it is reset. @default 10000 */
  readonly waitTimeout?: number
  /** Milliseconds a connection to the target may take; then the session is reset. @default 5000 */
  readonly connectTimeout?: number
  /**
   * `pool: 'reuse'` only: milliseconds of silence after which the target's answer counts as
   * complete. @default 250
   */
  readonly reuseAfter?: number
  /** Milliseconds without a byte either way after which a connection is reset; 0: never. @default 0 */
  readonly idleTimeout?: number
  /** Milliseconds that running connections have to finish in `close()`. @default 5000 */
  readonly closeTimeout?: number
  /** Ends the setting up; not the share. */
  readonly signal?: AbortSignal
}

/** Options of {@link open}. */
export interface OpenOptions {
  /** Name of the channel. */
  readonly channel: string
  /** Where local programs connect: `tcp://host:port`, `unix:/path`, `host:port`, a port; 0: any. */
  readonly listen: string | number
  /** Peer id of the only peer to be used. */
  readonly peer?: string
  /** Local connections at a time; more are reset. @default 4096 */
  readonly maxConnections?: number
  /** Milliseconds a session may take to open, discovery included; then a reset. @default 5000 */
  readonly dialTimeout?: number
  /** Milliseconds without a byte either way after which a connection is reset; 0: never. @default 0 */
  readonly idleTimeout?: number
  /** Milliseconds that running connections have to finish in `close()`. @default 5000 */
  readonly closeTimeout?: number
  /** Ends the setting up; not the opening. */
  readonly signal?: AbortSignal
}

/** Options of a share, checked and complete. */
export interface ShareSettings extends Required<Omit<ShareOptions, 'target' | 'peers' | 'signal'>> {
  readonly target: GatewayAddress
}

/** Options of an opening, checked and complete. */
export interface OpenSettings extends Required<Omit<OpenOptions, 'listen' | 'signal' | 'peer'>> {
  readonly listen: GatewayAddress
  readonly peer: string | undefined
}

/** The longest delay of a timer of Node. */
const MAX_MS = 2_147_483_647
/** More than a process has file descriptors. */
const MAX_COUNT = 1_048_576

/** @throws GatewayOptionsError and the errors of {@link parseTarget} */
export function shareSettings(options: ShareOptions): ShareSettings {
  const pool = options.pool ?? DEFAULTS.pool
  if (pool !== 'warm' && pool !== 'reuse' && pool !== 'none') {
    throw new GatewayOptionsError(`pool is ${JSON.stringify(pool)}: use "warm", "reuse" or "none"`)
  }
  const maxConnections = number(options, 'maxConnections', 1, MAX_COUNT)
  return {
    channel: options.channel,
    target: parseTarget(options.target),
    pool,
    minIdle: Math.min(number(options, 'minIdle', 0, MAX_COUNT), maxConnections),
    maxIdle: number(options, 'maxIdle', 1, MAX_MS),
    maxConnections,
    maxWaiters: number(options, 'maxWaiters', 0, MAX_COUNT),
    waitTimeout: number(options, 'waitTimeout', 1, MAX_MS),
    connectTimeout: number(options, 'connectTimeout', 1, MAX_MS),
    reuseAfter: number(options, 'reuseAfter', 0, MAX_MS),
    idleTimeout: number(options, 'idleTimeout', 0, MAX_MS),
    closeTimeout: number(options, 'closeTimeout', 0, MAX_MS)
  }
}

/** @throws GatewayOptionsError and the errors of {@link parseListen} */
export function openSettings(options: OpenOptions): OpenSettings {
  return {
    channel: options.channel,
    listen: parseListen(options.listen),
    peer: options.peer,
    maxConnections: number(options, 'maxConnections', 1, MAX_COUNT),
    dialTimeout: number(options, 'dialTimeout', 1, MAX_MS),
    idleTimeout: number(options, 'idleTimeout', 0, MAX_MS),
    closeTimeout: number(options, 'closeTimeout', 0, MAX_MS)
  }
}

type NumberOption = Exclude<keyof typeof DEFAULTS, 'pool'>

function number(
  options: Partial<Record<NumberOption, number>>,
  name: NumberOption,
  min: number,
  max: number
): number {
  const value = options[name] ?? DEFAULTS[name]
  if (!Number.isInteger(value) || value < min || value > max) {
    const text = `${name} is ${String(value)}: use a whole number from ${min} to ${max}`
    throw new GatewayOptionsError(text)
  }
  return value
}
