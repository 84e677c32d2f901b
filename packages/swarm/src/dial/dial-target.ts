import type { PeerId } from '@libp2p/interface'
import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { CODE_P2P, isMultiaddr } from '@multiformats/multiaddr'
import { describeError } from '@warren/utils'
import { DialTargetError } from '../errors.ts'
import type { DialTarget } from '../swarm-types.ts'

/** A dial target taken apart: whom, and where if that was given. */
export interface ParsedTarget {
  /** `undefined` when only addresses without a `/p2p` part were given. */
  readonly peer: PeerId | undefined
  /** Where to dial; empty when the peer's known addresses are meant. */
  readonly addresses: readonly Multiaddr[]
}

/** The peer that an address ends in (behind a relay: the far one), if it names one. */
export function peerOf(address: Multiaddr): PeerId | undefined {
  const components = address.getComponents()
  const text = components.findLast(component => component.code === CODE_P2P)?.value
  // In `/…/p2p/RELAY/p2p-circuit` the id is the relay's, and the target is unknown.
  const last = components.at(-1)?.name
  if (text === undefined || last === 'p2p-circuit') return undefined
  try {
    return peerIdFromString(text)
  } catch (cause) {
    throw new DialTargetError(
      `${String(address)} ends in no valid peer id: ${describeError(cause)}`,
      {
        cause
      }
    )
  }
}

/** `address` without the `/p2p/…` at its end, as listeners and sockets know it. */
export function withoutPeer(address: Multiaddr): Multiaddr {
  const last = address.getComponents().at(-1)
  return last?.code === CODE_P2P && address.getComponents().length > 1
    ? address.decapsulateCode(CODE_P2P)
    : address
}

/** `address` with `/p2p/peer` at its end. */
export function withPeer(address: Multiaddr, peer: PeerId): Multiaddr {
  const last = address.getComponents().at(-1)
  return last?.code === CODE_P2P ? address : address.encapsulate(`/p2p/${peer.toString()}`)
}

/**
 * Takes a dial target apart.
 *
 * @throws {DialTargetError} when it names no address or peer, or several peers
 */
export function parseTarget(target: DialTarget): ParsedTarget {
  if (isPeerId(target)) return { peer: target, addresses: [] }
  const given: readonly unknown[] = Array.isArray(target) ? target : [target]
  if (given.length === 0) {
    throw new DialTargetError('there is nothing to dial: the list of addresses is empty')
  }
  let peer: PeerId | undefined
  const addresses: Multiaddr[] = []
  for (const address of given) {
    if (!isMultiaddr(address)) {
      throw new DialTargetError(`${String(address)} is neither a multiaddr nor a peer id`)
    }
    const named = peerOf(address)
    if (named !== undefined && peer !== undefined && !named.equals(peer)) {
      throw new DialTargetError(
        `the addresses name two peers, ${peer.toString()} and ${named.toString()}; dial one at a time`
      )
    }
    peer ??= named
    // A bare `/p2p/…` names the peer and no place.
    const isBarePeer = address.getComponents().every(component => component.code === CODE_P2P)
    if (!isBarePeer) addresses.push(address)
  }
  return { peer, addresses }
}
