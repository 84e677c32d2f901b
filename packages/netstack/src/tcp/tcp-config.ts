import { NetstackOptionError } from '../errors.ts'

/** Which congestion control a connection uses. */
export type CongestionName = 'cubic' | 'newreno'

/**
 * Settings of TCP connections. One complete object is shared by all connections of a stack; times
 * are in milliseconds, sizes in bytes. Defaults: `DEFAULTS.tcp`.
 */
export interface TcpConfig {
  /** Bytes that `write` takes at most ahead of their acknowledgement; rounded up to a power of two. */
  readonly sendBuffer: number
  /** Bytes that a connection may hold unread at first; it grows with what the path needs. */
  readonly receiveBuffer: number
  /** Up to here it grows by auto-tuning; rounded up to a power of two, 1 GiB at most. */
  readonly maxReceiveBuffer: number
  /** Congestion control. */
  readonly congestion: CongestionName
  /** Initial window in segments (RFC 6928). */
  readonly initialWindow: number
  /** `true` switches Nagle's algorithm off. */
  readonly noDelay: boolean
  /** Longest delay of an acknowledgement; 500 at most (RFC 9293 §3.8.6.3). */
  readonly delayedAck: number
  /** Bounds of the retransmission timeout. */
  readonly minRto: number
  readonly maxRto: number
  /**
   * A SYN is sent again after 1 s, 2 s, 4 s, … as long as the wait is not longer than this: with
   * 60,000 it is sent at 0, 1, 3, 7, 15 and 31 s, and given up after 63 s. RFC 9293 asks for three
   * minutes (`180_000`); whoever waits for a connection has mostly given up before.
   */
  readonly handshakeTimeout: number
  /** Unacknowledged data of this age aborts the connection (RFC 9293 §3.8.3, 5482). */
  readonly userTimeout: number
  /** Silence before the first keepalive probe; 0 is off. */
  readonly keepAlive: number
  readonly keepAliveInterval: number
  /** Unanswered probes that abort the connection. */
  readonly keepAliveProbes: number
  /** How long TIME-WAIT lasts: twice the maximum segment lifetime. */
  readonly timeWait: number
  /** How long FIN-WAIT-2 lasts when our side has given up reading too; 0 is for ever. */
  readonly finWait2: number
  /** Least time between two challenge ACKs of one connection (RFC 5961 §7). */
  readonly challengeAckInterval: number
  /** Offered options. */
  readonly sack: boolean
  readonly timestamps: boolean
  readonly windowScaling: boolean
}

/** Ranges of the numbers of a {@link TcpConfig}, both ends included. */
const RANGES = {
  sendBuffer: [1024, 2 ** 30],
  receiveBuffer: [1024, 2 ** 30],
  maxReceiveBuffer: [1024, 2 ** 30],
  initialWindow: [1, 1000],
  delayedAck: [0, 500],
  minRto: [1, 60_000],
  maxRto: [1000, 3_600_000],
  handshakeTimeout: [1000, 3_600_000],
  userTimeout: [1000, 2 ** 31],
  keepAlive: [0, 2 ** 31],
  keepAliveInterval: [1, 2 ** 31],
  keepAliveProbes: [1, 1000],
  timeWait: [0, 600_000],
  finWait2: [0, 2 ** 31],
  challengeAckInterval: [0, 60_000]
} as const

/**
 * Completes and checks settings.
 *
 * @throws NetstackOptionError when one is out of its range
 */
export function tcpConfig(options: Partial<TcpConfig>, defaults: TcpConfig): TcpConfig {
  const config = { ...defaults, ...options }
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = config[name as keyof typeof RANGES]
    if (!Number.isFinite(value) || value < least || value > most) {
      throw new NetstackOptionError(`tcp.${name} is ${value}; it must be from ${least} to ${most}`)
    }
  }
  if (config.congestion !== 'cubic' && config.congestion !== 'newreno') {
    throw new NetstackOptionError(
      `tcp.congestion is "${String(config.congestion)}"; it must be "cubic" or "newreno"`
    )
  }
  if (config.maxReceiveBuffer < config.receiveBuffer) {
    throw new NetstackOptionError(
      `tcp.maxReceiveBuffer is ${config.maxReceiveBuffer}, less than tcp.receiveBuffer, ${config.receiveBuffer}`
    )
  }
  if (config.maxRto < config.minRto) {
    throw new NetstackOptionError(
      `tcp.maxRto is ${config.maxRto}, less than tcp.minRto, ${config.minRto}`
    )
  }
  return config
}
