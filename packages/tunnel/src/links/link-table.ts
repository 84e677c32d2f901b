import type { Connection } from '@libp2p/interface'
import type { TunnelLink } from './tunnel-link.ts'

/** Milliseconds within which two links of one peer count as dialled by both at once. */
const CROSSED_WITHIN = 5_000
/** Links to one peer that may live until the peer has chosen between them. */
const MAX_PER_PEER = 2

/**
 * The links of a tunnel: one per peer. A second one to the same peer is merged; the end with the
 * smaller peer id decides which stays, so the two ends cannot choose differently.
 */
export class LinkTable {
  readonly #self: string
  /** Per peer, oldest first. */
  readonly #byPeer = new Map<string, TunnelLink[]>()

  constructor(self: string) {
    this.#self = self
  }

  get size(): number {
    let size = 0
    for (const links of this.#byPeer.values()) size += links.length
    return size
  }

  get peers(): number {
    return this.#byPeer.size
  }

  all(): TunnelLink[] {
    return [...this.#byPeer.values()].flat()
  }

  byId(id: string): TunnelLink | undefined {
    return this.all().find(link => link.id === id)
  }

  /** Links to `peer`, newest first. */
  ofPeer(peer: string): TunnelLink[] {
    return [...(this.#byPeer.get(peer) ?? [])].reverse()
  }

  /** The link to `peer` that is up; the newest, while two are being merged. */
  connected(peer: string): TunnelLink | undefined {
    return this.ofPeer(peer).find(link => link.state === 'connected')
  }

  /** The link that makes another one over `connection` needless: every one, save a relayed one for a direct connection. */
  standsFor(connection: Connection): TunnelLink | undefined {
    const known = this.connected(connection.remotePeer.toString())
    return known?.relayed === true && connection.direct ? undefined : known
  }

  /**
   * Adds a link.
   *
   * @returns the link that has to go for it, which may be itself
   */
  add(link: TunnelLink): TunnelLink | undefined {
    const links = this.#byPeer.get(link.peer) ?? []
    links.push(link)
    this.#byPeer.set(link.peer, links)
    const older = links.at(-2)
    if (older === undefined) return undefined
    // The other end decides; here both live until it has.
    if (this.#self > link.peer) return links.length > MAX_PER_PEER ? links[0] : undefined
    const together = link.since - older.since < CROSSED_WITHIN
    if (older.relayed !== link.relayed) {
      // The way past the relay is there. Where it is the older, it is so only while nobody can have
      // come back by the relay because it broke.
      return link.relayed && together && older.state === 'connected' ? link : older
    }
    const crossed = older.direction !== link.direction && together
    // Crossed dials: the one that this end, the smaller id, dialled; as the swarm does. Otherwise
    // the newer: the older is one whose break has not been noticed yet.
    return crossed && older.direction === 'outbound' && older.state === 'connected' ? link : older
  }

  /** @returns `true` when no link to its peer is left */
  remove(link: TunnelLink): boolean {
    const links = this.#byPeer.get(link.peer)
    const at = links?.indexOf(link) ?? -1
    if (links === undefined || at < 0) return false
    links.splice(at, 1)
    if (links.length > 0) return false
    this.#byPeer.delete(link.peer)
    return true
  }
}
