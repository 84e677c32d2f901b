import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { CODE_P2P, CODE_P2P_CIRCUIT, isMultiaddr } from '@multiformats/multiaddr'
import type { ChannelProvider } from '../channels/channel-directory.ts'
import { InvalidTunnelOptionError } from '../errors.ts'
import type { NodeTarget } from './node-keeper.ts'

/**
 * What a node of the options names.
 *
 * @throws {InvalidTunnelOptionError} when its peer id cannot be read
 */
export function nodeTarget(node: Multiaddr | PeerId): NodeTarget {
  if (!isMultiaddr(node)) return { node, key: node.toString(), addrs: [], peer: node }
  const components = node.getComponents()
  const bare = components.every(({ code }) => code === CODE_P2P)
  return {
    node,
    key: node.toString(),
    addrs: bare ? [] : [node],
    peer: peerAtEnd(node)
  }
}

/** The peer of a ticket, or one that a directory names, at its addresses. */
export function peerTarget({ peer, addrs }: ChannelProvider): NodeTarget {
  return {
    node: peer,
    key: `peer ${peer.toString()}`,
    addrs: addrs.map(addr =>
      endsInPeer(addr) ? addr : addr.encapsulate(`/p2p/${peer.toString()}`)
    ),
    peer
  }
}

/** Whether `addr` leads straight to its peer, not through a relay. */
export function isDirect(addr: Multiaddr): boolean {
  return addr.getComponents().every(({ code }) => code !== CODE_P2P_CIRCUIT)
}

/** `addr` without the peer id at its end. */
export function withoutPeer(addr: Multiaddr): Multiaddr {
  return endsInPeer(addr) ? addr.decapsulateCode(CODE_P2P) : addr
}

function endsInPeer(addr: Multiaddr): boolean {
  return addr.getComponents().at(-1)?.code === CODE_P2P
}

function peerAtEnd(addr: Multiaddr): PeerId | undefined {
  const last = addr.getComponents().at(-1)
  if (last?.code !== CODE_P2P || last.value === undefined) return undefined
  try {
    return peerIdFromString(last.value)
  } catch (cause) {
    throw new InvalidTunnelOptionError(`${addr.toString()} ends in no valid peer id`, { cause })
  }
}
