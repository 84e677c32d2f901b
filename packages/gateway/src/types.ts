import type { ByteSession, DialOptions, Listener, PeerAccess, Tunnel } from '@warren/tunnel'

/** What the gateway tells a tunnel when it listens. */
export interface ShareListenOptions {
  readonly bytes: true
  readonly peers?: PeerAccess
  readonly signal?: AbortSignal
}

/** What the gateway needs of a tunnel. */
export interface GatewayTunnel {
  /** {@link Tunnel.listen} for byte sessions. */
  listen(channel: string, options: ShareListenOptions): Promise<Listener<ByteSession>>
  /** {@link Tunnel.dial} for byte sessions. */
  dial(channel: string, options: DialOptions & { readonly bytes: true }): Promise<ByteSession>
}

/** Compile-time proof that every tunnel will do. */
export type TunnelFits = Tunnel extends GatewayTunnel ? true : never

/** Counters of a share or an opening, since it began. */
export interface GatewayStats {
  /** Forwarded connections now. */
  readonly open: number
  /** Connections that were taken up, whatever became of them. */
  readonly total: number
  /**
   * Connections that could not be carried or were broken off by other than the two programs, by
   * the code of the cause, such as `ERR_TARGET_REFUSED`. At most 64 codes; others count as
   * `ERR_OTHER`.
   */
  readonly failed: Readonly<Record<string, number>>
  /** Connections that one of the two programs reset. */
  readonly reset: number
  /** Bytes from the programs on this side into the tunnel. */
  readonly bytesToTunnel: number
  /** Bytes from the tunnel to the programs on this side. */
  readonly bytesFromTunnel: number
}

/** A forwarded connection, as events name it. */
export interface ConnectionInfo {
  /** Id of the session that carries it; `undefined` if none was opened. */
  readonly session: string | undefined
  /** Peer id of the other end; `undefined` if no session was opened. */
  readonly peer: string | undefined
  /** Address of the local program, such as `127.0.0.1:53211`; for a unix socket its `unix:/path`. */
  readonly local: string
}

/** Events of a share or an opening. */
export interface GatewayEvents {
  /** A connection is being carried. */
  connection: (connection: ConnectionInfo) => void
  /** A connection could not be carried, or was broken off by other than its two programs. */
  error: (error: Error, connection: ConnectionInfo) => void
  /** It has closed: no connection is left. With the error if it closed by itself. */
  close: (error: Error | undefined) => void
}

/** Options of closing a share or an opening. */
export interface GatewayCloseOptions {
  /** Let running connections finish, however long they take. @default false */
  readonly drain?: boolean
  /**
   * Milliseconds that running connections have to finish when `drain` is off; then they are reset.
   * @default 5000
   */
  readonly timeout?: number
  /** Ends the waiting: what still runs is reset. */
  readonly signal?: AbortSignal
}
