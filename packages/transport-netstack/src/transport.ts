import {
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Logger,
  type Transport,
  serviceCapabilities,
  transportSymbol
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { waitFor } from '@warren/utils'
import { isSupported } from './address.ts'
import { dial } from './dial.ts'
import type { NetstackListener } from './listener-stats.ts'
import { UdpListener } from './listener.ts'
import type { ResolvedNetstackOptions } from './options.ts'

/** What the transport needs of its host; every libp2p node has it. */
export interface NetstackComponents {
  readonly logger: ComponentLogger
}

/** A libp2p transport whose listeners tell what they hold. */
export interface NetstackTransport extends Transport {
  createListener(options: CreateListenerOptions): NetstackListener
}

/** See {@link netstack}. */
export class UdpTransport implements NetstackTransport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = '@warren/transport-netstack'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly #components: NetstackComponents
  readonly #options: ResolvedNetstackOptions
  readonly #log: Logger
  readonly #connectionLog: Logger

  constructor(components: NetstackComponents, options: ResolvedNetstackOptions) {
    this.#components = components
    this.#options = options
    this.#log = components.logger.forComponent('warren:netstack')
    this.#connectionLog = components.logger.forComponent('warren:netstack:connection')
  }

  /** Connects, and has the connection upgraded; the signal ends either. */
  async dial(ma: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { signal, upgrader } = options
    const connection = await dial(ma, this.#options, this.#connectionLog, signal)
    // An upgrader may be slow to notice; and once it has succeeded, the signal means nothing here.
    const onAbort = (): void => connection.abort(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
    try {
      return await waitFor(upgrader.upgradeOutbound(connection, options), signal)
    } catch (error) {
      this.#log('outbound upgrade with %a failed - %e', ma, error)
      connection.abort(error as Error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  createListener(options: CreateListenerOptions): NetstackListener {
    return new UdpListener({
      upgrader: options.upgrader,
      logger: this.#components.logger,
      options: this.#options
    })
  }

  listenFilter(multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter(isSupported)
  }

  dialFilter(multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter(isSupported)
  }
}
