import type { PeerId, PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerRoutings } from './services/routing.ts'

/**
 * Where a peer can be dialled as far as is known: from the peer store, signed addresses first, or
 * else from the services that route peers.
 */
export async function knownAddresses(
  peer: PeerId,
  signal: AbortSignal,
  peerStore: PeerStore,
  peerRouting: PeerRoutings
): Promise<Multiaddr[]> {
  const stored = await storedAddresses(peer, signal, peerStore)
  if (stored.length > 0 || !peerRouting.available) return stored
  try {
    return (await peerRouting.findPeer(peer, { signal })).multiaddrs
  } catch {
    // Not found is no other than not known; the dial's report says so.
    return []
  }
}

async function storedAddresses(
  peer: PeerId,
  signal: AbortSignal,
  peerStore: PeerStore
): Promise<Multiaddr[]> {
  try {
    const { addresses } = await peerStore.get(peer, { signal })
    return addresses
      .toSorted((a, b) => Number(b.isCertified) - Number(a.isCertified))
      .map(address => address.multiaddr)
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFoundError') return []
    throw error
  }
}
