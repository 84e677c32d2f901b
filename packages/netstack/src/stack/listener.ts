import type { Connection, HalfOpenCount } from './connection.ts'

/** How a listener meets a SYN for which it has no room. */
export type SynCookieMode = 'auto' | 'always' | 'never'

/** Told of each connection whose handshake is complete, before anything else happens to it. */
export type AcceptConnection = (connection: Connection) => void

/** A port on which connections are accepted. */
export class Listener implements HalfOpenCount {
  /** `undefined` for any address. */
  readonly address: Int32Array | undefined
  readonly port: number
  readonly backlog: number
  readonly cookies: SynCookieMode
  readonly #accept: AcceptConnection
  readonly #halfOpen = new Set<Connection>()
  /** Until then a segment without a connection may bring a cookie back. */
  cookiesUntil = -Infinity

  constructor(
    address: Int32Array | undefined,
    port: number,
    backlog: number,
    cookies: SynCookieMode,
    accept: AcceptConnection
  ) {
    this.address = address
    this.port = port
    this.backlog = backlog
    this.cookies = cookies
    this.#accept = accept
  }

  /** Connections whose handshake is under way. */
  get halfOpen(): ReadonlySet<Connection> {
    return this.#halfOpen
  }

  /** Whether one more handshake may be kept state of. */
  get hasRoom(): boolean {
    return this.cookies !== 'always' && this.#halfOpen.size < this.backlog
  }

  /** Counts a connection until its handshake has ended. */
  handshakeBegun(connection: Connection): void {
    this.#halfOpen.add(connection)
    connection.halfOpenIn = this
  }

  handshakeEnded(connection: Connection, completed: boolean): void {
    this.#halfOpen.delete(connection)
    if (completed) this.#accept(connection)
  }
}
