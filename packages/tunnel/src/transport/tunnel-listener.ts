import { TypedEventEmitter } from '@libp2p/interface'
import type { AbortOptions, ComponentLogger, ListenerEvents, Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { InboundUpgradeOptions, SlotGrantingUpgrader } from '@warren/interface'
import { ListenerClosedError, TunnelAddressError } from '../errors.ts'
import type { ByteSession } from '../session/session-types.ts'
import type { Listener, Tunnel } from '../tunnel-types.ts'
import { endpointOf, tunnelAddress } from './address.ts'
import { SessionConnection } from './session-connection.ts'
import type { TunnelTransportOptions } from './tunnel-transport.ts'

/** What a {@link TunnelListener} is made of. */
export interface TunnelListenerInit {
  readonly tunnel: Tunnel
  readonly upgrader: SlotGrantingUpgrader
  readonly logger: ComponentLogger
  readonly options: TunnelTransportOptions
}

/** A channel as the listener of a transport: each session on it is a connection. */
export class TunnelListener extends TypedEventEmitter<ListenerEvents> {
  readonly #init: TunnelListenerInit
  readonly #log: Logger
  readonly #connections = new Set<SessionConnection>()
  readonly #shutdown = new AbortController()
  #listener: Listener<ByteSession> | undefined
  #addr: Multiaddr | undefined
  #accepting: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(init: TunnelListenerInit) {
    super()
    this.#init = init
    this.#log = init.logger.forComponent('warren:tunnel:listener')
  }

  /** @throws {TunnelAddressError}, or what `tunnel.listen` throws */
  async listen(address: Multiaddr): Promise<void> {
    if (this.#addr !== undefined || this.#closing !== undefined) {
      throw new TunnelAddressError(
        `cannot listen on ${address.toString()}: this listener was used; make another with createListener()`
      )
    }
    const { channel, carrier } = endpointOf(address)
    const { tunnel, options } = this.#init
    const self = tunnel.status().peer
    if (carrier !== undefined && carrier !== self) {
      throw new TunnelAddressError(
        `cannot listen on ${address.toString()}: the peer of this tunnel is ${self}`
      )
    }
    this.#addr = tunnelAddress(channel, self)
    try {
      this.#listener = await tunnel.listen(channel, { ...options.listen, bytes: true })
    } catch (error) {
      this.#addr = undefined
      this.safeDispatchEvent('error', { detail: error as Error })
      throw error
    }
    if (this.#closing !== undefined) {
      await this.#listener.close()
      throw new ListenerClosedError(
        `the listener was closed while it began to listen on ${channel}`
      )
    }
    this.#accepting = this.#accept(this.#listener)
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    return this.#addr === undefined || this.#closing !== undefined ? [] : [this.#addr]
  }

  /** Addresses of a tunnel have nothing to add to what is announced. */
  updateAnnounceAddrs(_addrs: Multiaddr[]): void {}

  /** Takes the channel back and closes its connections. Idempotent. */
  async close(options?: AbortOptions): Promise<void> {
    this.#closing ??= this.#close(options)
    await this.#closing
  }

  async #close(options?: AbortOptions): Promise<void> {
    this.#shutdown.abort(new ListenerClosedError('the listener was closed'))
    // Their sessions end with the connections, which say why they failed to.
    await this.#listener?.close({ keepSessions: true })
    await Promise.allSettled([...this.#connections].map(connection => connection.close(options)))
    await this.#accepting
    this.safeDispatchEvent('close')
  }

  /** One at a time, until it has a slot: the others wait in the channel's own, bounded queue. */
  async #accept(listener: Listener<ByteSession>): Promise<void> {
    for await (const session of listener) {
      const remoteAddr = tunnelAddress(session.channel, session.peer)
      const connection = new SessionConnection({
        session,
        remoteAddr,
        direction: 'inbound',
        log: this.#init.logger.forComponent('warren:tunnel:connection')
      })
      this.#connections.add(connection)
      connection.addEventListener('close', () => this.#connections.delete(connection))
      const { signal } = this.#shutdown
      try {
        const slot = await this.#init.upgrader.slot?.({ remoteAddr, signal })
        const options = { signal, ...(slot === undefined ? {} : { slot }) }
        void this.#upgrade(connection, options).finally(() => slot?.release())
      } catch (error) {
        this.#turnAway(connection, error as Error)
      }
    }
  }

  async #upgrade(connection: SessionConnection, options: InboundUpgradeOptions): Promise<void> {
    try {
      await this.#init.upgrader.upgradeInbound(connection, options)
    } catch (error) {
      this.#turnAway(connection, error as Error)
    }
  }

  #turnAway(connection: SessionConnection, error: Error): void {
    this.#log('inbound upgrade failed - %e', error)
    connection.abort(error)
  }
}
