import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { printable } from '@warren/utils'
import { InvalidTunnelOptionError } from '../errors.ts'

/** Who is admitted, by the peer id that the connection has proven. */
export interface PeerAccess {
  /** Only these, as peer ids or their text. Absent: everyone; empty: nobody. */
  readonly allow?: readonly (PeerId | string)[]
  /** None of these, also when `allow` has them. */
  readonly deny?: readonly (PeerId | string)[]
}

/** A {@link PeerAccess}, checked, and quick to ask. */
export class PeerGate {
  readonly #allow: ReadonlySet<string> | undefined
  readonly #deny: ReadonlySet<string>

  /** @throws {InvalidTunnelOptionError} when an entry is no peer id */
  constructor({ allow, deny }: PeerAccess = {}) {
    this.#allow = allow === undefined ? undefined : peers('allow', allow)
    this.#deny = peers('deny', deny ?? [])
  }

  /** @param peer - peer id as text */
  admits(peer: string): boolean {
    return !this.#deny.has(peer) && (this.#allow?.has(peer) ?? true)
  }
}

function peers(list: string, given: readonly (PeerId | string)[]): ReadonlySet<string> {
  return new Set(given.map(peer => canonical(list, peer)))
}

/** A peer id has several texts; links know it by one of them. */
function canonical(list: string, peer: PeerId | string): string {
  try {
    return peerIdFromString(peer.toString()).toString()
  } catch (cause) {
    throw new InvalidTunnelOptionError(
      `peers.${list}: ${JSON.stringify(printable(String(peer), 80))} is no peer id`,
      { cause }
    )
  }
}
