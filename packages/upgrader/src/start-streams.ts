import type { Connection } from '@libp2p/interface'
import { CapableConnection } from './connection.ts'

/**
 * Lets the streams that the peer opens reach their handlers, first those that it has opened already,
 * in order. Whoever takes a connection calls it once it has registered the connection and told its
 * listeners. Idempotent; without effect on connections of other upgraders.
 */
export function startStreams(connection: Connection): void {
  if (connection instanceof CapableConnection) connection.startStreams()
}
