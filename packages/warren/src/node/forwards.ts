import type {
  GatewayStats,
  Opening as GatewayOpening,
  Share as GatewayShare
} from '@warren/gateway'
import { parseListen } from '@warren/gateway'
import type { ForwardStats, Opening, Share } from './node-types.ts'

/** The gateway's share, as the node shows it. */
export function shareOf(share: GatewayShare, onClose: () => void): Share {
  return {
    name: share.channel,
    target: share.target,
    stats: () => statsOf(share.stats()),
    setAllowed: allow => share.setPeers({ allow }),
    onError: listener => share.on('error', error => listener(error)),
    close: () => share.close().finally(onClose)
  }
}

/** The gateway's opening, as the node shows it. */
export function openingOf(opening: GatewayOpening, onClose: () => void): Opening {
  const bound = parseListen(opening.address)
  const tcp = bound.kind === 'tcp' ? bound : undefined
  const address = bound.kind === 'unix' ? bound.path : `${bracketed(bound.host)}:${bound.port}`
  return {
    name: opening.channel,
    address,
    url: tcp === undefined ? `unix:${address}` : `http://${address}`,
    host: tcp?.host,
    port: tcp?.port,
    stats: () => statsOf(opening.stats()),
    onError: listener => opening.on('error', error => listener(error)),
    close: () => opening.close().finally(onClose)
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function statsOf(stats: GatewayStats): ForwardStats {
  const { open, total, failed, bytesToTunnel, bytesFromTunnel } = stats
  return { open, total, failed: { ...failed }, bytesOut: bytesToTunnel, bytesIn: bytesFromTunnel }
}
