import type { Connection } from '@libp2p/interface'
import type { WarrenError } from '@warren/interface'
import { printable, TokenBucket } from '@warren/utils'
import { GoodbyeReason, RefuseCode } from '../../proto/control.ts'
import type { Announce, Control, Discover, Probe, WireChannel } from '../../proto/control.ts'
import type { LinkGrant } from '../auth/link-handshake.ts'
import type { LinkRole, LinkTranscript } from '../auth/link-proof.ts'
import type { LinkScope } from '../auth/link-scope.ts'
import { refusalError } from '../auth/refusal.ts'
import { isChannelName } from '../channels/channel-name.ts'
import { ChannelTable } from '../channels/channel-table.ts'
import type { ChannelInfo } from '../channels/channel-table.ts'
import { fromWireMode } from '../channels/wire-mode.ts'
import { LinkClosedError, LinkProtocolError } from '../errors.ts'
import type { Link, LinkLimits, LinkState } from '../tunnel-types.ts'
import type { ControlStream } from './control-stream.ts'
import type { LinkCandidate } from './link-choice.ts'
import { LinkMetrics } from './link-metrics.ts'
import { TicketExchange } from './ticket-exchange.ts'
import { TokenProofs } from './token-proofs.ts'

/** Names in one `announce`: at most 26 KiB, so that a message stays under its limit. */
const NAMES_PER_MESSAGE = 100
/** Control messages of a peer: so many at once, then so many a second; beyond, they wait. */
const MESSAGE_BURST = 1_024
const MESSAGES_PER_SECOND = 256
/** Milliseconds that a goodbye may take to leave. */
const GOODBYE_TIMEOUT = 1_000
/** Milliseconds between ticks from which on this process itself was asleep. */
const OVERSLEPT = 3_000

/** Times and limits of a link; see the options of the tunnel. */
export interface LinkTimes {
  readonly discoverInterval: number
  readonly mappingLifetime: number
  readonly probeInterval: number
  readonly probeTimeout: number
  readonly probeMisses: number
  readonly channels: number
}

/** What a link asks of, and tells, the tunnel that owns it. */
export interface LinkOwner {
  /** Channels listened on here that this link's peer may know; all, or those named. */
  listening(link: TunnelLink, names?: readonly string[]): Promise<WireChannel[]>
  /** The peer announced a channel, or answered a query with it. */
  channelOpened(link: TunnelLink, channel: string, info: ChannelInfo, isNew: boolean): void
  channelClosed(link: TunnelLink, channel: string): void
  /** The peer has answered a query completely. */
  answered(link: TunnelLink, query: number): void
  /** The scope became smaller: what it no longer covers must end. */
  scopeChanged(link: TunnelLink): void
  /** Peers that this side has links to. */
  crowd(): number
  /** Sessions on the link now. */
  sessionsOn(link: TunnelLink): number
  /** Bytes that sessions have carried over the link, both ways, confirmed or received. */
  carriedOn(link: TunnelLink): number
  /** Sessions on the link that wait for the peer. */
  waitingOn(link: TunnelLink): number
  ended(link: TunnelLink, error: Error | undefined): void
}

/** What a {@link TunnelLink} is made of. */
export interface TunnelLinkInit {
  readonly grant: LinkGrant
  readonly role: LinkRole
  readonly peer: string
  readonly connection: Connection
  readonly control: ControlStream
  /** The messages of `control` after the handshake. */
  readonly messages: AsyncGenerator<Control>
  /** Round-trip time of the handshake, in milliseconds. */
  readonly roundTrip: number
  readonly times: LinkTimes
  readonly owner: LinkOwner
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** How a link ended. `goodbye`: the peer said so, and why. */
export type LinkEnd = 'lost' | 'local' | GoodbyeReason

/** A proven link: its control stream, what it maps, and what is measured of it. */
export class TunnelLink implements Link, LinkCandidate {
  readonly id: string
  readonly peer: string
  readonly remoteAddr: string
  readonly direction: 'inbound' | 'outbound'
  readonly connection: Connection
  readonly scope: LinkScope
  readonly transcript: LinkTranscript
  readonly role: LinkRole
  readonly provenBy: LinkGrant['provenBy']
  /** Names this run of the peer's tunnel. */
  readonly instance: string | undefined
  readonly since: number
  readonly tickets: TicketExchange
  readonly tokens: TokenProofs
  readonly #init: TunnelLinkInit
  readonly #control: ControlStream
  readonly #metrics = new LinkMetrics()
  readonly #table: ChannelTable
  readonly #bucket: TokenBucket
  readonly #heard = Promise.withResolvers<void>()
  #state: 'connected' | 'closed' = 'connected'
  #end: LinkEnd | undefined
  #error: Error | undefined
  #discoveredAt: number
  #tickedAt: number
  #carried = 0
  #useful = false
  #probedAt: number
  #probe: { readonly id: number; readonly sentAt: number; heardAt: number } | undefined
  #probeId = 0
  #misses = 0
  #refusedChannels = 0
  /** Links that the peer has; 0 when it never said. */
  #crowd = 0
  /** The number of ours that the peer was told last. */
  #crowdTold = 0
  /** Channels listened on here that the peer was told of. */
  readonly #announced = new Set<string>()

