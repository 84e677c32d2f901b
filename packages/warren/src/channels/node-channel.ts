import { EventEmitter } from 'node:events'
import type { AbortOptions } from '@libp2p/interface'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ChannelClosedError, channel, createExporter } from '@warren/netchan'
import type { Channel, Exporter } from '@warren/netchan'
import type { Listener, Session, Tunnel } from '@warren/tunnel'
import { waitFor } from '@warren/utils'
import { CHANNEL_DEFAULTS } from '../defaults.ts'
import { NodeOptionsError } from '../errors.ts'
import type {
  ChannelMode,
  ChannelRole,
  NodeChannel,
  NodeChannelEvents,
  NodeChannelOptions
} from './channel-types.ts'
import { PeerSource } from './peer-source.ts'

const MODES: readonly ChannelMode[] = ['queue', 'multicast', 'broadcast']
const ROLES: readonly ChannelRole[] = ['both', 'sender', 'receiver']

/** What a channel needs of its node. */
export interface ChannelInit {
  readonly tunnel: Tunnel
  /** Peer id of the node. */
  readonly self: string
  readonly onClose: (channel: object) => void
}

/** Somebody waits for this many nodes. */
interface Waiting {
  readonly peers: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Opens a channel between nodes: what is sent here is exported on the tunnel's channel of the name,
 * and what the other nodes that have announced it export is imported.
 *
 * @throws codes `ERR_NODE_OPTIONS`, `ERR_INVALID_CHANNEL`, `ERR_ALREADY_LISTENING`; the signal's
 * reason
 */
export async function openNodeChannel<S extends StandardSchemaV1>(
  init: ChannelInit,
  name: string,
  schema: S,
  options: NodeChannelOptions
): Promise<NodeChannel<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>> {
  options.signal?.throwIfAborted()
  const { mode = CHANNEL_DEFAULTS.mode, role = CHANNEL_DEFAULTS.role } = options
  if (!MODES.includes(mode) || !ROLES.includes(role)) {
    throw new NodeOptionsError(
      `a channel has a mode (${MODES.join(', ')}) and a role (${ROLES.join(', ')})`
    )
  }
  const opened = new TunnelChannel(init, name, schema, { ...options, mode, role })
  try {
    await opened.start(options.signal)
  } catch (error) {
    await opened.close()
    throw error
  }
  return opened as TunnelChannel<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>
}

class TunnelChannel<I, O> implements NodeChannel<I, O> {
  readonly name: string
  readonly mode: ChannelMode
  readonly #role: ChannelRole
  readonly #init: ChannelInit
  readonly #options: NodeChannelOptions
  readonly #schema: StandardSchemaV1
  readonly #outgoing: Channel<I>
  readonly #incoming = channel<O>()
  readonly #exporter: Exporter = createExporter()
  #listener: Listener<Session> | undefined
  /** Nodes that receive from here, and how many bindings each has: a new one may overlap the old. */
  readonly #receiving = new Map<string, number>()
  /** Nodes that this one imports from, or tries to. */
  readonly #sources = new Map<string, PeerSource>()
  /** Those of them that are bound. */
  readonly #sending = new Set<string>()
  /** Nodes that cannot be received from, until they announce the channel anew. */
  readonly #refused = new Map<string, Error>()
  readonly #waiting = new Set<Waiting>()
  readonly #events = new EventEmitter().setMaxListeners(0)
  #stopWatching: () => void = () => {}
  #closing: Promise<void> | undefined

