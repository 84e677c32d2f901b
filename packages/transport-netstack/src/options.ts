import { DEFAULTS } from './defaults.ts'
import { NetstackTransportOptionsError } from './errors.ts'

/** Options of {@link netstack}; all are optional. Times are in milliseconds, sizes in bytes. */
export interface NetstackOptions {
  /**
   * Largest packet inside an association. With 7 bytes of ours and the headers of UDP and IP it must
   * fit the paths in use; where it does not, connections find the smaller size by themselves, which
   * costs them a moment.
   *
   * @default 1_420
   */
  readonly mtu?: number
  /**
   * Has the kernel cut and join datagrams (UDP_SEGMENT, UDP_GRO), where it can and the optional
   * package `koffi` is installed: several times the throughput.
   *
   * @default true
   */
  readonly offload?: boolean
  /**
   * How long a dial may take until the connection stands, before any upgrade; then
   * `NetstackConnectTimeoutError`. The dial's own signal may end it sooner.
   *
   * @default 5_000
   */
  readonly connectTimeout?: number
  /**
   * Silence after which a dialled connection is probed, so that NATs on the path do not forget it and
   * a peer that vanished is noticed. 0: never.
   *
   * @default 20_000
   */
  readonly keepAlive?: number
  /**
   * A connection whose peer has acknowledged nothing of what is under way for so long is lost.
   *
   * @default 60_000
   */
  readonly userTimeout?: number
  /**
   * How long `close()` waits for the peer to take what is pending. When it has not, the connection
   * is reset and `close()` rejects with `NetstackUnsentDataError`.
   *
   * @default 5_000
   */
  readonly lingerTimeout?: number
  /**
   * Congestion control: `cubic` or `newreno`.
   *
   * @default 'cubic'
   */
  readonly congestion?: 'cubic' | 'newreno'
  /**
   * Bytes of one connection that wait to be sent or acknowledged, at most. Memory grows with need.
   *
   * @default 4_194_304
   */
  readonly sendBuffer?: number
  /**
   * Bytes of one connection that were received and not yet read, at most: the largest window that the
   * peer is ever given. Memory grows with need.
   *
   * @default 8_388_608
   */
  readonly maxReceiveBuffer?: number
  /**
   * Diallers that one listener knows at most; the cookies of more are refused and counted.
   *
   * @default 4_096
   */
  readonly maxAssociations?: number
  /**
   * Of these, with the same IP address (several behind one NAT share it).
   *
   * @default 256
   */
  readonly maxAssociationsPerAddress?: number
  /**
   * Silence after which a dialler without a connection is forgotten.
   *
   * @default 15_000
   */
  readonly idleTimeout?: number
}

/** {@link NetstackOptions} with every default filled in. */
export type ResolvedNetstackOptions = Required<NetstackOptions>

/** Largest delay that a Node timer takes; a longer one would fire at once. */
const MAX_DELAY = 2 ** 31 - 1

/** Least and most of each numeric option. The least MTU is that of IPv6. */
const RANGES: { readonly [K in keyof NetstackOptions]: readonly [number, number] } = {
  mtu: [1_280, 1_500],
  connectTimeout: [1, MAX_DELAY],
  keepAlive: [0, MAX_DELAY],
  userTimeout: [1_000, MAX_DELAY],
  lingerTimeout: [1, MAX_DELAY],
  sendBuffer: [65_536, 2 ** 30],
  maxReceiveBuffer: [131_072, 2 ** 30],
  maxAssociations: [1, 1_000_000],
  maxAssociationsPerAddress: [1, 1_000_000],
  idleTimeout: [1_000, MAX_DELAY]
}

/**
 * The options with defaults, checked.
 *
 * @throws NetstackTransportOptionsError for an unknown option or a value out of range
 */
export function resolveOptions(options: NetstackOptions = {}): ResolvedNetstackOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    const problem = problemOf(name, value)
    if (problem !== undefined) throw new NetstackTransportOptionsError(problem)
  }
  return { ...DEFAULTS, ...Object.fromEntries(given) }
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!(name in DEFAULTS)) return `netstack() has no option "${name}"`
  if (name === 'offload') {
    return typeof value === 'boolean'
      ? undefined
      : `offload must be true or false, not ${String(value)}`
  }
  if (name === 'congestion') {
    return value === 'cubic' || value === 'newreno'
      ? undefined
      : `congestion must be "cubic" or "newreno", not ${String(value)}`
  }
  const [least, most] = RANGES[name as keyof NetstackOptions] ?? [0, 0]
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return undefined
  return `the option ${name} must be a whole number from ${least} to ${most}, not ${String(value)}`
}
