import { DEFAULTS } from '../defaults.ts'
import { NetstackOptionError } from '../errors.ts'
import { type TcpConfig, tcpConfig } from '../tcp/tcp-config.ts'
import type { Clock } from './clock.ts'
import type { SynCookieMode } from './listener.ts'

/** Options of `createStack()`. */
export interface StackOptions {
  /** Settings of all TCP connections. */
  readonly tcp?: Partial<TcpConfig>
  /**
   * Connections in all, those in TIME-WAIT included; beyond it SYNs are dropped and `connect` throws.
   * @default 65536
   */
  readonly maxConnections?: number
  /**
   * Connections in TIME-WAIT; beyond it the oldest one ends.
   * @default 16384
   */
  readonly maxTimeWait?: number
  /**
   * Handshakes of one listener under way for which state is kept.
   * @default 512
   */
  readonly backlog?: number
  /**
   * SYN cookies: when the backlog is full, for every SYN, or not at all (SYNs are dropped then).
   * @default 'auto'
   */
  readonly synCookies?: SynCookieMode
  /** Fragmented packets that wait for their missing pieces; beyond a limit the oldest is dropped. */
  readonly reassembly?: {
    /** @default 4194304 */
    readonly maxBytes?: number
    /** @default 256 */
    readonly maxPackets?: number
  }
  /** SYNs that wait for a decision of `forwardTcp`; what is beyond a limit is dropped. */
  readonly forwarder?: {
    /** @default 1024 */
    readonly maxPending?: number
    /** @default 64 */
    readonly maxPendingPerSource?: number
    /**
     * ms after which an undecided SYN is forgotten.
     * @default 30000
     */
    readonly decisionTimeout?: number
  }
  /** RSTs to no connection and ICMP errors together: what a stranger can make us send. */
  readonly unsolicited?: {
    /** @default 1000 */
    readonly burst?: number
    /** @default 1000 */
    readonly perSecond?: number
  }
  /**
   * Passes packets between interfaces, as a router.
   * @default false
   */
  readonly routing?: boolean
  /**
   * Where time comes from.
   * @default the machine's monotonic clock
   */
  readonly clock?: Clock
  /**
   * Uniform in [0, 1): jitter; never secrets.
   * @default Math.random
   */
  readonly random?: () => number
  /**
   * 16 secret bytes: sequence numbers, cookies and ports are made from them.
   * @default random bytes
   */
  readonly secret?: Uint8Array
}

/** Numbers that must be whole, and their ranges. */
const RANGES: readonly (readonly [path: string, least: number, most: number])[] = [
  ['maxConnections', 1, 2 ** 24],
  ['maxTimeWait', 0, 2 ** 24],
  ['backlog', 1, 2 ** 20],
  ['reassembly.maxBytes', 65536, 2 ** 30],
  ['reassembly.maxPackets', 1, 65536],
  ['forwarder.maxPending', 1, 2 ** 20],
  ['forwarder.maxPendingPerSource', 1, 2 ** 20],
  ['forwarder.decisionTimeout', 1, 600_000],
  ['unsolicited.burst', 1, 2 ** 24],
  ['unsolicited.perSecond', 1, 2 ** 24]
]

/** Options with every default filled in. */
export interface FullStackOptions {
  readonly tcp: TcpConfig
  readonly maxConnections: number
  readonly maxTimeWait: number
  readonly backlog: number
  readonly synCookies: SynCookieMode
  readonly reassembly: { readonly maxBytes: number; readonly maxPackets: number }
  readonly forwarder: {
    readonly maxPending: number
    readonly maxPendingPerSource: number
    readonly decisionTimeout: number
  }
  readonly unsolicited: { readonly burst: number; readonly perSecond: number }
  readonly routing: boolean
}

/**
 * Fills in the defaults and checks the ranges.
 *
 * @throws NetstackOptionError when one is out of its range
 */
export function stackOptions(options: StackOptions): FullStackOptions {
  const full: FullStackOptions = {
    tcp: tcpConfig(options.tcp ?? {}, DEFAULTS.tcp),
    maxConnections: options.maxConnections ?? DEFAULTS.maxConnections,
    maxTimeWait: options.maxTimeWait ?? DEFAULTS.maxTimeWait,
    backlog: options.backlog ?? DEFAULTS.backlog,
    synCookies: options.synCookies ?? DEFAULTS.synCookies,
    reassembly: { ...DEFAULTS.reassembly, ...options.reassembly },
    forwarder: { ...DEFAULTS.forwarder, ...options.forwarder },
    unsolicited: { ...DEFAULTS.unsolicited, ...options.unsolicited },
    routing: options.routing ?? DEFAULTS.routing
  }
  for (const [path, least, most] of RANGES) {
    const value = path.split('.').reduce<unknown>((at, key) => Reflect.get(Object(at), key), full)
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw new NetstackOptionError(
        `${path} is ${String(value)}; it must be a whole number from ${least} to ${most}`
      )
  }
  if (!['auto', 'always', 'never'].includes(full.synCookies))
    throw new NetstackOptionError(
      `synCookies is "${full.synCookies}"; it must be "auto", "always" or "never"`
    )
  if (options.secret !== undefined && options.secret.length !== 16)
    throw new NetstackOptionError(`secret has ${options.secret.length} bytes; it must have 16`)
  return full
}
