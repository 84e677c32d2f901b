import type { ServiceMap } from '@libp2p/interface'
import { SwarmNode } from './swarm.ts'
import type { SwarmInit } from './swarm-init.ts'
import type { Swarm } from './swarm-types.ts'

/**
 * Makes a swarm, starts its services and listens on the addresses of the options. When that fails,
 * everything that was started is ended before the promise rejects.
 *
 * @throws `ERR_SWARM_OPTIONS`, `ERR_SERVICE_DEPENDENCIES`, `ERR_SERVICE_START`, `ERR_LISTEN`,
 * `ERR_NO_TRANSPORT`
 */
export async function createSwarm<Services extends ServiceMap = Record<never, never>>(
  init: SwarmInit<Services>
): Promise<Swarm<Services>> {
  return SwarmNode.create(init)
}