  constructor(init: TunnelLinkInit) {
    const { grant, connection, now, times } = init
    this.#init = init
    this.#control = init.control
    this.id = grant.id
    this.peer = init.peer
    this.remoteAddr = connection.remoteAddr.toString()
    this.direction = connection.direction
    this.connection = connection
    this.scope = grant.scope
    this.transcript = grant.transcript
    this.role = init.role
    this.provenBy = grant.provenBy
    this.instance = grant.instance
    this.since = now()
    this.tickets = new TicketExchange(this)
    this.tokens = new TokenProofs(this, grant.tokens)
    this.#table = new ChannelTable(times.channels, times.mappingLifetime)
    this.#bucket = new TokenBucket(
      { burst: MESSAGE_BURST, perSecond: MESSAGES_PER_SECOND },
      this.since
    )
    this.#metrics.roundTrip(init.roundTrip)
    this.#discoveredAt = this.since
    this.#tickedAt = this.since
    this.#probedAt = this.since
  }

  get state(): LinkState {
    if (this.#state === 'closed') return 'closed'
    if (this.#metrics.failed) return 'error'
    return this.connection.status === 'open' ? 'connected' : 'closed'
  }

  get delay(): number {
    return this.#control.pendingMessages + this.#init.owner.waitingOn(this)
  }

  get length(): number | undefined {
    return this.#metrics.length
  }

  get rate(): number | undefined {
    return this.#metrics.rate
  }

  get sessions(): number {
    return this.#init.owner.sessionsOn(this)
  }

  get channels(): readonly string[] {
    return this.#table.names()
  }

  get scoped(): boolean {
    return !this.scope.full
  }

  /** It was proven by no token, or by one that is active at both ends. */
  get standsOnToken(): boolean {
    return this.provenBy !== 'token' || this.tokens.proven.length > 0
  }

  get relayed(): boolean {
    return !this.connection.direct
  }

  get limits(): LinkLimits | undefined {
    const { limits } = this.connection
    if (limits === undefined) return undefined
    const { bytes, seconds } = limits
    return { bytes: bytes === undefined ? undefined : Number(bytes), seconds }
  }

  /** How it ended; `undefined` while it lives. */
  get endedBy(): LinkEnd | undefined {
    return this.#end
  }

  /** Why it ended, or is about to end. */
  get endReason(): Error | undefined {
    return this.#error
  }

  /** A stream for a session was opened over it from here. */
  get useful(): boolean {
    return this.#useful
  }

  /** Channels that the peer announced beyond the limit. */
  get refusedChannels(): number {
    return this.#refusedChannels
  }

  /** Links that the peer has, by its own word: so many lose theirs at the same moment when it dies. */
  get crowd(): number {
    return this.#crowd
  }

  /** How the peer listens on `channel`, as far as is known now. */
  mapping(channel: string): ChannelInfo | undefined {
    if (!this.scope.mayDial(channel)) return undefined
    return this.#table.get(channel, this.#init.now())
  }

  /**
   * Resolves when the peer has said anything on the link, so that it is certain to have it too; and when
   * the link ends before.
   */
  get heard(): Promise<void> {
    return this.#heard.promise
  }

  /** Announces everything listened on here, asks the same of the peer, and reads until the end. */
  async run(): Promise<void> {
    try {
      this.#tellCrowd()
      this.announce(await this.#init.owner.listening(this))
      this.discover(0, [])
      for await (const message of this.#init.messages) {
        if (this.#state === 'closed') return
        this.#heard.resolve()
        await this.#throttle()
        await this.#receive(message)
      }
      this.#finish(
        'lost',
        this.#error ?? new LinkClosedError(`${this.peer} ended the link without a goodbye`)
      )
    } catch (error) {
      this.#finish('lost', this.#error ?? (error as Error))
    }
  }

  /** Tells the peer of channels that are listened on here. */
  announce(opened: readonly WireChannel[], query = 0): void {
    for (let at = 0; at < opened.length || (at === 0 && query > 0); at += NAMES_PER_MESSAGE) {
      const part = opened.slice(at, at + NAMES_PER_MESSAGE)
      for (const { name } of part) this.#announced.add(name)
      const last = at + NAMES_PER_MESSAGE >= opened.length
      this.send({ announce: { opened: part, closed: [], query: last ? query : 0 } })
    }
  }

  /** The peer was told of a channel, and not that it is gone. */
  hasAnnounced(channel: string): boolean {
    return this.#announced.has(channel)
  }

  /** Tells the peer, if it was ever told of the channel, that it is no longer listened on here. */
  withdraw(channel: string): void {
    if (!this.#announced.delete(channel)) return
    this.send({ announce: { opened: [], closed: [channel], query: 0 } })
  }

  /** Asks the peer for channels; for all that it listens on when none is named. */
  discover(query: number, channels: string[]): void {
    this.send({ discover: { query, channels } })
  }

  send(message: Control): void {
    if (this.#state === 'connected') this.#control.send(message)
  }

  /** A session could not be opened over the link. */
  noteError(): void {
    if (this.#metrics.error()) this.fail(new LinkClosedError(`${this.peer}: too many errors`))
  }

  noteSuccess(): void {
    this.#useful = true
    this.#metrics.success()
  }

  /** Forgets mappings that the scope no longer covers. */
  shrink(): void {
    for (const channel of this.#table.names()) {
      if (!this.scope.mayDial(channel)) this.#closeChannel(channel)
    }
    this.#init.owner.scopeChanged(this)
  }

  /** Regular upkeep: expiry, discovery, probes. Called about once a second. */
  tick(): void {
    if (this.#state === 'closed') return
    const { times, owner, now } = this.#init
    const at = now()
    const carried = owner.carriedOn(this)
    this.#metrics.carried(carried, at)
    for (const channel of this.#table.expire(at)) owner.channelClosed(this, channel)
    if (at - this.#discoveredAt >= times.discoverInterval) {
      this.#discoveredAt = at
      this.discover(0, [])
    }
    const overslept = at - this.#tickedAt > OVERSLEPT
    this.#tickedAt = at
    if (carried !== this.#carried || overslept) {
      // Either the peer lives, or it was this process that slept: the answer may lie unread.
      this.#carried = carried
      if (this.#probe !== undefined) this.#probe.heardAt = at
    }
    this.#tellCrowd()
    this.#tickProbe(at)
  }

  /** Tells the peer how many links this side has; again when they have doubled or halved. */
  #tellCrowd(): void {
    const links = this.#init.owner.crowd()
    if (links < 2 * this.#crowdTold && 2 * links > this.#crowdTold) return
    this.#crowdTold = links
    this.send({ crowd: { links } })
  }

  /** Leaves: says goodbye and ends the control stream. The connection stays. */
  async close(reason: GoodbyeReason): Promise<void> {
    if (this.#state === 'closed') return
    this.send({ goodbye: { reason } })
    this.#finish('local', undefined)
    await this.#control.close(GOODBYE_TIMEOUT)
  }

  /** Ends the link at once for an error on this side. */
  fail(error: Error): void {
    if (this.#state === 'closed') return
    this.#control.abort(error)
    this.#finish('lost', error)
  }

  /** The peer no longer answers: its connection is ended too, whatever else it carries. */
  #dead(): void {
    const { times } = this.#init
    const seconds = Math.round(
      (times.probeInterval + times.probeTimeout * times.probeMisses) / 1000
    )
    const error = new LinkClosedError(
      `${this.peer} has not answered for about ${seconds} s; its connection is closed`
    )
    this.#finish('lost', error)
    this.connection.abort(error)
  }

  #tickProbe(now: number): void {
    const { times } = this.#init
    if (this.#probe === undefined) {
      if (now - this.#probedAt >= times.probeInterval) this.#sendProbe(now)
      return
    }
    if (now - this.#probe.heardAt < times.probeTimeout) return
    this.#misses++
    this.#metrics.error()
    if (this.#misses >= times.probeMisses) this.#dead()
    else this.#sendProbe(now)
  }

  #sendProbe(now: number): void {
    this.#probeId = (this.#probeId + 1) % 0xffff_ffff
    this.#probe = { id: this.#probeId, sentAt: now, heardAt: now }
    this.#probedAt = now
    this.send({ probe: { id: this.#probeId, reply: false } })
  }

  async #throttle(): Promise<void> {
    while (!this.#bucket.take(this.#init.now())) {
      // Who floods and leaves must not keep the link until all of it was read.
      if (this.#control.ended) {
        throw new LinkClosedError(`${this.peer} ended the link in a flood of messages`)
      }
      // The stream is paused meanwhile, so a flood is held back at its sender.
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async #receive(message: Control): Promise<void> {
    if (message.announce !== undefined) this.#onAnnounce(message.announce)
    else if (message.discover !== undefined) await this.#onDiscover(message.discover)
    else if (message.probe !== undefined) this.#onProbe(message.probe)
    else if (message.crowd !== undefined) this.#crowd = message.crowd.links
    else if (message.goodbye !== undefined) this.#onGoodbye(message.goodbye.reason)
    else if (message.present !== undefined) this.tickets.onPresent(message.present)
    else if (message.presented !== undefined) this.tickets.onPresented(message.presented)
    else if (message.withdraw !== undefined) this.tickets.onWithdraw(message.withdraw)
    else if (message.reproof !== undefined) this.tokens.onReproof(message.reproof.tokens)
    else if (message.hello ?? message.proof ?? message.welcome ?? message.refuse) {
      throw new LinkProtocolError(`${this.peer} sent a message of the link proof on a proven link`)
    }
    // Anything else is of a later version and has no meaning here.
  }

  #onAnnounce(announce: Announce): void {
    const { owner, now } = this.#init
    for (const { name, mode, bytes } of announce.opened) {
      if (!isChannelName(name)) {
        this.#brokeRules(`announced ${JSON.stringify(printable(name, 40))}, no channel name`)
        continue
      }
      if (!this.scope.mayDial(name)) continue
      const info: ChannelInfo = { mode: fromWireMode(mode), bytes }
      const change = this.#table.open(name, info, now())
      if (change === 'full') this.#refusedChannels++
      else owner.channelOpened(this, name, info, change === 'new')
    }
    for (const name of announce.closed) this.#closeChannel(name)
    if (announce.query > 0) owner.answered(this, announce.query)
  }

  async #onDiscover(discover: Discover): Promise<void> {
    const names = discover.channels.length > 0 ? discover.channels.slice(0, 100) : undefined
    const listening = await this.#init.owner.listening(this, names)
    this.announce(listening, discover.query)
  }

  #onProbe({ id, reply }: Probe): void {
    if (!reply) {
      this.send({ probe: { id, reply: true } })
      return
    }
    if (id !== this.#probe?.id) return
    this.#metrics.roundTrip(this.#init.now() - this.#probe.sentAt)
    this.#metrics.success()
    this.#probe = undefined
    this.#misses = 0
  }

  #onGoodbye(reason: GoodbyeReason): void {
    const error =
      this.#error ??
      (reason === GoodbyeReason.PROTOCOL
        ? new LinkProtocolError(`${this.peer} ended the link: it found our messages wrong`)
        : reason === GoodbyeReason.TICKETS_ENDED
          ? refusalError(RefuseCode.TICKET_REVOKED, this.peer, 'peer')
          : reason === GoodbyeReason.ACCESS_ENDED
            ? refusalError(RefuseCode.AUTHENTICATION, this.peer, 'peer')
            : undefined)
    this.#finish(reason, error)
    // What was sent before the goodbye has been read; the rest of the stream says nothing more.
    void this.#control.close(GOODBYE_TIMEOUT)
  }

  /** The reason that the end of this link will be told with. */
  because(error: WarrenError): void {
    this.#error = error
  }

  #closeChannel(channel: string): void {
    if (this.#table.close(channel)) this.#init.owner.channelClosed(this, channel)
  }

  #brokeRules(what: string): void {
    if (this.#metrics.error()) throw new LinkProtocolError(`${this.peer} ${what}`)
  }

  #finish(end: LinkEnd, error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#end = end
    this.#heard.resolve()
    this.tickets.close()
    for (const channel of this.#table.names()) this.#closeChannel(channel)
    if (end === 'lost') this.#control.abort(error ?? new LinkClosedError('the link has ended'))
    this.#init.owner.ended(this, error)
  }
}
