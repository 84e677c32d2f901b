import type { TokenBucket } from '@warren/utils'
import type { TcpConfig } from '../tcp/tcp-config.ts'
import type { Clock } from './clock.ts'
import type { NetInterface } from './net-interface.ts'
import type { StackCounts } from './stats.ts'

/** What the parts of one stack share. */
export interface StackContext {
  readonly clock: Clock
  /** Uniform in [0, 1); never for secrets. */
  readonly random: () => number
  readonly counts: StackCounts
  readonly interfaces: ReadonlySet<NetInterface>
  readonly tcp: TcpConfig
  /** Answers to packets that nobody asked for (RST to no connection, ICMP errors): one limit for all. */
  readonly unsolicited: TokenBucket
  /** The interface for a destination. */
  route(destination: Int32Array): NetInterface | undefined
  /** Whether an address is ours, on any interface. */
  isLocal(address: Int32Array): boolean
  /** Something was written into an output outside of a turn. */
  wake(): void
}