  constructor(
    init: ChannelInit,
    name: string,
    schema: StandardSchemaV1,
    options: NodeChannelOptions & { readonly mode: ChannelMode; readonly role: ChannelRole }
  ) {
    const { capacity = CHANNEL_DEFAULTS.capacity, codec, mode, role } = options
    this.#init = init
    this.#options = options
    this.#schema = schema
    this.#role = role
    this.name = name
    this.mode = mode
    const overload = options.overload ?? (mode === 'broadcast' ? 'drop-oldest' : 'block')
    // One that drops takes each value at once; what waits for whoever is behind is its backlog.
    this.#outgoing = channel<I>(overload === 'block' ? capacity : 0)
    this.#exporter.export<StandardSchemaV1>(exportedName(mode), this.#outgoing.receiver, 'send', {
      schema,
      mode: mode === 'queue' ? 'queue' : 'broadcast',
      overload,
      backlog: Math.max(1, capacity),
      ...(codec === undefined ? {} : { codec })
    })
    void this.#tellErrors()
    this.#exporter.on('bound', ({ peer }) => this.#onReceiver(peer, 1))
    this.#exporter.on('unbound', ({ peer }) => this.#onReceiver(peer, -1))
  }

  get sender() {
    return this.#outgoing.sender
  }

  get receiver() {
    return this.#incoming.receiver
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    const { tunnel } = this.#init
    if (this.#role === 'receiver') this.#outgoing.close()
    else {
      this.#listener = await tunnel.listen(this.name)
      signal?.throwIfAborted()
      // Its end is that of the listener, which `close` brings about.
      this.#exporter.serve(this.#listener).catch(() => {})
    }
    if (this.#role === 'sender') {
      this.#incoming.close()
      return
    }
    this.#stopWatching = tunnel.on('channel', (name, link, open) => {
      if (name !== this.name || !open) return
      this.#refused.delete(link.peer)
      this.#follow(link.peer)
    })
    for (const peer of this.#announcers()) this.#follow(peer)
  }

  send(value: I, options?: AbortOptions): Promise<void> {
    return this.#outgoing.send(value, options)
  }

  receive(options?: AbortOptions): Promise<IteratorResult<O, undefined>> {
    return this.#incoming.receive(options)
  }

  [Symbol.asyncIterator](): AsyncIterator<O, undefined> {
    return this.#incoming[Symbol.asyncIterator]()
  }

  peers() {
    return { receiving: [...this.#receiving.keys()], sending: [...this.#sending] }
  }

  async ready(options: AbortOptions & { readonly peers?: number } = {}): Promise<void> {
    const { peers = 1, signal } = options
    signal?.throwIfAborted()
    if (this.#closing !== undefined) throw closed()
    if (this.#present >= peers) return
    let waiting: Waiting | undefined
    try {
      await waitFor(
        new Promise<void>((resolve, reject) => {
          waiting = { peers, resolve, reject }
          this.#waiting.add(waiting)
          this.#progress()
        }),
        signal
      )
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting)
    }
  }

  sync(options?: AbortOptions & { readonly timeout?: number }): Promise<void> {
    return this.#exporter.sync(options)
  }

  stats() {
    const { dropped = 0, redelivered = 0 } = this.#exporter.stats()[exportedName(this.mode)] ?? {}
    return { dropped, redelivered }
  }

  on<E extends keyof NodeChannelEvents>(event: E, listener: NodeChannelEvents[E]): () => void {
    // Wrapped: the same listener given twice is called twice, and taken off once. One that throws is
    // reported as uncaught, and disturbs nobody.
    const entry = (...args: unknown[]): void => {
      try {
        ;(listener as (...args: unknown[]) => void)(...args)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
    // `error` would throw in an emitter without listeners.
    this.#events.on(`channel:${event}`, entry)
    return () => void this.#events.off(`channel:${event}`, entry)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#stopWatching()
    this.#incoming.close()
    for (const { reject } of this.#waiting) reject(closed())
    await Promise.all([...this.#sources.values()].map(source => source.close()))
    await this.#listener?.close({ keepSessions: true })
    await this.#exporter.close()
    this.#init.onClose(this)
  }

  /** How many nodes `ready` counts. */
  get #present(): number {
    return this.#role === 'receiver' ? this.#sending.size : this.#receiving.size
  }

  /** The other nodes that have announced the channel. */
  #announcers(): string[] {
    const { tunnel, self } = this.#init
    const listing = tunnel.channels().find(each => each.channel === this.name)
    return (listing?.peers ?? []).filter(peer => peer !== self)
  }

  #follow(peer: string): void {
    if (this.#sources.has(peer) || this.#closing !== undefined) return
    const { codec, size = CHANNEL_DEFAULTS.size } = this.#options
    const source = new PeerSource(peer, {
      tunnel: this.#init.tunnel,
      channel: this.name,
      exported: exportedName(this.mode),
      into: this.#incoming,
      options: { schema: this.#schema, size, ...(codec === undefined ? {} : { codec }) },
      isThere: each => this.#announcers().includes(each),
      onBound: (each, bound) => {
        if (bound) this.#sending.add(each)
        else this.#sending.delete(each)
        this.#emit('peer', each, 'sends', bound)
        this.#progress()
      },
      onError: (each, error, final) => {
        if (final) this.#refused.set(each, error)
        this.#emit('error', error, each)
        this.#progress()
      }
    })
    this.#sources.set(peer, source)
    void source.ended.then(() => {
      this.#sources.delete(peer)
      // It may have come back while this one was ending.
      if (!this.#refused.has(peer) && this.#announcers().includes(peer)) this.#follow(peer)
    })
  }

  /** Ends with the exporter. */
  async #tellErrors(): Promise<void> {
    for await (const error of this.#exporter.errors) this.#emit('error', error, undefined)
  }

  #onReceiver(peer: string, change: 1 | -1): void {
    const before = this.#receiving.get(peer) ?? 0
    if (before + change > 0) this.#receiving.set(peer, before + change)
    else this.#receiving.delete(peer)
    if (before === 0 || before + change === 0) this.#emit('peer', peer, 'receives', change > 0)
    this.#progress()
  }

  /** Settles those who wait for nodes: enough are there, or cannot be. */
  #progress(): void {
    const [failure] = this.#refused.values()
    const possible = this.#announcers().filter(peer => !this.#refused.has(peer)).length
    for (const { peers, resolve, reject } of this.#waiting) {
      if (this.#present >= peers) resolve()
      else if (failure !== undefined && possible < peers) reject(failure)
    }
  }

  #emit<E extends keyof NodeChannelEvents>(
    event: E,
    ...args: Parameters<NodeChannelEvents[E]>
  ): void {
    this.#events.emit(`channel:${event}`, ...args)
  }
}

/** The mode is in the name, so that nodes with different modes cannot be bound to each other. */
function exportedName(mode: ChannelMode): string {
  return `values/${mode}`
}

function closed(): ChannelClosedError {
  return new ChannelClosedError('the channel is closed')
}
