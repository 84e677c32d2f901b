import { printable } from '@warren/utils'
import { SessionRevokedError } from './session/errors.ts'
import type { SessionBase } from './session/session-types.ts'

/** Which end of a session this side is. */
export type SessionSide = 'dialled' | 'accepted'

/** What the sessions on one link amount to. */
export interface LinkLoad {
  readonly sessions: number
  /** Sessions that wait until the peer has taken what was sent. */
  readonly waiting: number
  /** Bytes carried, both ways: received, or confirmed by the peer. */
  readonly carried: number
}

const NO_LOAD: LinkLoad = { sessions: 0, waiting: 0, carried: 0 }
/** Milliseconds that a count of all sessions is good for. */
const COUNT_LIFETIME = 100

/**
 * The sessions of a tunnel that have not ended. Each leaves by itself when it ends, in whatever way.
 */
export class SessionRegistry {
  readonly #sessions = new Map<SessionBase, SessionSide>()
  readonly #now: () => number
  #loads = new Map<string, LinkLoad>()
  #countedAt = Number.NEGATIVE_INFINITY

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Whether any session with `peer` has not ended. */
  has(peer: string): boolean {
    for (const session of this.#sessions.keys()) if (session.peer === peer) return true
    return false
  }

  /** Sessions that have no link now. */
  get detached(): number {
    let detached = 0
    for (const session of this.#sessions.keys()) if (session.link === undefined) detached++
    return detached
  }

  add<S extends SessionBase>(session: S, side: SessionSide): S {
    this.#sessions.set(session, side)
    this.#addToCount(session.link)
    void session.closed.then(() => this.#sessions.delete(session))
    return session
  }

  /** Ends at once the sessions with `peer` that are not `allowed` any more. */
  revoke(
    peer: string,
    allowed: (channel: string, side: SessionSide) => boolean,
    cause: Error
  ): void {
    for (const [session, side] of this.#sessions) {
      if (session.peer !== peer || allowed(session.channel, side)) continue
      const channel = JSON.stringify(printable(session.channel, 80))
      session.abort(
        new SessionRevokedError(`the session on ${channel} was ended: ${cause.message}`, { cause })
      )
    }
  }

  /** The peers of all sessions. */
  peers(): Set<string> {
    const peers = new Set<string>()
    for (const session of this.#sessions.keys()) peers.add(session.peer)
    return peers
  }

  /** Sessions that peers opened, on one channel or on all. */
  accepted(channel?: string): SessionBase[] {
    const found: SessionBase[] = []
    for (const [session, side] of this.#sessions) {
      if (side === 'accepted' && (channel ?? session.channel) === session.channel) {
        found.push(session)
      }
    }
    return found
  }

  /** What the link carries; counted at most every 100 ms. */
  load(linkId: string): LinkLoad {
    const now = this.#now()
    if (now - this.#countedAt > COUNT_LIFETIME) {
      this.#countedAt = now
      this.#loads = this.#count()
    }
    return this.#loads.get(linkId) ?? NO_LOAD
  }

  /** Between two counts a new session is added, so that many dials in a row do not pick the same link. */
  #addToCount(linkId: string | undefined): void {
    const load = this.#loads.get(linkId ?? '') ?? NO_LOAD
    if (linkId !== undefined) this.#loads.set(linkId, { ...load, sessions: load.sessions + 1 })
  }

  #count(): Map<string, LinkLoad> {
    const loads = new Map<string, LinkLoad>()
    for (const session of this.#sessions.keys()) {
      if (session.link === undefined) continue
      const stats = session.stats()
      const before = loads.get(session.link) ?? NO_LOAD
      loads.set(session.link, {
        sessions: before.sessions + 1,
        waiting: before.waiting + (stats.unackedBytes > 0 ? 1 : 0),
        carried:
          before.carried + stats.receivedBytes + Math.max(0, stats.sentBytes - stats.unackedBytes)
      })
    }
    return loads
  }
}
