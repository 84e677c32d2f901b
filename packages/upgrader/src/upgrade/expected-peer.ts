import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The peer that an address names: its last `/p2p`, unless a relay follows it (then that is the
 * relay's). `undefined` when the address names nobody.
 *
 * @throws Error when the name is not a peer id
 */
export function expectedPeer(address: Multiaddr): PeerId | undefined {
  let id: string | undefined
  for (const { name, value } of address.getComponents()) {
    if (name === 'p2p-circuit') id = undefined
    else if (name === 'p2p') id = value
  }
  return id === undefined ? undefined : peerIdFromString(id)
}
