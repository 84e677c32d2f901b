import type { Logger } from '@libp2p/interface'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Multiaddr } from '@multiformats/multiaddr'
import { open, share } from '@warren/gateway'
import type { Swarm } from '@warren/swarm'
import { decodeTicket } from '@warren/tunnel'
import type { Link, Ticket, Tunnel } from '@warren/tunnel'
import { deadline } from '@warren/utils'
import type { NodeChannel, NodeChannelOptions } from '../channels/channel-types.ts'
import { openNodeChannel } from '../channels/node-channel.ts'
import {
  LEAVE_TIMEOUT,
  LOCAL_PATIENCE,
  OPEN_TIMEOUT,
  REVOCATION_POLL,
  TICKET_LIFETIME
} from '../defaults.ts'
import { NodeClosedError, NodeOptionsError } from '../errors.ts'
import type { RelaySeats } from '../relay/relay-seats.ts'
import type { Home } from '../state/home.ts'
import type { Identity } from '../state/identity.ts'
import { makeName } from '../state/names.ts'
import { bestFirst, isRelayed, MAX_TICKET_ADDRESSES, peerOf, withPeer } from './addresses.ts'
import { CountingTunnel } from './counting-tunnel.ts'
import { HeldTickets } from './held-tickets.ts'
import { LinkErrors } from './link-errors.ts'
import { DialReports } from './dial-reports.ts'
import { explainPeer } from './explain.ts'
import { linkStatus } from './link-status.ts'
import type {
  Explanation,
  NodeEvents,
  NodeStatus,
  NodeTicket,
  Opening,
  OpenOptions,
  Share,
  ShareOptions,
  TicketOptions,
  WarrenNode
} from './node-types.ts'
import { openingOf, shareOf } from './forwards.ts'
import { pingOver } from './ping.ts'
import { reach } from './reach.ts'
import type { HomeRevocations } from './revocations.ts'
import { issueTicketIn, makeTicket, parseAddress } from './tickets.ts'

/** What a node is made of. */
export interface TunnelNodeInit {
  readonly home: Home | undefined
  readonly identity: Identity
  readonly swarm: Swarm
  readonly tunnel: Tunnel
  readonly seats: RelaySeats
  readonly announce: readonly Multiaddr[]
  readonly tickets: readonly Ticket[]
  readonly ticketKey: Uint8Array
  readonly revocations: HomeRevocations | undefined
  /** `DEBUG=warren:node`. */
  readonly log: Logger
}

