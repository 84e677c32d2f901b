import type { PeerId } from '@libp2p/interface'
import { GoodbyeReason } from '../../proto/control.ts'
import { AuthenticationError, ChannelRefusedError } from '../errors.ts'
import type { LinkTable } from '../links/link-table.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import type { SessionRegistry } from '../session-registry.ts'
import type { LinkCredentials, LinkGrant } from './link-handshake.ts'
import { PeerGate } from './peer-gate.ts'
import type { PeerAccess } from './peer-gate.ts'
import type { TicketDesk } from './ticket-desk.ts'

/** What an {@link AccessControl} needs. */
export interface AccessControlInit {
  /** This side's own peer id, as text. */
  readonly self: string
  /** Peers that links are made with. */
  readonly gate: PeerGate
  readonly desk: TicketDesk
  readonly table: LinkTable
  readonly sessions: SessionRegistry
}

/**
 * Who may have a link, and keeps its sessions: by the peers that are admitted, the active tokens and
 * the tickets, as they are now. What loses its ground ends at once, at both ends.
 */
export class AccessControl {
  readonly #init: AccessControlInit
  #gate: PeerGate

  constructor(init: AccessControlInit) {
    this.#init = init
    this.#gate = init.gate
  }

  /** What this side brings to a link with `peer`. */
  credentials(peer: PeerId): LinkCredentials {
    const { desk } = this.#init
    return this.#gate.admits(peer.toString()) ? desk.credentials(peer) : desk.decoy()
  }

  /**
   * To be asked before a link is tried.
   *
   * @throws {AuthenticationError}, {TicketExpiredError} when it is of no use
   */
  checkDial(peer: PeerId): void {
    if (!this.#gate.admits(peer.toString())) throw notAdmitted(peer.toString())
    this.#init.desk.checkTime(peer)
  }

  /** Why the link of a peer failed, as this side knows it: to the peer it looks like `error`. */
  reasonOf(error: Error, peer: PeerId): Error {
    return this.#gate.admits(peer.toString()) ? error : notAdmitted(peer.toString())
  }

  /** A link was proven. Its tickets are judged, and what it may not carry has ended. */
  proven(link: TunnelLink, grant: LinkGrant): void {
    this.#init.desk.linked(link, grant)
    // Sessions from before, detached, that this link (and no other) may not carry any more.
    if (!link.scope.full) this.scopeChanged(link)
  }

  /** Ends a link whose ground has gone while it was proven. */
  review(link: TunnelLink): void {
    if (!this.#gate.admits(link.peer)) this.#end(link, notAdmitted(link.peer))
    else if (!link.standsOnToken) this.#end(link, tokenRemoved(link.peer))
  }

  /** Replaces the active tokens, by their proof keys. */
  setTokens(keys: readonly Uint8Array[]): void {
    const { desk, table } = this.#init
    desk.setTokens(keys)
    for (const link of table.all()) this.review(link)
  }

  /** @throws {InvalidTunnelOptionError} when an entry is no peer id */
  setPeers(peers: PeerAccess): void {
    const { self, sessions, table } = this.#init
    this.#gate = new PeerGate(peers)
    for (const link of table.all()) this.review(link)
    // Those without a link now must not wait for one.
    for (const peer of sessions.peers()) {
      if (peer === self || this.#gate.admits(peer)) continue
      sessions.revoke(peer, () => false, notAdmitted(peer))
    }
  }

  /** The scope of the link is smaller, or it has ended: sessions that no link may carry end. */
  scopeChanged(link: TunnelLink): void {
    const error =
      link.endReason ??
      new ChannelRefusedError(`no link to ${link.peer} covers the channel any more`)
    this.#endUncovered(link.peer, error)
  }

  #end(link: TunnelLink, error: AuthenticationError): void {
    link.because(error)
    // Before the link, whose end would only detach them: so the peer is told on their streams.
    this.#endUncovered(link.peer, error, link)
    void link.close(GoodbyeReason.ACCESS_ENDED)
  }

  #endUncovered(peer: string, error: Error, leaving?: TunnelLink): void {
    const links = this.#init.table.ofPeer(peer).filter(link => link !== leaving)
    this.#init.sessions.revoke(
      peer,
      (channel, side) =>
        links.some(({ scope }) =>
          side === 'dialled' ? scope.mayDial(channel) : scope.mayServe(channel)
        ),
      error
    )
  }
}

function notAdmitted(peer: string): AuthenticationError {
  return new AuthenticationError(
    `peer ${peer} is not admitted by this tunnel's peers: change them by setPeers()`
  )
}

function tokenRemoved(peer: string): AuthenticationError {
  return new AuthenticationError(
    `the link to ${peer} was proven by a token that is removed. Give the new one to both`
  )
}
