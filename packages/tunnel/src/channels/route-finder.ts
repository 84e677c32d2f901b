import { printable, waitFor } from '@warren/utils'
import {
  ChannelNotFoundError,
  KindMismatchError,
  ModeMismatchError,
  NoLinkError
} from '../errors.ts'
import { chooseLink, pastRelays } from '../links/link-choice.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import type { Mode } from '../session/session-types.ts'
import type { ChannelInfo } from './channel-table.ts'

/** What a dial looks for. */
export interface RouteRequest extends ChannelInfo {
  readonly channel: string
  /** Only the link with this id. */
  readonly link: string | undefined
  /** Only links to this peer. */
  readonly peer: string | undefined
  /** `false`: fail as soon as every link has said no. */
  readonly wait: boolean
  /** Encrypt the session once more, end to end. */
  readonly seal: boolean
}

/** What a {@link RouteFinder} needs. */
export interface RouteFinderInit {
  links(): readonly TunnelLink[]
  /** Why no node will ever let this side in, when that is so. */
  hopeless(): Error | undefined
  /** Why the last attempt to link to any node failed. */
  lastError(): Error | undefined
  /** Looks in the further directories until `signal` fires; resolves after the first look. */
  search(channel: string, signal: AbortSignal): Promise<void>
  readonly random: () => number
}

/** Queries are numbered so that an answer finds its question; 0 means no question. */
const MAX_QUERY = 0xffff_ffff

/** One dial that waits for its link. */
class Search {
  /** Links that were asked, with whether they have answered. */
  readonly asked = new Map<TunnelLink, boolean>()
  readonly query: number
  /** The first look in the directories is not over. */
  looking = true
  changed = Promise.withResolvers<void>()

  constructor(query: number) {
    this.query = query
  }

  wake(): void {
    this.changed.resolve()
    this.changed = Promise.withResolvers<void>()
  }
}

/**
 * Finds the link for a dial: the best of those whose peer listens on the channel; asks the others,
 * and waits for channels and links to appear.
 */
export class RouteFinder {
  readonly #init: RouteFinderInit
  readonly #searches = new Set<Search>()
  #lastQuery = 0

  constructor(init: RouteFinderInit) {
    this.#init = init
  }

  /** Dials that wait. */
  get waiting(): number {
    return this.#searches.size
  }

