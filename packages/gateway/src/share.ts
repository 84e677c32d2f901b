import type { ByteSession, Listener, PeerAccess } from '@warren/tunnel'
import { formatAddress } from './address.ts'
import { finishConnections } from './closing.ts'
import { Connections } from './connections.ts'
import { GatewayClosedError } from './errors.ts'
import { shareSettings } from './options.ts'
import type { ShareOptions, ShareSettings } from './options.ts'
import type { PooledConn } from './pool/pooled-conn.ts'
import { TargetPool } from './pool/target-pool.ts'
import type { PoolStats } from './pool/target-pool.ts'
import { connectTarget } from './sockets/connect-target.ts'
import { toReset } from './splice/reset-codes.ts'
import type { SpliceOptions } from './splice/splice.ts'
import type { ConnectionInfo, GatewayCloseOptions } from './types.ts'
import type { GatewayEvents, GatewayStats, GatewayTunnel } from './types.ts'

/** Counters of a share. */
export interface ShareStats extends GatewayStats {
  readonly pool: PoolStats
}

/** A program on this side that peers reach by a channel's name. */
export interface Share {
  readonly channel: string
  /** The target as a URL. */
  readonly target: string
  stats(): ShareStats
  /**
   * Replaces the peers that may open it. Connections of those that may not any more end now; resolves
   * when they have.
   */
  setPeers(peers: PeerAccess): Promise<void>
  /** Adds a listener; what it returns removes it. */
  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): () => void
  /** Takes no new sessions, lets running ones finish as the options say, then ends. Idempotent. */
  close(options?: GatewayCloseOptions): Promise<void>
  /** Ends at once; what runs is reset. Idempotent. */
  abort(error?: Error): void
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Shares a program: each session that a peer opens on the channel is carried to a connection to
 * the target. The target need not run yet.
 *
 * @throws AddressInvalidError, AddressUnsupportedError, UnixPathError, GatewayOptionsError; the
 * errors of `tunnel.listen`; the signal's reason
 */
export async function share(tunnel: GatewayTunnel, options: ShareOptions): Promise<Share> {
  const { peers, signal } = options
  signal?.throwIfAborted()
  const settings = shareSettings(options)
  const listener = await tunnel.listen(settings.channel, {
    bytes: true,
    ...(peers === undefined ? {} : { peers }),
    ...(signal === undefined ? {} : { signal })
  })
  return new TargetShare(listener, settings)
}

class TargetShare implements Share {
  readonly channel: string
  readonly target: string
  readonly #listener: Listener<ByteSession>
  readonly #settings: ShareSettings
  readonly #pool: TargetPool
  readonly #connections = new Connections()
  /** Sessions that wait for a connection to the target. */
  readonly #pending = new Set<AbortController>()
  #closing: Promise<void> | undefined

  constructor(listener: Listener<ByteSession>, settings: ShareSettings) {
    this.channel = settings.channel
    this.target = formatAddress(settings.target)
    this.#listener = listener
    this.#settings = settings
    this.#pool = new TargetPool(
      {
        mode: settings.pool,
        minIdle: settings.minIdle,
        maxTotal: settings.maxConnections,
        maxIdle: settings.maxIdle,
        maxWaiters: settings.maxWaiters,
        waitTimeout: settings.waitTimeout
      },
      poolSignal =>
        connectTarget(settings.target, { timeout: settings.connectTimeout, signal: poolSignal })
    )
    this.#pool.start()
    void this.#accept()
  }

  stats(): ShareStats {
    return { ...this.#connections.stats(), pool: this.#pool.stats() }
  }

  setPeers(peers: PeerAccess): Promise<void> {
    return this.#listener.setPeers(peers)
  }

  on<E extends keyof GatewayEvents>(event: E, listener: GatewayEvents[E]): () => void {
    return this.#connections.events.on(event, listener)
  }

  close(options: GatewayCloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options, undefined)
    return this.#closing
  }

  abort(error: Error = new GatewayClosedError('the share was closed')): void {
    this.#abortConnections(error)
    void this.close({ timeout: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #accept(): Promise<void> {
    try {
      for (;;) void this.#serve(await this.#listener.accept())
    } catch (error) {
      // Closed by us, or by the tunnel under us.
      const own = this.#closing !== undefined || isListenerClosed(error)
      this.#closing ??= this.#close({}, own ? undefined : (error as Error))
    }
  }

  /** Takes one session up, and has it carried. Never rejects. */
  async #serve(session: ByteSession): Promise<void> {
    const info: ConnectionInfo = { session: session.id, peer: session.peer, local: this.target }
    this.#connections.enter()
    const pending = new AbortController()
    this.#pending.add(pending)
    session.onReadable = () => {
      if (session.status === 'closed') pending.abort(new GatewayClosedError('the session ended'))
    }
    try {
      const conn = await this.#pool.borrow(pending.signal)
      this.#carry(session, conn, info)
    } catch (error) {
      // A session that its own end gave up is not a failure of the target.
      if (session.status !== 'closed') this.#connections.lost(error as Error, info)
      session.abort(toReset(error as Error))
      this.#connections.leave()
    } finally {
      this.#pending.delete(pending)
    }
  }

  #carry(session: ByteSession, conn: PooledConn, info: ConnectionInfo): void {
    const { pool: mode, idleTimeout, reuseAfter } = this.#settings
    const pool = this.#pool
    const options: SpliceOptions = { head: conn.head, idleTimeout }
    const reuse = { after: reuseAfter, release: () => pool.release(conn, true) }
    this.#connections.carry(
      conn.socket,
      session,
      info,
      mode === 'reuse' ? { ...options, reuse } : options,
      end => {
        if (end.why !== 'ended' || !end.released) pool.release(conn, false)
      }
    )
  }

  #abortConnections(error: Error): void {
    for (const controller of this.#pending) controller.abort(error)
    this.#connections.abort(error)
  }

  async #close(options: GatewayCloseOptions, error: Error | undefined): Promise<void> {
    const { closeTimeout } = this.#settings
    // The running sessions are ours to end: as the options say, and not with the listener.
    await this.#listener.close({ keepSessions: true }).catch(() => {})
    await finishConnections(this.#connections, options, closeTimeout, reason =>
      this.#abortConnections(reason)
    )
    this.#pool.destroy()
    this.#connections.events.emit('close', error)
  }
}

function isListenerClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_LISTENER_CLOSED'
}
