import type { StackOptions } from '@warren/netstack'
import type { ResolvedNetstackOptions } from './options.ts'

/** The TCP port inside every association: there is one service. */
export const SERVICE_PORT = 1

/** Milliseconds between two probes of a silent peer, and how many may stay unanswered. */
const KEEP_ALIVE_INTERVAL = 5_000
const KEEP_ALIVE_PROBES = 6

/** How the stack of an association is set up. */
export function stackOptionsOf(options: ResolvedNetstackOptions): StackOptions {
  return {
    tcp: {
      congestion: options.congestion,
      sendBuffer: options.sendBuffer,
      maxReceiveBuffer: options.maxReceiveBuffer,
      userTimeout: options.userTimeout,
      keepAliveInterval: KEEP_ALIVE_INTERVAL,
      keepAliveProbes: KEEP_ALIVE_PROBES,
      noDelay: true,
      // Each association has addresses of its own, so no old segment can be taken for a new one.
      timeWait: 1_000
    },
    maxConnections: options.maxAssociations
  }
}
