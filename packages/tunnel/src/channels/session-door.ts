import type { Connection, Stream } from '@libp2p/interface'
import { LinkClosedError } from '../errors.ts'
import type { LinkTable } from '../links/link-table.ts'
import type { SessionRegistry } from '../session-registry.ts'
import { REFUSE } from '../session/codes.ts'
import type { SessionDecision, SessionRequest } from '../session/session-host-types.ts'
import type { Announcer } from './announcer.ts'
import type { ChannelListener } from './channel-listener.ts'
import { LOCAL_LINK } from './dial-session.ts'

/** What a {@link SessionDoor} needs. */
export interface SessionDoorInit {
  readonly table: LinkTable
  readonly listeners: ReadonlyMap<string, ChannelListener>
  readonly announcer: Announcer
  readonly sessions: SessionRegistry
  /** Waits for a link proof that is under way on the connection. */
  settled(connection: Connection): Promise<void>
  /** Reads the head of a session stream. */
  accept(stream: Stream, peer: string, linkId: string): void
}

/** Decides who may open sessions here: only peers with a proven link, and what they may see. */
export class SessionDoor {
  readonly #init: SessionDoorInit

  constructor(init: SessionDoorInit) {
    this.#init = init
  }

  /** Takes a session stream; one from a peer without a proven link is reset. */
  readonly onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const peer = connection.remotePeer.toString()
    // The peer may know of the link a moment earlier than this side.
    await this.#init.settled(connection)
    const links = this.#init.table.ofPeer(peer)
    const link = links.find(candidate => candidate.connection === connection) ?? links[0]
    if (link === undefined) {
      stream.abort(new LinkClosedError(`${peer} opened a session without a proven link`))
      return
    }
    this.#init.accept(stream, peer, link.id)
  }

  /** An unknown channel, a forbidden one and one beyond a ticket are refused alike. */
  async decide(request: SessionRequest, signal: AbortSignal): Promise<SessionDecision> {
    const { channel, mode, bytes, linkId, sealed } = request
    if (linkId !== LOCAL_LINK && !(await this.#mayOpen(request))) {
      return { refuse: REFUSE.channel }
    }
    const listener = this.#init.listeners.get(channel)
    if (listener === undefined) return { refuse: REFUSE.channel }
    if (listener.mode !== mode) return { refuse: REFUSE.mode }
    if (listener.bytes !== bytes) return { refuse: REFUSE.kind }
    // Within the process there is nobody to seal against.
    if (listener.seal && !sealed && linkId !== LOCAL_LINK) return { refuse: REFUSE.seal }
    // Given up meanwhile: nobody would take the place that is kept below.
    if (signal.aborted) return { refuse: REFUSE.failed }
    if (!listener.reserve()) return { refuse: REFUSE.overloaded }
    return {
      accept: session => {
        this.#init.sessions.add(session, 'accepted')
        listener.push(session)
      }
    }
  }

  /** Whether the dialler of a session, which comes back to it, may still have it. */
  async mayResume(request: Pick<SessionRequest, 'channel' | 'peer' | 'linkId'>): Promise<boolean> {
    if (request.linkId === LOCAL_LINK) return true
    const { table, announcer } = this.#init
    const link = table.byId(request.linkId) ?? table.connected(request.peer)
    // The link is gone again: not now, which ends the stream and not the session.
    if (link === undefined) throw new LinkClosedError(`there is no link to ${request.peer}`)
    return announcer.allowed(link, request.channel)
  }

  async #mayOpen({ channel, linkId, peer }: SessionRequest): Promise<boolean> {
    const { table, announcer } = this.#init
    const link = table.byId(linkId) ?? table.connected(peer)
    return link !== undefined && (await announcer.allowed(link, channel))
  }
}