/** The node: shares and openings over one tunnel over one swarm. */
export class TunnelNode implements WarrenNode {
  readonly peerId: string
  readonly #init: TunnelNodeInit
  readonly #counting: CountingTunnel
  readonly #errors: LinkErrors
  readonly #tickets: HeldTickets
  readonly #dials: DialReports
  readonly #shares = new Set<Share>()
  readonly #openings = new Set<Opening>()
  readonly #channels = new Set<NodeChannel<never, unknown>>()
  readonly #poll: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(init: TunnelNodeInit) {
    this.#init = init
    this.peerId = init.swarm.peerId.toString()
    this.#counting = new CountingTunnel(init.tunnel)
    this.#errors = new LinkErrors(init.tunnel)
    this.#tickets = new HeldTickets(init.tunnel, this.#errors, init.tickets)
    this.#dials = new DialReports(init.swarm)
    for (const ticket of init.tickets) this.#errors.expect(ticket)
    this.#logEvents()
    // It only starts the attempts; how they fare is told by events.
    init.tunnel.connect().catch(() => {})
    if (init.revocations !== undefined) this.#poll = this.#followRevocations(init.revocations)
  }

  get identity(): 'kept' | 'ephemeral' {
    return this.#init.identity.kept ? 'kept' : 'ephemeral'
  }

  get identityHeldBy(): number | undefined {
    return this.#init.identity.heldBy
  }

  addresses(): string[] {
    const addresses = bestFirst(this.#init.swarm.listenAddrs())
    return addresses.map(address => withPeer(address, this.peerId))
  }

  ticketAddresses(): string[] {
    const { announce, swarm, seats } = this.#init
    const own = swarm.listenAddrs().filter(address => !isRelayed(address))
    const direct = (announce.length > 0 ? announce : bestFirst(own)).map(String)
    const relayed = seats.addresses.filter(address => !direct.includes(address))
    return [...direct.slice(0, MAX_TICKET_ADDRESSES - relayed.length), ...relayed]
  }

  async share(options: ShareOptions): Promise<Share> {
    this.#throwIfClosed()
    const { name = makeName(Math.random), target, allow } = options
    const peers = allow === undefined ? {} : { peers: { allow } }
    const forward = await share(this.#counting, { channel: name, target, ...peers })
    const shared = shareOf(forward, () => this.#shares.delete(shared))
    this.#shares.add(shared)
    return shared
  }

  async open(options: OpenOptions): Promise<Opening> {
    this.#throwIfClosed()
    const { channel, peer, release } = this.#wanted(options)
    let forward: Awaited<ReturnType<typeof open>> | undefined
    try {
      forward = await open(this.#counting, {
        channel,
        dialTimeout: LOCAL_PATIENCE,
        listen: options.listen ?? 0,
        ...(peer === undefined ? {} : { peer })
      })
      const signals = [this.#closing.signal, options.signal].filter(s => s !== undefined)
      const stop = anySignal(signals)
      try {
        const timeout = options.timeout ?? OPEN_TIMEOUT
        await reach(this.#init.tunnel, this.#errors, {
          channel,
          peer,
          timeout,
          signal: stop.signal
        })
      } finally {
        stop.clear()
      }
    } catch (error) {
      await forward?.close({ timeout: 0 })
      release()
      throw error
    }
    const opening = openingOf(forward, () => {
      if (this.#openings.delete(opening)) release()
    })
    this.#openings.add(opening)
    return opening
  }

  async channel<S extends StandardSchemaV1>(
    name: string,
    schema: S,
    options: NodeChannelOptions = {}
  ): Promise<NodeChannel<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>> {
    this.#throwIfClosed()
    const opened = await openNodeChannel(
      {
        tunnel: this.#init.tunnel,
        self: this.peerId,
        onClose: each => this.#channels.delete(each as NodeChannel<never, unknown>)
      },
      name,
      schema,
      options
    )
    if (this.#closed !== undefined) {
      await opened.close()
      throw new NodeClosedError()
    }
    this.#channels.add(opened)
    return opened
  }

  async ticket(options: TicketOptions): Promise<NodeTicket> {
    this.#throwIfClosed()
    const { home, ticketKey } = this.#init
    const request = {
      peer: this.peerId,
      channel: options.channel,
      lifetime: options.expires ?? TICKET_LIFETIME,
      uses: options.uses,
      addresses: options.announce ?? this.ticketAddresses()
    }
    return home === undefined ? makeTicket(ticketKey, request) : issueTicketIn(home, request)
  }

  async revoke(id: string, expires: Date): Promise<void> {
    this.#throwIfClosed()
    await this.#init.tunnel.revokeTicket({ id, expires: Math.ceil(expires.getTime() / 1_000) })
  }

  async ping(peer: string, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    this.#throwIfClosed()
    options.signal?.throwIfAborted()
    const { swarm } = this.#init
    const connection = await swarm.dial(this.#dialTarget(peer), options)
    return pingOver(swarm, connection, options.signal)
  }

  async explain(
    peer: string,
    options: { readonly signal?: AbortSignal } = {}
  ): Promise<Explanation> {
    this.#throwIfClosed()
    options.signal?.throwIfAborted()
    const { swarm, tunnel } = this.#init
    const target = /^[/]|^warren:/i.test(peer) ? this.#dialTarget(peer) : []
    const [first] = Array.isArray(target) ? target : [target]
    const id = first === undefined ? peer : peerOf(first)
    return explainPeer({ swarm, tunnel, dials: this.#dials }, id, target, options.signal)
  }

  status(): NodeStatus {
    return {
      peer: this.peerId,
      identity: this.identity,
      addresses: this.addresses(),
      links: this.#init.tunnel
        .links()
        .filter(link => link.state === 'connected')
        .map(link => this.#linkStatus(link)),
      relays: this.#init.seats.status(),
      shares: [...this.#shares].map(share => ({
        name: share.name,
        target: share.target,
        ...share.stats()
      })),
      openings: [...this.#openings].map(opening => ({
        name: opening.name,
        address: opening.address,
        ...opening.stats()
      })),
      sessions: this.#counting.counts
    }
  }

  on<E extends keyof NodeEvents>(event: E, listener: NodeEvents[E]): () => void {
    const { tunnel } = this.#init
    switch (event) {
      case 'link': {
        const told = listener as NodeEvents['link']
        return tunnel.on('link', link => told(this.#linkStatus(link)))
      }
      case 'unlink': {
        const told = listener as NodeEvents['unlink']
        return tunnel.on('unlink', (link, error) => told(link.peer, error))
      }
      case 'relay':
        return this.#init.seats.onChange(listener as NodeEvents['relay'])
      case 'link-error': {
        const told = listener as NodeEvents['link-error']
        return this.#errors.onFailure(({ error, fatal }) => told(error, fatal))
      }
      default:
        throw new NodeOptionsError(`a node has no event ${JSON.stringify(event)}`)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closing.abort(new NodeClosedError())
    clearInterval(this.#poll)
    this.#errors.close()
    this.#dials.close()
    this.#init.seats.close()
    const { tunnel, swarm, identity } = this.#init
    // These have their own time. Afterwards the peers must still hear how it ended.
    const all = [...this.#shares, ...this.#openings, ...this.#channels]
    await Promise.allSettled(all.map(each => each.close()))
    const limit = deadline(LEAVE_TIMEOUT, () => new NodeClosedError())
    const options = { signal: limit.signal }
    try {
      await tunnel.close(options).catch(() => {})
      await swarm.close(options).catch(() => {})
    } finally {
      limit.clear()
      await identity.release()
    }
  }

  #logEvents(): void {
    const { log, tunnel } = this.#init
    tunnel.on('link', link => log('linked with %s at %s', link.peer, link.remoteAddr))
    tunnel.on('unlink', (link, error) => log('link to %s ended: %e', link.peer, error))
    // String: the report of a dial names every address with its cause.
    this.#errors.onFailure(({ error, fatal }) => {
      log.error(
        'cannot link%s: %s',
        fatal ? ', finally' : '',
        [error, error.cause].map(String).join(': ')
      )
    })
    tunnel.on('error', error => log.error('%e', error))
  }

  #throwIfClosed(): void {
    if (this.#closed !== undefined) throw new NodeClosedError()
  }

  /** The channel and the peer that are meant; a ticket is taken up until `release`. */
  #wanted({ ticket, channel, peer }: OpenOptions): {
    readonly channel: string
    readonly peer: string | undefined
    readonly release: () => void
  } {
    if (ticket !== undefined) {
      const decoded = decodeTicket(ticket)
      const release = this.#tickets.hold(decoded)
      return { channel: decoded.channel, peer: decoded.sharer.toString(), release }
    }
    if (channel === undefined) throw new NodeOptionsError('open() needs a ticket or a channel')
    return { channel, peer, release: () => {} }
  }

  #dialTarget(peer: string): Multiaddr | Multiaddr[] {
    if (peer.startsWith('/')) return parseAddress(peer)
    if (/^warren:/i.test(peer)) {
      const { sharer, addrs } = decodeTicket(peer)
      return addrs.map(address => parseAddress(withPeer(address, sharer.toString())))
    }
    const linked = this.#init.tunnel.links().find(link => link.peer === peer)
    if (linked !== undefined) return parseAddress(withPeer(parseAddress(linked.remoteAddr), peer))
    throw new NodeOptionsError(
      `${JSON.stringify(peer)} cannot be reached like this: give a multiaddr, a ticket, or the peer id of a linked peer`
    )
  }

  #linkStatus(link: Link): ReturnType<typeof linkStatus> {
    return linkStatus(link, this.#init.swarm)
  }

  /** Another process may revoke a ticket, and may not be able to tell us. */
  #followRevocations(revocations: HomeRevocations): NodeJS.Timeout {
    const known = new Set<string>()
    const { tunnel } = this.#init
    const timer = setInterval(() => {
      const look = async (): Promise<void> => {
        for (const ticket of await revocations.revoked()) {
          if (known.has(ticket.id)) continue
          known.add(ticket.id)
          await tunnel.revokeTicket(ticket)
        }
      }
      // The directory may be gone or full; the next look may find it well.
      look().catch(() => {})
    }, REVOCATION_POLL)
    return timer.unref()
  }
}

/** Like `AbortSignal.any`, but lets go of its sources when it is done. */
function anySignal(sources: readonly AbortSignal[]): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController()
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason)
  for (const source of sources) {
    if (source.aborted) controller.abort(source.reason)
    source.addEventListener('abort', onAbort)
  }
  return {
    signal: controller.signal,
    clear: () => {
      for (const source of sources) source.removeEventListener('abort', onAbort)
    }
  }
}
