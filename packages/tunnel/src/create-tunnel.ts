import type { Swarm } from '@warren/swarm'
import { resolveOptions } from './options.ts'
import type { TunnelOptions } from './options.ts'
import { SwarmTunnel } from './tunnel.ts'
import type { Tunnel } from './tunnel-types.ts'

/**
 * A tunnel over `swarm`. It answers links and sessions of peers from now on; links to its own nodes
 * start with `connect()` or the first `dial`. Close it before the swarm.
 *
 * @throws codes `ERR_TUNNEL_OPTION`, `ERR_INVALID_TOKEN`, `ERR_SESSION_OPTION`
 */
export function createTunnel(swarm: Swarm, options: TunnelOptions): Tunnel {
  return new SwarmTunnel(swarm, resolveOptions(options), {
    now: () => performance.now(),
    wallClock: () => Date.now() / 1000,
    random: Math.random
  })
}
