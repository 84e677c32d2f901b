import { randomBytes } from 'node:crypto'
import { deadline, unref } from '@warren/utils'
import type { BackoffOptions } from '@warren/utils'
import type { ChannelListener } from '../channels/channel-listener.ts'
import type { ChannelInfo } from '../channels/channel-table.ts'
import { LOCAL_LINK } from '../channels/dial-session.ts'
import type { SessionDialler } from '../channels/dial-session.ts'
import { mismatch } from '../channels/route-finder.ts'
import type { RouteFinder, RouteRequest } from '../channels/route-finder.ts'
import { ChannelRefusedError } from '../errors.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import type { EngineMessageSession, MessageSessionLimits } from '../session/message-session.ts'
import type { GroupRoster } from './group-roster.ts'
import type { GroupMode, OverloadPolicy } from './group-types.ts'
import { SubscriberGroup } from './subscriber-group.ts'

/** Milliseconds that a dial waits for all who may be subscribers, once it has one. */
const ROLL_CALL = 1_000

/** A dial in mode multicast or broadcast. */
export interface GroupRequest extends RouteRequest {
  readonly mode: GroupMode
  readonly overload: OverloadPolicy
  /** Messages that may wait for one subscriber. */
  readonly queue: number
}

/** What a {@link GroupDialler} needs. */
export interface GroupDiallerInit {
  readonly self: string
  readonly routes: RouteFinder
  readonly dialler: SessionDialler
  readonly listeners: ReadonlyMap<string, ChannelListener>
  readonly limits: MessageSessionLimits
  /** Bytes that may wait for one subscriber. */
  readonly queueBytes: number
  readonly retry: BackoffOptions
  readonly random: () => number
  readonly dialTimeout: number
  readonly closeTimeout: number
  readonly resumeTimeout: number
  /** Milliseconds between looks for further subscribers. */
  readonly discoverInterval: number
  readonly now: () => number
  links(): readonly TunnelLink[]
  /** Looks in the further directories until `signal` fires. */
  search(channel: string, signal: AbortSignal): Promise<void>
  /** A session to a subscriber was opened. */
  opened(session: EngineMessageSession): void
  failed(error: Error): void
}

/** A group with what is asked for it again and again. */
interface Entry {
  readonly group: SubscriberGroup
  readonly request: GroupRequest
  searchedAt: number
  /** Ends the search in the directories. */
  stopSearch: () => void
}

/** Dials groups, and keeps them up with the subscribers that come and go. */
export class GroupDialler {
  readonly #init: GroupDiallerInit
  readonly #groups = new Map<string, Set<Entry>>()

  constructor(init: GroupDiallerInit) {
    this.#init = init
  }

  /** Groups that have not ended. */
  get size(): number {
    let size = 0
    for (const entries of this.#groups.values()) size += entries.size
    return size
  }

  /**
   * A group with at least one subscriber, and with all that could be reached quickly: a link that does
   * not answer holds it up for {@link ROLL_CALL} at most.
   *
   * @throws what {@link RouteFinder.find} throws; why the only subscribers refused
   */
  async dial(
    request: GroupRequest,
    timeout: number,
    signal: AbortSignal
  ): Promise<SubscriberGroup> {
    const { routes } = this.#init
    const local = this.#local(request)
    if (local !== undefined && !isFitting(local, request)) {
      throw mismatch(request.channel, request, local)
    }
    const entry = this.#add(request)
    const { roster } = entry.group
    const late = (): Error => {
      // That somebody does not listen is what "not found" says; anything else says more.
      const { lastError } = roster
      return lastError === undefined || lastError instanceof ChannelRefusedError
        ? routes.notFound(request)
        : lastError
    }
    const limit = deadline(timeout, late, signal)
    const rollCall = deadline(ROLL_CALL, () => new Error('late'), limit.signal)
    try {
      const asked = this.#lookForMore(entry, rollCall.signal)
      await this.#findSomeone(request, roster, limit.signal)
      await asked
      await roster.settled(rollCall.signal)
      return entry.group
    } catch (error) {
      entry.group.abort(error as Error)
      throw error
    } finally {
      limit.clear()
      rollCall.clear()
    }
  }

  async #findSomeone(
    request: GroupRequest,
    roster: GroupRoster,
    signal: AbortSignal
  ): Promise<void> {
    roster.evaluate()
    if (!roster.isEmpty) {
      const error = await roster.someone({ signal }).then(
        () => undefined,
        (reason: Error) => reason
      )
      if (error === undefined) return
      // Peers that were asked on the chance (broadcast) may say that they do not listen.
      if (signal.aborted || !(error instanceof ChannelRefusedError)) throw error
    }
    const link = await this.#init.routes.find(request, signal)
    roster.renew(link.peer)
    await roster.someone({ signal })
  }

