import type { LinkCapabilities, LinkStats } from '@warren/netstack'
import type { UdpSocket } from '../udp/udp-socket.ts'

/** Datagrams have a checksum of their own: TCP's is left open and not looked at, spec.md §4. */
export const CAPABILITIES: LinkCapabilities = { checksum: true, segmentation: 0 }

/** The counts of a socket as those of the link above it. */
export function linkStats(socket: UdpSocket): LinkStats {
  const { sent, sentBytes, received, receivedBytes, dropped } = socket.counts
  return {
    packetsSent: sent,
    bytesSent: sentBytes,
    packetsReceived: received,
    bytesReceived: receivedBytes,
    dropped
  }
}
