import type { AbortOptions, PeerId, StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { HandleOptions, Swarm } from '@warren/swarm'
import { waitFor } from '@warren/utils'
import { GoodbyeReason } from '../proto/control.ts'
import { AccessControl } from './auth/access-control.ts'
import type { LinkGrant } from './auth/link-handshake.ts'
import type { PeerAccess } from './auth/peer-gate.ts'
import { isFatalRefusal } from './auth/refusal.ts'
import type { Ticket } from './auth/ticket.ts'
import type { RevokedTicket } from './auth/ticket-authority.ts'
import { TicketDesk } from './auth/ticket-desk.ts'
import { AccessReview } from './channels/access-review.ts'
import { Announcer } from './channels/announcer.ts'
import { dialChoice, listenChoice } from './channels/channel-choices.ts'
import { ChannelListeners } from './channels/channel-listeners.ts'
import { checkChannelName } from './channels/channel-name.ts'
import { SESSION_PROTOCOL, SessionDialler } from './channels/dial-session.ts'
import { Directories } from './channels/directories.ts'
import { ProviderSearch } from './channels/provider-search.ts'
import { RouteFinder } from './channels/route-finder.ts'
import { SessionDoor } from './channels/session-door.ts'
import { SessionSealer } from './channels/session-sealer.ts'
import {
  LinkClosedError,
  LinkProtocolError,
  TunnelClosedError,
  TunnelLimitError
} from './errors.ts'
import { GroupDialler } from './modes/group-dialler.ts'
import type { GroupSession } from './modes/group-types.ts'
import type { PublishChoice } from './modes/publish-options.ts'
import { EventListeners } from './event-listeners.ts'
import { joinSignals } from './join-signals.ts'
import { DiscoveredNodes } from './links/discovered-nodes.ts'
import { FoundLinks } from './links/found-links.ts'
import { LinkBroker, TUNNEL_PROTOCOL } from './links/link-broker.ts'
import { LinkTable } from './links/link-table.ts'
import { NetworkWatch } from './links/network-watch.ts'
import { NodeSet } from './links/node-set.ts'
import { nodeTarget, peerTarget } from './links/node-target.ts'
import type { LinkOwner, TunnelLink } from './links/tunnel-link.ts'
import { checkNode, checkProof, directoryKeysOf, tokenKeysOf, tokenList } from './options.ts'
import type { ResolvedOptions } from './options.ts'
import { SessionRegistry } from './session-registry.ts'
import { SessionHost } from './session/session-host.ts'
import type { ByteSession, Session } from './session/session-types.ts'
import type {
  ChannelListing,
  DialOptions,
  GroupDialOptions,
  Listener,
  ListenOptions,
  Tunnel,
  TunnelDebug,
  TunnelEvents,
  TunnelStatus
} from './tunnel-types.ts'

/** Milliseconds between upkeep of links and tickets, unless probes come more often. */
const TICK = 1_000

/** Bytes of a session that may always be on their way over a link that a relay limits. */
const MIN_IN_FLIGHT = 4_096

/** What a tunnel reads from outside; real by default. */
export interface TunnelClocks {
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Seconds since 1970. */
  readonly wallClock: () => number
  /** 0 ≤ n < 1 */
  readonly random: () => number
}

/** Links, channels and sessions over a swarm; made by `createTunnel`. */
export class SwarmTunnel implements Tunnel {
  readonly #swarm: Swarm
  readonly #options: ResolvedOptions
  readonly #self: string
  readonly #events = new EventListeners<TunnelEvents>((error, event) => {
    if (event !== 'error') this.#events.emit('error', error)
  })
  readonly #listeners: ChannelListeners
  readonly #sessions: SessionRegistry
  readonly #table: LinkTable
  readonly #broker: LinkBroker
  readonly #nodes: NodeSet
  readonly #desk: TicketDesk
  readonly #access: AccessControl
  readonly #directories: Directories
  readonly #providers: ProviderSearch
  readonly #found: FoundLinks
  readonly #discovered: DiscoveredNodes
  readonly #announcer: Announcer
  readonly #routes: RouteFinder
  readonly #host: SessionHost
  readonly #dialler: SessionDialler
  readonly #groups: GroupDialler
  readonly #door: SessionDoor
  readonly #review: AccessReview
  readonly #closed = new AbortController()
  readonly #ready: Promise<void>
  readonly #upkeep: ReturnType<typeof setInterval>
  /** Protocols that this tunnel, and not another one of the swarm, has taken. */
  readonly #handled: string[] = []
  /** Links that were told of; one that lost a merge never was. */
  readonly #told = new WeakSet<TunnelLink>()
  readonly #network: NetworkWatch
  readonly #now: () => number
  #nodeList: readonly (Multiaddr | PeerId)[]
  #closing: Promise<void> | undefined

  constructor(swarm: Swarm, options: ResolvedOptions, clocks: TunnelClocks) {
    const { limits } = options
    this.#swarm = swarm
    this.#options = options
    this.#self = swarm.peerId.toString()
    this.#now = clocks.now
    this.#network = new NetworkWatch(clocks.now())
    this.#nodeList = options.nodes
    this.#listeners = new ChannelListeners({
      limit: limits.listeners,
      backlog: options.acceptBacklog,
      opened: channel => {
        this.#directories.announce(channel, true)
        void this.#announcer.opened(channel)
        this.#groups.announced(channel, this.#self)
      },
      closed: channel => {
        this.#announcer.closed(channel)
        this.#directories.announce(channel, false)
        this.#groups.withdrawn(channel, this.#self)
      },
      admits: channel => this.#review.run(channel)
    })
    this.#sessions = new SessionRegistry(clocks.now)
    this.#table = new LinkTable(this.#self)
    this.#directories = new Directories(options.directories, error =>
      this.#events.emit('error', error)
    )
    this.#directories.setKeys(options.directoryKeys)
    this.#providers = new ProviderSearch({
      self: swarm.peerId,
      directories: this.#directories,
      link: async (provider, signal) => {
        const there = this.#table.connected(provider.peer.toString())
        const link = await this.#link(peerTarget(provider), false, signal)
        if (link !== there) this.#found.add(link.peer, clocks.now())
      },
      random: clocks.random
    })
    this.#found = new FoundLinks({
      idleTimeout: options.idleLinkTimeout,
      current: peer => this.#table.connected(peer),
      kept: peer => this.#nodes.keeps(peer)
    })
    this.#discovered = new DiscoveredNodes({
      self: swarm.peerId,
      sources: options.peerDiscovery,
      limit: limits.discovered,
      now: clocks.now,
      linked: peer => this.#table.connected(peer.toString()) !== undefined,
      changed: () => this.#setTargets()
    })
    this.#desk = new TicketDesk({
      self: swarm.peerId,
      options,
      wallClock: clocks.wallClock,
      table: this.#table,
      refused: (id, error) => this.#events.emit('ticket-refused', id, error),
      granted: (link, claims) => {
        this.#routes.changed()
        void this.#announcer.openedOn(link, claims.channel)
      },
      failed: error => this.#events.emit('error', error)
    })
    this.#access = new AccessControl({
      self: this.#self,
      gate: options.gate,
      desk: this.#desk,
      table: this.#table,
      sessions: this.#sessions
    })
    this.#announcer = new Announcer({
      listeners: this.#listeners,
      authorize: options.authorize,
      links: () => this.#table.all()
    })
    this.#broker = new LinkBroker({
      swarm,
      table: this.#table,
      owner: this.#linkOwner(),
      times: { ...options, channels: limits.channels },
      linkConnections: options.linkConnections,
      maxLinks: limits.links,
      maxHandshakes: limits.handshakes,
      handshakeTimeout: options.handshakeTimeout,
      controlBytes: limits.controlBytes,
      now: clocks.now,
      credentials: peer => this.#access.credentials(peer),
      linked: (link, grant) => this.#onLinked(link, grant),
      refused: (error, peer) => this.#onLinkRefused(this.#access.reasonOf(error, peer), peer)
    })
    this.#nodes = new NodeSet({
      self: swarm.peerId,
      reconnect: options.reconnect,
      directRetry: options.directRetry,
      random: clocks.random,
      now: clocks.now,
      link: (target, force, signal) => this.#link(target, force, signal),
      linkDirectly: (target, signal) => this.#broker.linkDirectly(target, signal),
      current: peer => this.#table.connected(peer.toString()),
      wanted: peer => this.#routes.waiting > 0 || this.#sessions.has(peer.toString()),
      onError: (error, node, fatal, peer) => {
        const stranger = fatal || error instanceof LinkProtocolError
        if (stranger && peer !== undefined && this.#discovered.refused(peer)) return
        this.#events.emit('link-error', error, node, fatal)
        this.#routes.changed()
      }
    })
    this.#routes = new RouteFinder({
      links: () => this.#table.all(),
      hopeless: () => this.#nodes.hopeless(),
      lastError: () => this.#nodes.unlinked().find(({ error }) => error !== undefined)?.error,
      search: (channel, signal) => this.#search(channel, signal),
      random: clocks.random
    })
    this.#host = new SessionHost({
      ...options.session,
      inFlightOn: id => inFlightOn(this.#table.byId(id)),
      instanceOn: id => this.#table.byId(id)?.instance,
      acceptor: (request, signal) => this.#door.decide(request, signal),
      readmitter: request => this.#door.mayResume(request),
      sealer: new SessionSealer({
        self: swarm.peerId,
        privateKey: swarm.components.privateKey,
        table: this.#table,
        secrets: (link, channel) => this.#desk.secrets(link, channel)
      }),
      random: clocks.random
    })
    this.#dialler = new SessionDialler({
      swarm,
      table: this.#table,
      routes: this.#routes,
      host: this.#host,
      listeners: this.#listeners,
      random: clocks.random
    })
    this.#groups = new GroupDialler({
      self: this.#self,
      routes: this.#routes,
      dialler: this.#dialler,
      listeners: this.#listeners,
      limits: options.session,
      queueBytes: options.session.maxSessionWindow,
      retry: options.reconnect,
      random: clocks.random,
      dialTimeout: options.dialTimeout,
      closeTimeout: options.session.closeTimeout,
      resumeTimeout: options.session.resumeTimeout,
      discoverInterval: options.discoverInterval,
      now: clocks.now,
      links: () => this.#table.all(),
      search: (channel, signal) => this.#search(channel, signal),
      opened: session => this.#sessions.add(session, 'dialled'),
      failed: error => this.#events.emit('error', error)
    })
    this.#door = new SessionDoor({
      table: this.#table,
      listeners: this.#listeners,
      announcer: this.#announcer,
      sessions: this.#sessions,
      settled: connection => this.#broker.settled(connection),
      accept: (stream, peer, linkId) => this.#host.accept(stream, peer, linkId)
    })
    this.#review = new AccessReview({
      table: this.#table,
      sessions: this.#sessions,
      announcer: this.#announcer
    })
    this.#setTargets()
    this.#ready = this.#start()
    // Whoever calls anything of this tunnel is told; nobody may be waiting yet.
    this.#ready.catch(() => {})
    const { probeInterval, probeTimeout } = options
    this.#upkeep = setInterval(() => this.#tick(), Math.min(TICK, probeInterval, probeTimeout))
    this.#upkeep.unref()
  }

  async connect(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    await waitFor(this.#started(), options.signal)
    await waitFor(this.#nodes.start(), options.signal)
    this.#throwIfClosed()
  }

  address(): string[] {
    return this.#swarm.listenAddrs().map(addr => `${addr.toString()}/p2p/${this.#self}`)
  }

  links(): TunnelLink[] {
    return this.#table.all().filter(link => link.state === 'connected')
  }

  channels(): ChannelListing[] {
    const peers = new Map<string, Set<string>>()
    for (const channel of this.#listeners.keys()) peers.set(channel, new Set())
    for (const link of this.#table.all()) {
      for (const channel of link.channels) {
        const known = peers.get(channel) ?? new Set()
        peers.set(channel, known.add(link.peer))
      }
    }
    return [...peers].map(([channel, known]) => ({
      channel,
      peers: [...known],
      local: this.#listeners.has(channel)
    }))
  }

  listen(
    channel: string,
    options: ListenOptions & { readonly bytes: true }
  ): Promise<Listener<ByteSession>>
  listen(
    channel: string,
    options?: ListenOptions & { readonly bytes?: false }
  ): Promise<Listener<Session>>
  async listen(
    channel: string,
    options: ListenOptions = {}
  ): Promise<Listener<Session> | Listener<ByteSession>> {
    options.signal?.throwIfAborted()
    checkChannelName(channel)
    const choice = listenChoice(options, this.#options)
    await waitFor(this.#started(), options.signal)
    const listener = this.#listeners.open(channel, choice)
    return listener as Listener<Session> | Listener<ByteSession>
  }

  dial(channel: string, options: GroupDialOptions): Promise<GroupSession>
  dial(channel: string, options: DialOptions & { readonly bytes: true }): Promise<ByteSession>
  dial(channel: string, options?: DialOptions & { readonly bytes?: false }): Promise<Session>
  async dial(
    channel: string,
    options: DialOptions & PublishChoice = {}
  ): Promise<Session | ByteSession> {
    options.signal?.throwIfAborted()
    checkChannelName(channel)
    const { mode, timeout, publishing, request } = dialChoice(options, this.#options)
    await waitFor(this.#started(), options.signal)
    void this.#nodes.start()
    const joined = joinSignals(this.#closed.signal, options.signal)
    try {
      if (mode !== 'unicast') {
        const group = { channel, mode, ...request, ...publishing }
        return await this.#groups.dial(group, timeout, joined.signal)
      }
      const session = await this.#dialler.dial(
        { channel, mode, ...request },
        timeout,
        joined.signal
      )
      return this.#sessions.add(session, 'dialled')
    } finally {
      joined.clear()
    }
  }

  async look(channel: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted()
    checkChannelName(channel)
    await waitFor(this.#started(), signal)
    await waitFor(this.#search(channel, signal), signal)
  }

  on<E extends keyof TunnelEvents>(event: E, listener: TunnelEvents[E]): () => void {
    return this.#events.on(event, listener)
  }

  reconnect(): void {
    this.#nodes.wake()
  }

  setNodes(nodes: readonly (Multiaddr | PeerId)[]): void {
    nodes.forEach(checkNode)
    if (nodes.length > this.#options.limits.nodes) {
      throw new TunnelLimitError(
        `${nodes.length} nodes are more than limits.nodes (${this.#options.limits.nodes}) allows`
      )
    }
    this.#nodeList = [...nodes]
    this.#setTargets()
  }

  addTicket(ticket: Ticket): void {
    this.#desk.add(ticket)
    this.#setTargets()
    this.#nodes.wakePeer(ticket.sharer)
  }

  removeTicket(ticketId: string): void {
    this.#desk.remove(ticketId)
    this.#setTargets()
  }

  async revokeTicket(ticket: RevokedTicket): Promise<void> {
    await this.#started()
    await this.#desk.revoke(ticket)
  }

  setTokens(token: string | readonly string[]): void {
    this.#throwIfClosed()
    const tokens = tokenList(token)
    const { ticketKey, tickets, open } = this.#options
    const others = ticketKey === undefined && tickets.length === 0 ? {} : { tickets }
    checkProof(others, tokens, open)
    this.#access.setTokens(tokenKeysOf(tokens))
    this.#directories.setKeys(directoryKeysOf(tokens, open))
    // Nodes that refused the tokens before may take these.
    this.#nodes.wake()
  }

  setPeers(peers: PeerAccess): void {
    this.#access.setPeers(peers)
    this.#nodes.wake()
  }

  async recheckAccess(): Promise<void> {
    await this.#started()
    await this.#review.run()
  }

  status(): TunnelStatus {
    return {
      peer: this.#self,
      addresses: this.address(),
      links: this.links(),
      listening: [...this.#listeners.keys()],
      sessions: this.#sessions.size,
      detached: this.#sessions.detached,
      unlinked: this.#nodes.unlinked().map(({ node, error }) => ({ node, error: error?.message }))
    }
  }

  debug(): TunnelDebug {
    return {
      links: this.#table.size,
      handshakes: this.#broker.proving,
      keepers: this.#nodes.size,
      listeners: this.#listeners.size,
      sessions: this.#sessions.size,
      groups: this.#groups.size,
      waiting: this.#routes.waiting,
      refusedChannels: this.#table.all().reduce((sum, link) => sum + link.refusedChannels, 0),
      tickets: this.#desk.held,
      revoked: this.#desk.revoked,
      host: this.#host.debug()
    }
  }

  close(options: AbortOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(): Promise<void> {
    await this.#desk.load()
    const limits = {
      maxInboundStreams: this.#options.limits.sessionStreams,
      maxOutboundStreams: this.#options.limits.sessionStreams,
      runOnLimitedConnection: true
    }
    await this.#handle(SESSION_PROTOCOL, this.#door.onStream, limits)
    await this.#handle(TUNNEL_PROTOCOL, this.#broker.onControlStream, {
      runOnLimitedConnection: true
    })
    if (!this.#closed.signal.aborted) this.#broker.start()
  }

  async #handle(protocol: string, handler: StreamHandler, options: HandleOptions): Promise<void> {
    await this.#swarm.handle(protocol, handler, options)
    this.#handled.push(protocol)
  }

  async #started(): Promise<void> {
    this.#throwIfClosed()
    await this.#ready
    this.#throwIfClosed()
  }

  #throwIfClosed(): void {
    if (this.#closed.signal.aborted) throw closedError()
  }

  async #close(options: AbortOptions): Promise<void> {
    this.#closed.abort(closedError())
    clearInterval(this.#upkeep)
    this.#discovered.close()
    await this.#ready.catch(() => {})
    this.#broker.close()
    // First the groups: what waits in them is written before the sessions beneath them end.
    const groups = this.#groups.close()
    const listeners = [...this.#listeners.values()].map(listener => listener.close())
    await Promise.all([this.#nodes.close(), groups, this.#host.close(options), ...listeners])
    await Promise.all(this.#table.all().map(link => link.close(GoodbyeReason.SHUTDOWN)))
    await Promise.all([
      ...this.#handled.map(protocol => this.#swarm.unhandle(protocol)),
      this.#directories.close()
    ])
    this.#events.clear()
  }

  #linkOwner(): LinkOwner {
    return {
      listening: (link, names) => this.#announcer.listening(link, names),
      channelOpened: (link, channel, _info, isNew) => {
        if (isNew) this.#events.emit('channel', channel, link, true)
        this.#routes.changed()
        if (isNew) this.#groups.announced(channel, link.peer)
        else this.#groups.changed(channel)
      },
      channelClosed: (link, channel) => {
        this.#events.emit('channel', channel, link, false)
        this.#routes.changed()
        // With the link, channels are forgotten; the sessions on them may go on over another.
        if (link.state === 'connected') this.#groups.withdrawn(channel, link.peer)
        else this.#groups.changed(channel)
      },
      answered: (link, query) => this.#routes.answered(link, query),
      scopeChanged: link => this.#access.scopeChanged(link),
      crowd: () => this.#table.peers,
      sessionsOn: link => this.#sessions.load(link.id).sessions,
      waitingOn: link => this.#sessions.load(link.id).waiting,
      carriedOn: link => this.#sessions.load(link.id).carried,
      ended: (link, error) => this.#onLinkEnded(link, error)
    }
  }

  #onLinked(link: TunnelLink, grant: LinkGrant): void {
    this.#access.proven(link, grant)
    this.#told.add(link)
    this.#events.emit('link', link)
    this.#host.linkUp(link.peer, link.instance)
    this.#nodes.changed(link.peer)
    this.#routes.changed()
    this.#groups.linked(link.peer)
    this.#access.review(link)
  }

  #onLinkRefused(error: Error, peer: PeerId): void {
    this.#events.emit('link-error', error, peer, isFatalRefusal(error))
  }

  #onLinkEnded(link: TunnelLink, error: Error | undefined): void {
    this.#broker.drop(link)
    this.#host.linkDown(link.id, error ?? new LinkClosedError(`${link.peer} closed the link`))
    if (link.endedBy === GoodbyeReason.SUPERSEDED) this.#broker.leaveRelay(link)
    if (link.endedBy === GoodbyeReason.ACCESS_ENDED) this.#access.scopeChanged(link)
    if (this.#told.has(link)) this.#events.emit('unlink', link, error)
    this.#nodes.changed(link.peer)
    this.#routes.changed()
    this.#groups.unlinked()
  }

  async #link(...[target, force, signal]: Parameters<LinkBroker['link']>): Promise<TunnelLink> {
    await this.#started()
    if (target.peer !== undefined) this.#access.checkDial(target.peer)
    return this.#broker.link(target, force, signal)
  }

  #setTargets(): void {
    if (this.#closed.signal.aborted) return
    const targets = [
      ...this.#nodeList.map(nodeTarget),
      ...this.#discovered.targets(),
      ...this.#desk.targets()
    ]
    for (const peer of this.#nodes.set(targets)) {
      for (const link of this.#table.ofPeer(peer.toString())) void link.close(GoodbyeReason.REMOVED)
    }
  }

  #tick(): void {
    for (const link of this.#table.all()) link.tick()
    this.#desk.endOver()
    this.#groups.tick()
    this.#discovered.tick()
    for (const link of this.#found.idle(this.#now())) void link.close(GoodbyeReason.REMOVED)
    if (this.#network.changed(this.#now())) this.#nodes.wake()
  }

  /** Makes links anew that waited for a reason, and those to who listens on `channel` by the directories. */
  #search(channel: string, signal: AbortSignal): Promise<void> {
    this.#nodes.want()
    return this.#providers.run(channel, signal)
  }
}

/**
 * What a relay has taken and not handed on is lost when it ends the connection at its limit: a session
 * that sends no more than a part of what is left gets the rest through, and so goes on.
 */
function inFlightOn(link: TunnelLink | undefined): number {
  const left = link?.limits?.bytes
  return left === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(MIN_IN_FLIGHT, Math.floor(left / 8))
}

function closedError(): TunnelClosedError {
  return new TunnelClosedError('the tunnel is closed; create another one on its swarm')
}
