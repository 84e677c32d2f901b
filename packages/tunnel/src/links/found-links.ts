import type { TunnelLink } from './tunnel-link.ts'

/** What a {@link FoundLinks} needs. */
export interface FoundLinksInit {
  /** Milliseconds that such a link may be without a session. */
  readonly idleTimeout: number
  /** The link to a peer, if there is one now. */
  current(peer: string): TunnelLink | undefined
  /** The peer is a node that a link is kept to. */
  kept(peer: string): boolean
}

/**
 * Links to peers that a directory named: they are made for a dial, and end when nothing has used them
 * for a while. Otherwise whoever dials many channels would be linked to everyone in the end.
 */
export class FoundLinks {
  readonly #init: FoundLinksInit
  /** When each peer was last seen to be of use, in monotonic milliseconds. */
  readonly #usedAt = new Map<string, number>()

  constructor(init: FoundLinksInit) {
    this.#init = init
  }

  get size(): number {
    return this.#usedAt.size
  }

  add(peer: string, now: number): void {
    this.#usedAt.set(peer, now)
  }

  /** The links that are of no use any more; each is told once. */
  idle(now: number): TunnelLink[] {
    const idle: TunnelLink[] = []
    for (const [peer, usedAt] of this.#usedAt) {
      const link = this.#init.current(peer)
      if (link === undefined || this.#init.kept(peer)) this.#usedAt.delete(peer)
      else if (link.sessions > 0) this.#usedAt.set(peer, now)
      else if (now - usedAt >= this.#init.idleTimeout) {
        this.#usedAt.delete(peer)
        idle.push(link)
      }
    }
    return idle
  }
}
