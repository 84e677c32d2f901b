import type { Connection, Logger } from '@libp2p/interface'
import { ConnectionLimitError, SwarmClosedError, toError } from '../errors.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Admission } from './admission.ts'
import { Lobby } from './lobby.ts'
import type { Privileges } from './privileges.ts'
import type { Trimmer } from './trimmer.ts'

/** What a {@link Reception} works with. */
export interface ReceptionContext {
  readonly admission: Admission
  readonly privileges: Privileges
  readonly trimmer: Trimmer
  readonly limiter: Limiter
  readonly log: Logger
  /** Strangers that may wait for a place, and for how many milliseconds. */
  readonly places: number
  readonly timeout: number
  /** Registers a connection and starts its streams. May throw. */
  adopt(connection: Connection): void
}

/**
 * Receives inbound connections. While there is room each is registered. In a full house one of those
 * for whom a place is kept comes in for the least valuable of the others, which goes; strangers wait
 * in a small lobby, and beyond it are told that there is no room.
 */
export class Reception {
  readonly #context: ReceptionContext
  readonly #lobby: Lobby
  #closed = false

  constructor(context: ReceptionContext) {
    this.#context = context
    this.#lobby = new Lobby({
      places: context.places,
      timeout: context.timeout,
      expired: connection => this.#turnAway(connection)
    })
  }

  /** Strangers that wait for a place. */
  get waiting(): number {
    return this.#lobby.size
  }

  take(connection: Connection): void {
    const { admission, privileges, trimmer } = this.#context
    if (this.#closed) connection.abort(new SwarmClosedError())
    else if (!admission.full) this.#adopt(connection)
    else if (
      privileges.has(connection.remotePeer, connection.remoteAddr) &&
      trimmer.canMakeRoom()
    ) {
      this.#adopt(connection)
    } else if (!this.#lobby.enter(connection)) this.#turnAway(connection)
  }

  /** The number of connections, or of those allowed, has changed: who waits may come in. */
  roomChanged(): void {
    const { admission } = this.#context
    while (admission.takesStrangers) {
      const connection = this.#lobby.next()
      if (connection === undefined) return
      this.#adopt(connection)
    }
  }

  close(): void {
    this.#closed = true
    for (let left = this.#lobby.next(); left !== undefined; left = this.#lobby.next()) {
      left.abort(new SwarmClosedError())
    }
  }

  #adopt(connection: Connection): void {
    try {
      this.#context.adopt(connection)
    } catch (error) {
      this.#context.log('refused a connection of %p - %e', connection.remotePeer, error)
      connection.abort(toError(error))
    }
  }

  #turnAway(connection: Connection): void {
    this.#context.limiter.refusedForRoom()
    connection.abort(
      new ConnectionLimitError('the swarm has as many connections as it takes: try again later')
    )
  }
}
