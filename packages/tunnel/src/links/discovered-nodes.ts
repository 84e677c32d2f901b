import type { PeerDiscovery, PeerId, PeerInfo } from '@libp2p/interface'
import { peerTarget } from './node-target.ts'
import type { NodeTarget } from './node-keeper.ts'

/** Milliseconds after which a peer that is not linked, and was not discovered again, is forgotten. */
const LIFETIME = 3_600_000
/** Milliseconds for which a peer is left alone that turned out to be none of this network. */
const IGNORED_FOR = 600_000
/** Strangers remembered; the oldest is forgotten first. */
const MAX_IGNORED = 256

/** What {@link DiscoveredNodes} needs. */
export interface DiscoveredNodesInit {
  readonly self: PeerId
  readonly sources: readonly PeerDiscovery[]
  /** Peers held at once; more are not taken. */
  readonly limit: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  linked(peer: PeerId): boolean
  /** The peers have changed. */
  changed(): void
}

interface Discovered {
  readonly target: NodeTarget
  seenAt: number
}

/** Peers that discovery services (mdns, bootstrap) have found: a link is kept to each, as to a node. */
export class DiscoveredNodes {
  readonly #init: DiscoveredNodesInit
  readonly #found = new Map<string, Discovered>()
  readonly #ignored = new Map<string, number>()

  constructor(init: DiscoveredNodesInit) {
    this.#init = init
    for (const source of init.sources) source.addEventListener('peer', this.#onPeer)
  }

  targets(): NodeTarget[] {
    return [...this.#found.values()].map(({ target }) => target)
  }

  /**
   * A link to `peer` cannot be: it runs no tunnel, or is of another network.
   *
   * @returns `true` when it was one of these, so that this is nobody's failure
   */
  refused(peer: PeerId): boolean {
    const id = peer.toString()
    if (!this.#found.delete(id)) return false
    this.#ignored.set(id, this.#init.now() + IGNORED_FOR)
    const [oldest] = this.#ignored.keys()
    if (this.#ignored.size > MAX_IGNORED && oldest !== undefined) this.#ignored.delete(oldest)
    this.#init.changed()
    return true
  }

  /** Forgets those that have long been gone. Called about once a second. */
  tick(): void {
    const now = this.#init.now()
    const before = this.#found.size
    for (const [id, { target, seenAt }] of this.#found) {
      if (now - seenAt < LIFETIME) continue
      if (target.peer === undefined || !this.#init.linked(target.peer)) this.#found.delete(id)
    }
    if (this.#found.size < before) this.#init.changed()
  }

  close(): void {
    for (const source of this.#init.sources) source.removeEventListener('peer', this.#onPeer)
  }

  readonly #onPeer = ({ detail }: CustomEvent<PeerInfo>): void => {
    const { self, now, limit } = this.#init
    const id = detail.id.toString()
    if (detail.id.equals(self) || (this.#ignored.get(id) ?? 0) > now()) return
    this.#ignored.delete(id)
    const known = this.#found.get(id)
    const target = peerTarget({ peer: detail.id, addrs: detail.multiaddrs })
    if (known === undefined && this.#found.size >= limit) return
    const same = known !== undefined && textOf(known.target) === textOf(target)
    this.#found.set(id, { target, seenAt: now() })
    if (!same) this.#init.changed()
  }
}

function textOf({ addrs }: NodeTarget): string {
  return addrs.map(String).sort().join()
}
