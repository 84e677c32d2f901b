import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { IpRange, ipOf } from './ip-range.ts'

/** Peers by their id and by where they are. */
export class AccessList {
  readonly #peers = new Set<string>()
  readonly #ranges: IpRange[] = []

  /** @throws {SwarmOptionsError} naming the entry that is no peer id, address or CIDR */
  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const peer = parsePeer(entry)
      if (peer === undefined) this.#ranges.push(new IpRange(entry))
      else this.#peers.add(peer)
    }
  }

  get empty(): boolean {
    return !this.namesPeers && !this.namesRanges
  }

  get namesPeers(): boolean {
    return this.#peers.size > 0
  }

  get namesRanges(): boolean {
    return this.#ranges.length > 0
  }

  hasPeer(peer: PeerId): boolean {
    return this.#peers.has(peer.toString())
  }

  /** Whether an address begins with an IP address of the list; that of a relay is its own. */
  hasAddress(address: Multiaddr): boolean {
    if (this.#ranges.length === 0) return false
    const ip = ipOf(address)
    return ip !== undefined && this.#ranges.some(range => range.includes(ip))
  }
}

function parsePeer(text: string): string | undefined {
  // What has these is an address; parsing it as an id would only fail more slowly.
  if (/[.:/]/.test(text)) return undefined
  try {
    return peerIdFromString(text).toString()
  } catch {
    return undefined
  }
}