  /** What is known of the channel has changed. */
  changed(channel: string): void {
    for (const { group } of this.#of(channel)) group.roster.evaluate()
  }

  /** `peer` no longer listens on the channel. */
  withdrawn(channel: string, peer: string): void {
    for (const { group } of this.#of(channel)) group.roster.withdrawn(peer)
  }

  /** `peer` announces the channel where it did not before. */
  announced(channel: string, peer: string): void {
    for (const { group } of this.#of(channel)) group.roster.renew(peer)
  }

  /** A link has ended. */
  unlinked(): void {
    for (const entries of this.#groups.values()) {
      for (const { group } of entries) group.roster.evaluate()
    }
  }

  /** There is a new link to `peer`. */
  linked(peer: string): void {
    for (const entries of this.#groups.values()) {
      for (const { group } of Array.from(entries)) group.roster.renew(peer)
    }
  }

  /** Looks for further subscribers, where it is time. Called about once a second. */
  tick(): void {
    const { now, discoverInterval } = this.#init
    for (const entries of this.#groups.values()) {
      for (const entry of entries) {
        if (now() - entry.searchedAt >= discoverInterval) void this.#lookForMore(entry)
      }
    }
  }

  /** Ends all groups: what was sent is written to the sessions at once, behind it the end. */
  async close(): Promise<void> {
    const all = [...this.#groups.values()].flatMap(entries => [...entries])
    await Promise.allSettled(all.map(({ group }) => group.close()))
  }

  #add(request: GroupRequest): Entry {
    const init = this.#init
    const { channel, mode, overload, queue } = request
    const group: SubscriberGroup = new SubscriberGroup({
      id: randomBytes(16).toString('hex'),
      channel,
      mode,
      overload,
      queue: { messages: queue, bytes: init.queueBytes },
      limits: init.limits,
      retry: init.retry,
      random: init.random,
      patience: init.resumeTimeout,
      closeTimeout: init.closeTimeout,
      candidates: () => this.#candidates(request),
      join: (peer, signal) => this.#join(request, peer, signal),
      onEnd: () => {
        entry.stopSearch()
        this.#remove(entry)
      },
      failed: error => init.failed(error)
    })
    const entry: Entry = { group, request, searchedAt: 0, stopSearch: () => {} }
    const entries = this.#groups.get(channel) ?? new Set()
    this.#groups.set(channel, entries.add(entry))
    return entry
  }

  #remove(entry: Entry): void {
    const { channel } = entry.request
    const entries = this.#groups.get(channel)
    entries?.delete(entry)
    if (entries?.size === 0) this.#groups.delete(channel)
  }

  #of(channel: string): Entry[] {
    return [...(this.#groups.get(channel) ?? [])]
  }

  /** Asks links that have not announced the channel, and the directories; resolves with the links. */
  #lookForMore(entry: Entry, signal?: AbortSignal): Promise<void> {
    const init = this.#init
    const { channel } = entry.request
    entry.searchedAt = init.now()
    entry.stopSearch()
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), init.dialTimeout)
    unref(timer)
    entry.stopSearch = () => {
      clearTimeout(timer)
      stop.abort()
    }
    void init.search(channel, stop.signal)
    const strangers = init
      .links()
      .filter(link => isUp(link, entry.request) && link.mapping(channel) === undefined)
    return init.routes.ask(strangers, channel, signal ?? stop.signal)
  }

  /** Peers to whom the channel leads now: every provider (multicast), or every link (broadcast). */
  #candidates(request: GroupRequest): string[] {
    const peers: string[] = []
    if (isFitting(this.#local(request), request)) peers.push(this.#init.self)
    for (const link of this.#init.links()) {
      if (!isUp(link, request) || !link.scope.mayDial(request.channel)) continue
      const info = link.mapping(request.channel)
      const unknown = info === undefined && request.mode === 'broadcast'
      if (unknown || isFitting(info, request)) peers.push(link.peer)
    }
    return peers
  }

  /** The listener in this tunnel, if the request allows it. */
  #local({ channel, link, peer }: GroupRequest): ChannelInfo | undefined {
    const { listeners, self } = this.#init
    const allowed = (link ?? LOCAL_LINK) === LOCAL_LINK && (peer ?? self) === self
    return allowed ? listeners.get(channel) : undefined
  }

  async #join(
    request: GroupRequest,
    peer: string,
    signal: AbortSignal
  ): Promise<EngineMessageSession> {
    const { dialler, dialTimeout } = this.#init
    const session = await dialler.dialPeer(peer, request, dialTimeout, signal)
    this.#init.opened(session)
    return session
  }
}

/** Whether a channel is listened on the way that the request dials it. */
function isFitting(info: ChannelInfo | undefined, { mode }: GroupRequest): boolean {
  return info?.mode === mode && !info.bytes
}

function isUp(link: TunnelLink, { link: id, peer }: GroupRequest): boolean {
  return (
    link.state === 'connected' &&
    (id === undefined || link.id === id) &&
    (peer === undefined || link.peer === peer)
  )
}
