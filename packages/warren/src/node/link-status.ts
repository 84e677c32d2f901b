import type { Swarm } from '@warren/swarm'
import type { Link } from '@warren/tunnel'
import type { LinkStatus } from './node-types.ts'

/** A link with what the swarm knows of the connection beneath it. */
export function linkStatus(link: Link, swarm: Swarm): LinkStatus {
  const connections = swarm
    .connections()
    .filter(({ remotePeer }) => remotePeer.toString() === link.peer)
  const connection =
    connections.find(({ remoteAddr }) => String(remoteAddr) === link.remoteAddr) ?? connections[0]
  return {
    peer: link.peer,
    address: link.remoteAddr,
    direction: link.direction,
    path: link.relayed ? 'relayed' : 'direct',
    limits: link.limits,
    security: connection?.encryption,
    muxer: connection?.multiplexer,
    rtt: link.length,
    rate: link.rate,
    channels: [...link.channels],
    ticket: link.scoped
  }
}
