import {
  serviceCapabilities,
  transportSymbol,
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener as TransportListener,
  type Transport
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { waitFor } from '@warren/utils'
import type { DialOptions, ListenOptions, Tunnel } from '../tunnel-types.ts'
import { endpointOf, readEndpoint, registerAddress, tunnelAddress } from './address.ts'
import { SessionConnection } from './session-connection.ts'
import { TunnelListener } from './tunnel-listener.ts'

/** Options of {@link tunnelTransport}. */
export interface TunnelTransportOptions {
  /** How sessions are dialled. Default: as the tunnel does by default. */
  readonly dial?: Pick<DialOptions, 'timeout' | 'wait' | 'seal'>
  /** How channels are listened on. Default: as the tunnel does by default. */
  readonly listen?: Pick<ListenOptions, 'peers' | 'seal'>
}

/** What the transport needs of its host; every libp2p node has it. */
export interface TunnelTransportComponents {
  readonly logger: ComponentLogger
}

/**
 * The tunnel as a transport of libp2p: `/warren/<channel>` is listened on and dialled, and each session
 * is a connection, to be encrypted and multiplexed as any other, which outlives broken links. See
 * `tunnelAddress` for addresses.
 *
 * Give it to a Warren swarm, another one than the tunnel's own, or to stock js-libp2p:
 * `transports: [tunnelTransport(tunnel)]`. Close that before the tunnel.
 */
export function tunnelTransport(
  tunnel: Tunnel,
  options: TunnelTransportOptions = {}
): (components: TunnelTransportComponents) => Transport {
  registerAddress()
  return components => new SessionTransport(tunnel, options, components.logger)
}

class SessionTransport implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = '@warren/tunnel'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly #tunnel: Tunnel
  readonly #options: TunnelTransportOptions
  readonly #logger: ComponentLogger

  constructor(tunnel: Tunnel, options: TunnelTransportOptions, logger: ComponentLogger) {
    this.#tunnel = tunnel
    this.#options = options
    this.#logger = logger
  }

  /** Opens a session and has it upgraded; the signal ends either. */
  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { signal, upgrader } = options
    signal.throwIfAborted()
    const { channel, carrier } = endpointOf(address)
    const session = await this.#tunnel.dial(channel, {
      ...this.#options.dial,
      ...(carrier === undefined ? {} : { peer: carrier }),
      bytes: true,
      signal
    })
    const connection = new SessionConnection({
      session,
      remoteAddr: tunnelAddress(channel, session.peer),
      direction: 'outbound',
      log: this.#logger.forComponent('warren:tunnel:connection')
    })
    const onAbort = (): void => connection.abort(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
    try {
      return await waitFor(upgrader.upgradeOutbound(connection, options), signal)
    } catch (error) {
      connection.abort(error as Error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  createListener({ upgrader }: CreateListenerOptions): TransportListener {
    return new TunnelListener({
      tunnel: this.#tunnel,
      upgrader,
      logger: this.#logger,
      options: this.#options
    })
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => readEndpoint(address) !== undefined)
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.listenFilter(addresses)
  }
}
