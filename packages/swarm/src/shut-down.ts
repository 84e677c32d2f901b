import type { AbortOptions } from '@libp2p/interface'
import { CONNECTION_CODE } from '@warren/interface'
import type { SwarmParts } from './assemble.ts'
import { closeConnection } from './connections/close-connection.ts'
import { SwarmClosedError } from './errors.ts'

/**
 * Ends the parts of a swarm: nothing new is taken or dialled, services say goodbye over connections
 * that are still open, then the connections end, and last the listeners, since those end what is
 * left of their sockets without asking. Each step is bounded, so it always ends.
 */
export async function shutDown(parts: SwarmParts, options: AbortOptions = {}): Promise<void> {
  const { admission, reception, trimmer, randomWalk, host, acceptors, transports } = parts
  const { dialler, table, upgrader, selfAddresses } = parts
  admission.close()
  reception.close()
  trimmer.close()
  randomWalk.stop(new SwarmClosedError('the swarm was closed during the walk'))
  await host.beforeStop()
  await Promise.all([dialler.close(), acceptors.close()])
  await host.stop()
  const { closeTimeout } = parts.options
  const goodbye = { ...options, reason: CONNECTION_CODE.shutdown }
  await Promise.all(
    table.connections().map(async connection => closeConnection(connection, closeTimeout, goodbye))
  )
  await transports.close()
  await upgrader.close()
  await table.close()
  await selfAddresses.settled()
}