  /** Something changed that a waiting dial may have waited for. */
  changed(): void {
    for (const search of this.#searches) search.wake()
  }

  /** `link` has answered `query` completely. */
  answered(link: TunnelLink, query: number): void {
    for (const search of this.#searches) {
      if (search.query !== query || !search.asked.has(link)) continue
      search.asked.set(link, true)
      search.wake()
    }
  }

  /**
   * The link to dial over.
   *
   * @param timedOut makes `signal`'s reason a better one, by what is awaited when it fires
   * @throws {ModeMismatchError}, {KindMismatchError} at once when the channel is known to differ;
   * {NoLinkError}, {ChannelNotFoundError}; the signal's reason
   */
  async find(request: RouteRequest, signal: AbortSignal): Promise<TunnelLink> {
    const ready = this.#choose(request)
    if (ready !== undefined) return ready
    const search = new Search(this.#nextQuery())
    const stop = new AbortController()
    this.#searches.add(search)
    try {
      void this.#look(request, search, stop.signal)
      for (;;) {
        const { promise } = search.changed
        const link = this.#choose(request)
        if (link !== undefined) return link
        this.#giveUp(request, search)
        for (const candidate of this.#usable(request)) {
          if (search.asked.has(candidate)) continue
          search.asked.set(candidate, false)
          candidate.discover(search.query, [request.channel])
        }
        await waitFor(promise, signal)
      }
    } finally {
      stop.abort()
      this.#searches.delete(search)
    }
  }

  /**
   * Asks each of `links` for `channel`, and waits until all have answered, or have ended; what they
   * say is in their mappings then. Gives up silently when `signal` fires.
   */
  async ask(links: readonly TunnelLink[], channel: string, signal: AbortSignal): Promise<void> {
    const search = new Search(this.#nextQuery())
    this.#searches.add(search)
    for (const link of links) {
      search.asked.set(link, false)
      link.discover(search.query, [channel])
    }
    const awaited = ([link, answered]: [TunnelLink, boolean]): boolean =>
      !answered && link.state === 'connected'
    try {
      for (;;) {
        const { promise } = search.changed
        if (![...search.asked].some(awaited)) return
        await waitFor(promise, signal)
      }
    } catch {
      // The signal: whoever has not answered now does so when it can.
    } finally {
      this.#searches.delete(search)
    }
  }

  /** What a dial that timed out while it searched has to say. */
  notFound(request: RouteRequest): NoLinkError | ChannelNotFoundError {
    const links = this.#usable(request)
    const channel = JSON.stringify(printable(request.channel, 80))
    if (links.length > 0) {
      const peers = links.slice(0, 8).map(link => link.peer)
      const more = links.length > 8 ? ` and ${links.length - 8} more` : ''
      return new ChannelNotFoundError(
        `nobody listens on ${channel} that this tunnel may dial; asked: ${peers.join(', ')}${more}. ` +
          'Check the name, and that the other side listens'
      )
    }
    const cause = this.#init.hopeless() ?? this.#init.lastError()
    const to = request.peer === undefined ? '' : ` to ${printable(request.peer, 80)}`
    const why =
      cause === undefined ? 'no peer is linked' : `the last attempt failed: ${cause.message}`
    return new NoLinkError(
      `cannot dial ${channel}: there is no link${to} (${why}). ` +
        'Give a node that can be reached, or wait for a peer to link',
      { cause }
    )
  }

  async #look(request: RouteRequest, search: Search, signal: AbortSignal): Promise<void> {
    if (request.link === undefined) await this.#init.search(request.channel, signal)
    search.looking = false
    search.wake()
  }

  #nextQuery(): number {
    this.#lastQuery = (this.#lastQuery % MAX_QUERY) + 1
    return this.#lastQuery
  }

  /** Links that the request allows and that are up. */
  #usable(request: RouteRequest): TunnelLink[] {
    return this.#init
      .links()
      .filter(
        link =>
          link.state === 'connected' &&
          (request.link === undefined || link.id === request.link) &&
          (request.peer === undefined || link.peer === request.peer)
      )
  }

  #choose(request: RouteRequest): TunnelLink | undefined {
    const mapped = this.#usable(request).filter(link => link.mapping(request.channel) !== undefined)
    const fitting = mapped.filter(link => {
      const info = link.mapping(request.channel)
      return info?.mode === request.mode && info.bytes === request.bytes
    })
    const other = mapped[0]?.mapping(request.channel)
    if (fitting.length === 0 && other !== undefined) throw mismatch(request.channel, request, other)
    return chooseLink(pastRelays(fitting), this.#init.random)
  }

  /** Throws when waiting on cannot help. */
  #giveUp(request: RouteRequest, search: Search): void {
    const links = this.#usable(request)
    if (request.link !== undefined && links.length === 0) {
      throw new NoLinkError(
        `there is no link ${printable(request.link, 40)}; the links that are up: ` +
          `${
            this.#init
              .links()
              .map(link => link.id)
              .join(', ') || 'none'
          }`
      )
    }
    if (search.looking) return
    if (links.length === 0) {
      if (!request.wait || this.#init.hopeless() !== undefined) throw this.notFound(request)
      return
    }
    if (!request.wait && links.every(link => search.asked.get(link) === true)) {
      throw this.notFound(request)
    }
  }
}

/** The error of a dial whose mode or kind is not the channel's. */
export function mismatch(
  channel: string,
  asked: ChannelInfo,
  is: ChannelInfo
): ModeMismatchError | KindMismatchError {
  const name = JSON.stringify(printable(channel, 80))
  if (asked.mode !== is.mode) return modeMismatch(name, asked.mode, is.mode)
  return new KindMismatchError(
    `${name} carries ${kind(is)}, and was dialled for ${kind(asked)}: ` +
      `dial it with { bytes: ${is.bytes} }`
  )
}

function modeMismatch(name: string, asked: Mode, is: Mode): ModeMismatchError {
  return new ModeMismatchError(
    `${name} is listened on in mode ${is}, and was dialled in mode ${asked}: ` +
      `dial it with { mode: '${is}' }`
  )
}

function kind({ bytes }: ChannelInfo): string {
  return bytes ? 'plain bytes' : 'messages'
}
