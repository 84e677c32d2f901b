import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Swarm } from '@warren/swarm'
import type { Tunnel } from '@warren/tunnel'
import { deadline } from '@warren/utils'
import { PeerTimeoutError } from '../errors.ts'
import type { DialReports } from './dial-reports.ts'
import type { Explanation, PathStatus } from './node-types.ts'
import { pingOver } from './ping.ts'

/** Milliseconds that a connection has to answer a ping. */
const PING_TIMEOUT = 2_000

/** What an explanation is drawn from. */
export interface ExplainSources {
  readonly swarm: Swarm
  readonly tunnel: Tunnel
  readonly dials: DialReports
}

/**
 * The ways to a peer. Without a connection to it, `addresses` are dialled first, also those that are
 * in back-off.
 *
 * @param peer its id; `undefined` while only an address is known
 */
export async function explainPeer(
  sources: ExplainSources,
  peer: string | undefined,
  addresses: Multiaddr | Multiaddr[],
  signal: AbortSignal | undefined
): Promise<Explanation> {
  const { swarm, tunnel, dials } = sources
  const list = Array.isArray(addresses) ? addresses : [addresses]
  let found = peer
  if (list.length > 0 && connectionsTo(swarm, peer).length === 0) {
    try {
      const connection = await swarm.dial(list, {
        ignoreBackoff: true,
        ...(signal === undefined ? {} : { signal })
      })
      found = connection.remotePeer.toString()
    } catch {
      signal?.throwIfAborted()
      // Why is in the reports.
    }
  }
  const used = tunnel.links().find(link => link.state === 'connected' && link.peer === found)
  const paths = await Promise.all(
    connectionsTo(swarm, found).map(connection => pathOf(swarm, connection, used?.remoteAddr))
  )
  const keys = new Set([...(found === undefined ? [] : [found]), ...list.map(String)])
  return {
    peer: found,
    linked: used !== undefined,
    paths: paths.sort((a, b) => Number(b.used) - Number(a.used)),
    dials: [...keys].flatMap(key => dials.of(key))
  }
}

function connectionsTo(swarm: Swarm, peer: string | undefined): Connection[] {
  return swarm
    .connections()
    .filter(({ remotePeer, status }) => status === 'open' && remotePeer.toString() === peer)
}

async function pathOf(
  swarm: Swarm,
  connection: Connection,
  used: string | undefined
): Promise<PathStatus> {
  const { remoteAddr, direction, direct, limits, encryption, multiplexer } = connection
  const address = remoteAddr.toString()
  return {
    address,
    direction,
    path: direct ? 'direct' : 'relayed',
    limits: limits && {
      bytes: limits.bytes === undefined ? undefined : Number(limits.bytes),
      seconds: limits.seconds
    },
    security: encryption,
    muxer: multiplexer,
    rtt: await roundTrip(swarm, connection),
    used: address === used
  }
}

async function roundTrip(swarm: Swarm, connection: Connection): Promise<number | undefined> {
  const limit = deadline(
    PING_TIMEOUT,
    () => new PeerTimeoutError(`no answer within ${PING_TIMEOUT} ms`)
  )
  try {
    return await pingOver(swarm, connection, limit.signal)
  } catch {
    return undefined
  } finally {
    limit.clear()
  }
}
