import type {
  AbortOptions,
  Connection,
  Libp2pEvents,
  Listener,
  Transport,
  TypedEventTarget,
  Upgrader
} from '@libp2p/interface'
import type {
  TransportManagerDialOptions,
  TransportManager as TransportManagerInterface
} from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { deadline, waitFor } from '@warren/utils'
import type { AttemptOptions } from './dial/dial-run.ts'
import {
  CloseTimeoutError,
  DialTimeoutError,
  ListenError,
  type ListenFailure,
  NoTransportError,
  SwarmClosedError,
  SwarmOptionsError,
  toError
} from './errors.ts'

/** What takes the connections of one listener, and how it ends. */
export interface Acceptor {
  /** The view of the upgrader that belongs to this listener. */
  readonly upgrader: Upgrader
  /** Stops taking, and ends what is upgraded but not taken. */
  close(): Promise<void>
}

/** What a {@link TransportManager} works with. */
export interface TransportManagerContext {
  readonly events: TypedEventTarget<Libp2pEvents>
  /** Read on use: the upgrader is made after the transports' manager. */
  readonly upgrader: () => Upgrader
  /** Sets up an accept loop for a new listener. */
  createAcceptor(): Acceptor
  /** Registers a connection that was dialled past the dialler. */
  adopt(connection: Connection): void
  /** Milliseconds for a dial that passes by the dialler. */
  readonly dialTimeout: number
  readonly closeTimeout: number
}

interface Listening {
  readonly transport: Transport
  readonly listener: Listener
  readonly acceptor: Acceptor
}

/** The transports of a swarm, chosen by address, and their listeners. */
export class TransportManager implements TransportManagerInterface {
  readonly [Symbol.toStringTag] = '@warren/swarm/transport-manager'
  readonly #context: TransportManagerContext
  readonly #transports = new Map<string, Transport>()
  readonly #listening = new Set<Listening>()
  #closed = false

  constructor(context: TransportManagerContext) {
    this.#context = context
  }

  /** Adds a transport; its `Symbol.toStringTag` names it. */
  add(transport: Transport): void {
    const tag = transport[Symbol.toStringTag]
    if (this.#transports.has(tag)) {
      throw new SwarmOptionsError(`there is a transport ${tag} already; each goes in once`)
    }
    this.#transports.set(tag, transport)
  }

  /** Dials one address and registers the connection; `swarm.dial` is the better way. */
  async dial(address: Multiaddr, options: TransportManagerDialOptions = {}): Promise<Connection> {
    const { dialTimeout } = this.#context
    const limit = deadline(
      dialTimeout,
      () => new DialTimeoutError(`no answer within ${dialTimeout} ms`),
      options.signal
    )
    try {
      const connection = await this.connect(address, {
        signal: limit.signal,
        onProgress: event => options.onProgress?.(event as never)
      })
      this.#context.adopt(connection)
      return connection
    } finally {
      limit.clear()
    }
  }

  /** Dials one address; the connection is not registered yet. */
  async connect(address: Multiaddr, options: AttemptOptions): Promise<Connection> {
    const transport = this.dialTransportForMultiaddr(address)
    if (transport === undefined) {
      throw new NoTransportError(`no configured transport dials ${String(address)}`)
    }
    if (this.#closed) throw new SwarmClosedError()
    return transport.dial(address, { ...options, upgrader: this.#context.upgrader() })
  }

  getAddrs(): Multiaddr[] {
    const seen = new Map<string, Multiaddr>()
    for (const { listener } of this.#listening) {
      for (const address of listener.getAddrs()) seen.set(address.toString(), address)
    }
    return [...seen.values()]
  }

  getTransports(): Transport[] {
    return [...this.#transports.values()]
  }

  getListeners(): Listener[] {
    return [...this.#listening].map(({ listener }) => listener)
  }

  dialTransportForMultiaddr(address: Multiaddr): Transport | undefined {
    return this.getTransports().find(transport => transport.dialFilter([address]).length > 0)
  }

  listenTransportForMultiaddr(address: Multiaddr): Transport | undefined {
    return this.getTransports().find(transport => transport.listenFilter([address]).length > 0)
  }

  /**
   * Listens on every address, all at once. Those that can be listened on are, whatever becomes of
   * the others.
   *
   * @throws {NoTransportError} when the only address has no transport
   * @throws {ListenError} with each address that failed, and why
   */
  async listen(addresses: readonly Multiaddr[], options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#closed) throw new SwarmClosedError()
    const results = await Promise.allSettled(
      addresses.map(async address => this.#listen(address, options.signal))
    )
    const failures: ListenFailure[] = []
    results.forEach((result, index) => {
      if (result.status === 'fulfilled') return
      failures.push({ address: String(addresses[index]), error: toError(result.reason) })
    })
    options.signal?.throwIfAborted()
    const [first] = failures
    if (first === undefined) return
    if (addresses.length === 1 && first.error instanceof NoTransportError) throw first.error
    throw new ListenError(failures)
  }

  /** Closes the transport's listeners and forgets it. */
  async remove(tag: string): Promise<void> {
    const own = [...this.#listening].filter(each => each.transport[Symbol.toStringTag] === tag)
    await Promise.all(own.map(async each => this.#close(each)))
    this.#transports.delete(tag)
  }

  async removeAll(): Promise<void> {
    await Promise.all([...this.#transports.keys()].map(async tag => this.remove(tag)))
  }

  /** Closes every listener and its accept queue; afterwards nothing listens or dials any more. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#listening].map(async each => this.#close(each)))
  }

  async #listen(address: Multiaddr, signal: AbortSignal | undefined): Promise<void> {
    const transport = this.listenTransportForMultiaddr(address)
    if (transport === undefined) {
      const names = [...this.#transports.keys()].join(', ') || 'none'
      throw new NoTransportError(
        `no configured transport listens on ${String(address)} (transports: ${names})`
      )
    }
    const acceptor = this.#context.createAcceptor()
    const listener = transport.createListener({ upgrader: acceptor.upgrader })
    const listening: Listening = { transport, listener, acceptor }
    const { events } = this.#context
    this.#listening.add(listening)
    listener.addEventListener('listening', () => {
      events.safeDispatchEvent('transport:listening', { detail: listener })
    })
    listener.addEventListener('close', () => {
      if (!this.#listening.delete(listening)) return
      void acceptor.close()
      events.safeDispatchEvent('transport:close', { detail: listener })
    })
    try {
      await waitFor(listener.listen(address), signal)
    } catch (error) {
      this.#listening.delete(listening)
      await this.#close(listening)
      throw error
    }
  }

  async #close({ listener, acceptor }: Listening): Promise<void> {
    const { closeTimeout } = this.#context
    const limit = deadline(
      closeTimeout,
      () => new CloseTimeoutError(`a listener did not close within ${closeTimeout} ms`)
    )
    try {
      await waitFor(Promise.allSettled([acceptor.close(), listener.close()]), limit.signal)
    } catch {
      // It goes on closing by itself; what it holds is ended with the connections.
    } finally {
      limit.clear()
    }
  }
}
