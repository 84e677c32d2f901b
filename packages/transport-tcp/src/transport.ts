import {
  serviceCapabilities,
  transportSymbol,
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Logger,
  type Metrics,
  type Transport
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { waitFor } from '@warren/utils'
import { endpointOf, isSupported } from './address.ts'
import { connect } from './connect.ts'
import { SocketConnection } from './connection.ts'
import type { DescriptorBudget } from './descriptors.ts'
import { ConnectTimeoutError, DescriptorLimitError } from './errors.ts'
import type { TcpListener } from './listener-stats.ts'
import { SocketListener } from './listener.ts'
import { registerMetrics, type TcpMetrics } from './metrics.ts'
import type { ResolvedTcpOptions } from './options.ts'

/** What the transport needs of its host; every libp2p node has these. */
export interface TcpComponents {
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/** A libp2p transport whose listeners tell what they hold. */
export interface TcpTransport extends Transport {
  createListener(options: CreateListenerOptions): TcpListener
}

/** See {@link tcp}. */
export class SocketTransport implements TcpTransport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = '@warren/transport-tcp'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly #components: TcpComponents
  readonly #options: ResolvedTcpOptions
  readonly #descriptors: DescriptorBudget
  readonly #log: Logger
  readonly #connectionLog: Logger
  readonly #metrics: TcpMetrics
  readonly #listeners = new Set<SocketListener>()

  constructor(
    components: TcpComponents,
    options: ResolvedTcpOptions,
    descriptors: DescriptorBudget
  ) {
    this.#components = components
    this.#options = options
    this.#descriptors = descriptors
    this.#log = components.logger.forComponent('warren:tcp')
    this.#connectionLog = components.logger.forComponent('warren:tcp:connection')
    this.#metrics = registerMetrics(components.metrics, () =>
      [...this.#listeners].map(listener => listener.stats())
    )
  }

  /** Connects, wraps the socket, and has it upgraded; the signal ends any of the three. */
  async dial(ma: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { signal, upgrader } = options
    signal.throwIfAborted()
    const connection = await this.#open(ma, signal)
    // An upgrader may be slow to notice; and once it has succeeded, the signal means nothing here.
    const onAbort = (): void => connection.abort(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
    try {
      return await waitFor(upgrader.upgradeOutbound(connection, options), signal)
    } catch (error) {
      this.#metrics.dialled('upgrade_failed')
      this.#log('outbound upgrade with %a failed - %e', ma, error)
      connection.abort(error as Error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  createListener(options: CreateListenerOptions): TcpListener {
    const listener = new SocketListener({
      upgrader: options.upgrader,
      logger: this.#components.logger,
      options: this.#options,
      descriptors: this.#descriptors
    })
    listener.addEventListener('listening', () => this.#listeners.add(listener))
    listener.addEventListener('close', () => this.#listeners.delete(listener))
    return listener
  }

  listenFilter(multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter(isSupported)
  }

  dialFilter(multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter(isSupported)
  }

  async #open(ma: Multiaddr, signal: AbortSignal): Promise<SocketConnection> {
    const endpoint = endpointOf(ma)
    if (!this.#descriptors.take('outbound')) {
      this.#metrics.dialled('failed')
      throw new DescriptorLimitError(
        `cannot dial ${ma.toString()}: nearly all ${this.#descriptors.limit} file descriptors of this process are in use; close connections or raise \`ulimit -n\``
      )
    }
    try {
      const socket = await connect(endpoint, this.#options, signal)
      socket.once('close', () => this.#descriptors.release())
      this.#metrics.dialled('connected')
      return new SocketConnection({
        socket,
        direction: 'outbound',
        remoteAddr: ma,
        localAddr: ma,
        unix: endpoint.kind === 'unix',
        log: this.#connectionLog,
        options: this.#options
      })
    } catch (error) {
      this.#descriptors.release()
      const timeout = error instanceof ConnectTimeoutError
      this.#metrics.dialled(signal.aborted ? 'aborted' : timeout ? 'timeout' : 'failed')
      throw error
    }
  }
}
