import type { AbortOptions, Connection, PeerId, Stream, StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { HandleOptions, Swarm } from '@warren/swarm'
import { waitFor } from '@warren/utils'
import { GoodbyeReason, RefuseCode } from '../proto/control.ts'
import type { LinkGrant } from './auth/link-handshake.ts'
import type { LinkCredentials } from './auth/link-handshake.ts'
import { isFatalRefusal, refusalError, ticketRefuseCode } from './auth/refusal.ts'
import type { Ticket } from './auth/ticket.ts'
import { TicketAuthority } from './auth/ticket-authority.ts'
import type { RevokedTicket } from './auth/ticket-authority.ts'
import { TicketWallet } from './auth/ticket-wallet.ts'
import { Announcer } from './channels/announcer.ts'
import { ChannelListener } from './channels/channel-listener.ts'
import { checkChannelName } from './channels/channel-name.ts'
import { LOCAL_LINK, SESSION_PROTOCOL, SessionDialler } from './channels/dial-session.ts'
import { RouteFinder } from './channels/route-finder.ts'
import {
  AlreadyListeningError,
  InvalidTunnelOptionError,
  LinkClosedError,
  ModeNotSupportedError,
  TunnelClosedError,
  TunnelLimitError
} from './errors.ts'
import { joinSignals } from './join-signals.ts'
import { LinkBroker, TUNNEL_PROTOCOL } from './links/link-broker.ts'
import { LinkTable } from './links/link-table.ts'
import { NetworkWatch } from './links/network-watch.ts'
import { NodeSet } from './links/node-set.ts'
import { nodeTarget, peerTarget } from './links/node-target.ts'
import type { LinkOwner, TunnelLink } from './links/tunnel-link.ts'
import { checkNode } from './options.ts'
import type { ResolvedOptions } from './options.ts'
import { SessionRegistry } from './session-registry.ts'
import { REFUSE } from './session/codes.ts'
import { SessionHost } from './session/session-host.ts'
import type { SessionDecision, SessionRequest } from './session/session-host-types.ts'
import type { ByteSession, Mode, Session } from './session/session-types.ts'
import { TunnelEventSource } from './tunnel-events.ts'
import type {
  ChannelListing,
  DialOptions,
  Listener,
  ListenOptions,
  Tunnel,
  TunnelDebug,
  TunnelEvents,
  TunnelStatus
} from './tunnel-types.ts'

/** Milliseconds between upkeep of links and tickets, unless probes come more often. */
const TICK = 1_000

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
  readonly #events = new TunnelEventSource()
  readonly #listeners = new Map<string, ChannelListener>()
  readonly #sessions: SessionRegistry
  readonly #table: LinkTable
  readonly #broker: LinkBroker
  readonly #nodes: NodeSet
  readonly #wallet: TicketWallet
  readonly #authority: TicketAuthority | undefined
  readonly #announcer: Announcer
  readonly #routes: RouteFinder
  readonly #host: SessionHost
  readonly #dialler: SessionDialler
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
    this.#sessions = new SessionRegistry(clocks.now)
    this.#table = new LinkTable(this.#self)
    this.#wallet = new TicketWallet(limits.tickets, options.ticketClockSkew, clocks.wallClock)
    this.#authority =
      options.ticketKey === undefined
        ? undefined
        : new TicketAuthority({
            ticketKey: options.ticketKey,
            self: swarm.peerId,
            clockSkew: options.ticketClockSkew,
            now: clocks.wallClock,
            ...(options.revocations === undefined ? {} : { store: options.revocations })
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
      maxLinks: limits.links,
      maxHandshakes: limits.handshakes,
      handshakeTimeout: options.handshakeTimeout,
      controlBytes: limits.controlBytes,
      now: clocks.now,
      credentials: peer => this.#credentials(peer),
      linked: (link, grant) => this.#onLinked(link, grant),
      refused: (error, peer) => this.#events.emit('link-error', error, peer, isFatalRefusal(error))
    })
    this.#nodes = new NodeSet({
      self: swarm.peerId,
      reconnect: options.reconnect,
      random: clocks.random,
      now: clocks.now,
      link: (target, force, signal) => this.#link(target, force, signal),
      current: peer => this.#table.connected(peer.toString()),
      onError: (error, node, fatal) => {
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
      acceptor: (request, signal) => this.#decide(request, signal),
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
    for (const ticket of options.tickets) this.#wallet.add(ticket)
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
    const { mode = 'unicast', bytes = false, readTimeout, signal } = options
    checkMode(mode)
    if (readTimeout !== undefined && !(readTimeout > 0)) {
      throw new InvalidTunnelOptionError(`readTimeout is ${readTimeout}: use milliseconds above 0`)
    }
    await waitFor(this.#started(), signal)
    if (this.#listeners.has(channel)) {
      throw new AlreadyListeningError(
        `this tunnel listens on ${JSON.stringify(channel)} already: close that listener first`
      )
    }
    if (this.#listeners.size >= this.#options.limits.listeners) {
      throw new TunnelLimitError(
        `cannot listen on ${JSON.stringify(channel)}: limits.listeners ` +
          `(${this.#options.limits.listeners}) is reached`
      )
    }
    const listener: ChannelListener = new ChannelListener({
      channel,
      mode,
      bytes,
      backlog: this.#options.acceptBacklog,
      signal,
      readTimeout,
      onClose: () => {
        this.#listeners.delete(channel)
        this.#announcer.closed(channel)
        this.#tellDirectories(channel, false)
      }
    })
    this.#listeners.set(channel, listener)
    this.#tellDirectories(channel, true)
    void this.#announcer.opened(channel)
    return listener as Listener<Session> | Listener<ByteSession>
  }

  dial(channel: string, options: DialOptions & { readonly bytes: true }): Promise<ByteSession>
  dial(channel: string, options?: DialOptions & { readonly bytes?: false }): Promise<Session>
  async dial(channel: string, options: DialOptions = {}): Promise<Session | ByteSession> {
    options.signal?.throwIfAborted()
    checkChannelName(channel)
    const { mode = 'unicast', bytes = false, link, peer, wait = true, signal } = options
    const timeout = options.timeout ?? this.#options.dialTimeout
    checkMode(mode)
    if (!(timeout > 0 && timeout < 2 ** 31)) {
      throw new InvalidTunnelOptionError(`timeout is ${timeout}: use milliseconds above 0`)
    }
    await waitFor(this.#started(), signal)
    void this.#nodes.start()
    const request = { channel, mode, bytes, link, peer: peer?.toString(), wait }
    const joined = joinSignals(this.#closed.signal, signal)
    try {
      const session = await this.#dialler.dial(request, timeout, joined.signal)
      return this.#sessions.add(session, 'dialled')
    } finally {
      joined.clear()
    }
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
    this.#wallet.add(ticket)
    const link = this.#table.connected(ticket.sharer.toString())
    if (link?.scoped === true) this.#present(link, ticket)
    this.#setTargets()
    this.#nodes.wakePeer(ticket.sharer)
  }

  removeTicket(ticketId: string): void {
    const ticket = this.#wallet.remove(ticketId)
    if (ticket === undefined) return
    this.#setTargets()
    for (const link of this.#table.ofPeer(ticket.sharer.toString())) {
      if (link.scope.remove(ticketId) === undefined) continue
      link.shrink()
      if (link.scope.empty) void link.close(GoodbyeReason.REMOVED)
    }
  }

  async revokeTicket(ticket: RevokedTicket): Promise<void> {
    if (this.#authority === undefined) {
      throw new InvalidTunnelOptionError('this tunnel issues no tickets: it was given no ticketKey')
    }
    await this.#started()
    const kept = this.#authority.revoke({ id: ticket.id, expires: ticket.expires })
    this.#endTickets()
    await kept
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
      waiting: this.#routes.waiting,
      refusedChannels: this.#table.all().reduce((sum, link) => sum + link.refusedChannels, 0),
      tickets: this.#wallet.size,
      revoked: this.#authority?.debug().revoked ?? 0,
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
    await this.#authority?.load()
    const limits = {
      maxInboundStreams: this.#options.limits.sessionStreams,
      maxOutboundStreams: this.#options.limits.sessionStreams,
      runOnLimitedConnection: true
    }
    await this.#handle(SESSION_PROTOCOL, this.#onSessionStream, limits)
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
    await this.#ready.catch(() => {})
    this.#broker.close()
    const listeners = [...this.#listeners.values()].map(listener => listener.close())
    await Promise.all([this.#nodes.close(), this.#host.close(options), ...listeners])
    await Promise.all(this.#table.all().map(link => link.close(GoodbyeReason.SHUTDOWN)))
    await Promise.all([
      ...this.#handled.map(protocol => this.#swarm.unhandle(protocol)),
      ...this.#options.directories.map(async directory => directory.close?.())
    ])
    this.#events.clear()
  }

  #linkOwner(): LinkOwner {
    return {
      listening: (link, names) => this.#announcer.listening(link, names),
      channelOpened: (link, channel, _info, isNew) => {
        if (isNew) this.#events.emit('channel', channel, link, true)
        this.#routes.changed()
      },
      channelClosed: (link, channel) => {
        this.#events.emit('channel', channel, link, false)
        this.#routes.changed()
      },
      answered: (link, query) => this.#routes.answered(link, query),
      scopeChanged: link => this.#onScopeChanged(link),
      sessionsOn: link => this.#sessions.load(link.id).sessions,
      waitingOn: link => this.#sessions.load(link.id).waiting,
      carriedOn: link => this.#sessions.load(link.id).carried,
      ended: (link, error) => this.#onLinkEnded(link, error)
    }
  }

  #onLinked(link: TunnelLink, grant: LinkGrant): void {
    link.tickets.judgeBy({
      ...this.#credentials(link.connection.remotePeer),
      granted: claims => void this.#announcer.openedOn(link, claims.channel)
    })
    for (const { id, error } of grant.refused) this.#events.emit('ticket-refused', id, error)
    this.#told.add(link)
    this.#events.emit('link', link)
    this.#host.linkUp(link.peer)
    this.#nodes.changed(link.peer)
    this.#routes.changed()
  }

  #onLinkEnded(link: TunnelLink, error: Error | undefined): void {
    this.#broker.drop(link)
    this.#host.linkDown(link.id, error ?? new LinkClosedError(`${link.peer} closed the link`))
    if (this.#told.has(link)) this.#events.emit('unlink', link, error)
    this.#nodes.changed(link.peer)
    this.#routes.changed()
  }

  /** Ends sessions that no link to the peer may carry any more. */
  #onScopeChanged(link: TunnelLink): void {
    const links = this.#table.ofPeer(link.peer)
    const error = link.endReason ?? refusalError(RefuseCode.TICKET_REVOKED, link.peer, 'us')
    this.#sessions.revoke(
      link.peer,
      (channel, side) =>
        links.some(({ scope }) =>
          side === 'dialled' ? scope.mayDial(channel) : scope.mayServe(channel)
        ),
      error
    )
  }

  #credentials(peer: PeerId): LinkCredentials {
    return {
      open: this.#options.open,
      tokenKeys: this.#options.tokenKeys,
      held: this.#wallet.for(peer),
      ticketKeyOf: claims => this.#authority?.proofKeyOf(claims),
      admit: claims =>
        this.#authority?.admit(claims, peer.toString(), error =>
          this.#events.emit('error', error as Error)
        )
    }
  }

  async #link(...[target, force, signal]: Parameters<LinkBroker['link']>): Promise<TunnelLink> {
    await this.#started()
    if (target.peer !== undefined && this.#options.tokenKeys.length === 0 && !this.#options.open) {
      // Nothing but tickets: do not bother a sharer with one that both sides know is over.
      const [expired] = this.#wallet.expiredOf(target.peer)
      if (expired !== undefined && this.#wallet.for(target.peer).length === 0) {
        throw refusalError(RefuseCode.TICKET_EXPIRED, target.peer.toString(), 'us')
      }
    }
    return this.#broker.link(target, force, signal)
  }

  #setTargets(): void {
    if (this.#closed.signal.aborted) return
    const targets = [...this.#nodeList.map(nodeTarget), ...this.#wallet.targets()]
    for (const peer of this.#nodes.set(targets)) {
      for (const link of this.#table.ofPeer(peer.toString())) void link.close(GoodbyeReason.REMOVED)
    }
  }

  #present(link: TunnelLink, ticket: Ticket): void {
    const held = this.#wallet.for(ticket.sharer).find(({ claims }) => claims.id === ticket.id)
    if (held === undefined) {
      const error = refusalError(RefuseCode.TICKET_EXPIRED, link.peer, 'us')
      queueMicrotask(() => this.#events.emit('ticket-refused', ticket.id, error))
      return
    }
    link.tickets.present(held).then(
      () => this.#routes.changed(),
      error => {
        // A link that ended meanwhile says nothing about the ticket: the next one presents it.
        if (isFatalRefusal(error)) this.#events.emit('ticket-refused', ticket.id, error as Error)
      }
    )
  }

  /** Ends what stands on tickets of ours that are revoked or whose time is over. */
  #endTickets(): void {
    for (const link of this.#table.all()) {
      for (const claims of link.scope.granted()) {
        const reason = this.#authority?.refusal(claims)
        if (reason !== undefined) void link.tickets.end(claims.id, ticketRefuseCode(reason))
      }
    }
  }

  #tick(): void {
    for (const link of this.#table.all()) link.tick()
    this.#endTickets()
    if (this.#network.changed(this.#now())) this.#nodes.wake()
  }

  readonly #onSessionStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const peer = connection.remotePeer.toString()
    // The peer may know of the link a moment earlier than this side.
    await this.#broker.settled(connection)
    const links = this.#table.ofPeer(peer)
    const link = links.find(candidate => candidate.connection === connection) ?? links[0]
    if (link === undefined || this.#closed.signal.aborted) {
      stream.abort(new LinkClosedError(`${peer} opened a session without a proven link`))
      return
    }
    this.#host.accept(stream, peer, link.id)
  }

  async #decide(request: SessionRequest, signal: AbortSignal): Promise<SessionDecision> {
    const { channel, mode, bytes, peer, linkId } = request
    if (linkId !== LOCAL_LINK && !(await this.#mayOpen(peer, linkId, channel))) {
      return { refuse: REFUSE.channel }
    }
    const listener = this.#listeners.get(channel)
    if (listener === undefined) return { refuse: REFUSE.channel }
    if (listener.mode !== mode) return { refuse: REFUSE.mode }
    if (listener.bytes !== bytes) return { refuse: REFUSE.kind }
    // Given up meanwhile: nobody would take the place that is kept below.
    if (signal.aborted) return { refuse: REFUSE.failed }
    if (!listener.reserve()) return { refuse: REFUSE.overloaded }
    return {
      accept: session => {
        this.#sessions.add(session, 'accepted')
        listener.push(session)
      }
    }
  }

  async #mayOpen(peer: string, linkId: string, channel: string): Promise<boolean> {
    if (!this.#listeners.has(channel)) return false
    const link = this.#table.byId(linkId) ?? this.#table.connected(peer)
    return link !== undefined && (await this.#announcer.allowed(link, channel))
  }

  #tellDirectories(channel: string, open: boolean): void {
    for (const directory of this.#options.directories) {
      try {
        directory.announce(channel, open)
      } catch (error) {
        this.#events.emit('error', error as Error)
      }
    }
  }

  /** Links to those who listen on `channel` according to the further directories. */
  #search(channel: string, signal: AbortSignal): void {
    for (const directory of this.#options.directories) {
      const run = async (): Promise<void> => {
        for await (const provider of directory.find(channel, { signal })) {
          if (signal.aborted) return
          if (provider.peer.equals(this.#swarm.peerId)) continue
          this.#link(peerTarget(provider), false, signal).catch(() => {})
        }
      }
      run().catch(error => {
        if (!signal.aborted) this.#events.emit('error', error as Error)
      })
    }
  }
}

function checkMode(mode: Mode): void {
  if (mode === 'unicast') return
  if (mode !== 'multicast' && mode !== 'broadcast') {
    throw new InvalidTunnelOptionError(`${String(mode)} is no mode: use 'unicast'`)
  }
  throw new ModeNotSupportedError(
    `mode ${mode} is not carried by this version of the tunnel; dial and listen in mode unicast`
  )
}

function closedError(): TunnelClosedError {
  return new TunnelClosedError('the tunnel is closed; create another one on its swarm')
}
