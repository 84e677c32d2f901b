import type { Stream } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'
import { deadline, printable } from '@warren/utils'
import { ChannelRefusedError, DialTimeoutError, NoLinkError, TunnelLimitError } from '../errors.ts'
import type { LinkTable } from '../links/link-table.ts'
import { chooseLink, pastRelays } from '../links/link-choice.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import { memoryStreams } from '../local/memory-stream.ts'
import { EngineMessageSession } from '../session/message-session.ts'
import type { CarrierStream, OpenStream, SessionHostApi } from '../session/session-host-types.ts'
import type { ByteSession, Session } from '../session/session-types.ts'
import type { ChannelListener } from './channel-listener.ts'
import { mismatch } from './route-finder.ts'
import type { RouteFinder, RouteRequest } from './route-finder.ts'

/** Protocol of the streams that carry sessions, one each. */
export const SESSION_PROTOCOL = '/warren/session/1.0.0'
/** Id of the link that sessions within one tunnel name. */
export const LOCAL_LINK = 'local'

/** What a {@link SessionDialler} needs. */
export interface SessionDiallerInit {
  readonly swarm: Swarm
  readonly table: LinkTable
  readonly routes: RouteFinder
  readonly host: SessionHostApi
  readonly listeners: ReadonlyMap<string, ChannelListener>
  readonly random: () => number
}

/** Opens sessions: finds the link, opens the stream, and opens it again whenever it breaks. */
export class SessionDialler {
  readonly #init: SessionDiallerInit

  constructor(init: SessionDiallerInit) {
    this.#init = init
  }

  /**
   * Opens a session within `timeout` milliseconds.
   *
   * @throws what {@link RouteFinder.find} and `SessionHost.open` throw; {@link DialTimeoutError}
   */
  async dial(
    request: RouteRequest,
    timeout: number,
    signal: AbortSignal | undefined
  ): Promise<Session | ByteSession> {
    let awaiting = (): Error => this.#init.routes.notFound(request)
    const limit = deadline(timeout, () => awaiting(), signal)
    try {
      if (this.#isLocal(request)) {
        awaiting = () => timedOut(request.channel, timeout, 'the listener in this process')
        return await this.#open(
          request,
          this.#init.swarm.peerId.toString(),
          limit.signal,
          async () => this.#openLocalStream(request.channel)
        )
      }
      for (;;) {
        const link = await this.#init.routes.find(request, limit.signal)
        awaiting = () => timedOut(request.channel, timeout, `${link.peer} to accept the session`)
        try {
          return await this.#open(request, link.peer, limit.signal, this.#streams(link, request))
        } catch (error) {
          if (!(error instanceof NoStreamError) || limit.signal.aborted) throw error
          // The link broke just now, or is about to be given up: look for one again.
          awaiting = () => this.#init.routes.notFound(request)
        }
      }
    } finally {
      limit.clear()
    }
  }

  /**
   * Opens a session of messages with one peer, known as a subscriber or not; with this tunnel itself
   * when it is that peer. Any link to it will do.
   */
  async dialPeer(
    peer: string,
    request: RouteRequest,
    timeout: number,
    signal: AbortSignal
  ): Promise<EngineMessageSession> {
    const late = (): Error => timedOut(request.channel, timeout, `${peer} to accept the session`)
    const limit = deadline(timeout, late, signal)
    try {
      const local = peer === this.#init.swarm.peerId.toString()
      const streams: OpenStream = local
        ? async () => this.#openLocalStream(request.channel)
        : this.#streams(this.#linkTo(peer, request.channel), request)
      const session = await this.#open(request, peer, limit.signal, streams)
      if (session instanceof EngineMessageSession) return session
      throw new TypeError('a session of messages was asked for')
    } catch (error) {
      if (!(error instanceof NoStreamError)) throw error
      throw new NoLinkError(`no session with ${peer}: ${error.message}`, { cause: error.cause })
    } finally {
      limit.clear()
    }
  }

  #isLocal(request: RouteRequest): boolean {
    const self = this.#init.swarm.peerId.toString()
    const listener = this.#init.listeners.get(request.channel)
    if (listener === undefined) return false
    const meant =
      request.link === LOCAL_LINK || (request.link === undefined && request.peer === undefined)
    if (!meant && request.peer !== self) return false
    if (listener.mode !== request.mode || listener.bytes !== request.bytes) {
      throw mismatch(request.channel, request, listener)
    }
    return true
  }

  #open(
    { channel, mode, bytes, seal: wanted }: RouteRequest,
    peer: string,
    signal: AbortSignal,
    openStream: OpenStream
  ): Promise<Session | ByteSession> {
    // Within the process there is nobody to seal against.
    const seal = wanted && peer !== this.#init.swarm.peerId.toString()
    return this.#init.host.open({ channel, mode, bytes, seal, peer, openStream, signal })
  }

  /** A stream within this process, as long as the channel is still listened on. */
  #openLocalStream(channel: string): CarrierStream {
    const { listeners, host, swarm } = this.#init
    if (!listeners.has(channel)) {
      throw new ChannelRefusedError(`${printable(channel, 80)} is no longer listened on here`)
    }
    const [stream, remote] = memoryStreams(SESSION_PROTOCOL)
    host.accept(remote, swarm.peerId.toString(), LOCAL_LINK)
    return { stream, linkId: LOCAL_LINK }
  }

  /** Streams of one session: the first over the link that was chosen, later ones over any. */
  #streams(chosen: TunnelLink, { channel }: RouteRequest): OpenStream {
    let first: TunnelLink | undefined = chosen
    return async signal => {
      const link = first?.state === 'connected' ? first : this.#linkTo(chosen.peer, channel)
      first = undefined
      return { stream: await this.#openStream(link, signal), linkId: link.id }
    }
  }

  #linkTo(peer: string, channel: string): TunnelLink {
    const { table, random } = this.#init
    const link = chooseLink(
      pastRelays(table.ofPeer(peer).filter(each => each.scope.mayDial(channel))),
      random
    )
    if (link === undefined) throw new NoStreamError(`there is no link to ${peer} now`)
    return link
  }

  async #openStream(link: TunnelLink, signal: AbortSignal): Promise<Stream> {
    try {
      const stream = await this.#init.swarm.newStream(link.connection, SESSION_PROTOCOL, {
        signal,
        runOnLimitedConnection: true,
        // Whoever has a link speaks it: the head of the session goes with the proposal.
        negotiateFully: false
      })
      link.noteSuccess()
      return stream
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      // A limit of this side says nothing about the link: it goes on with what it carries.
      if (isStreamLimit(cause)) {
        const text = `no more sessions fit on the link to ${link.peer}: close some, or raise`
        throw new TunnelLimitError(`${text} maxOutboundStreams of the muxer`, { cause })
      }
      link.noteError()
      throw new NoStreamError(`no stream to ${link.peer}`, { cause })
    }
  }
}

/** Whether a muxer, or the swarm, holds as many outbound streams as it may. */
function isStreamLimit(error: unknown): boolean {
  return error instanceof Error && error.name === 'TooManyOutboundProtocolStreamsError'
}

/** A session stream could not be opened over a link; another link may do. Never leaves this file. */
class NoStreamError extends Error {}

function timedOut(channel: string, timeout: number, awaited: string): DialTimeoutError {
  return new DialTimeoutError(
    `the dial of ${JSON.stringify(printable(channel, 80))} took more than ${timeout} ms: it ` +
      `waited for ${awaited}. Give it more time, or see whether the other side is overloaded`
  )
}
