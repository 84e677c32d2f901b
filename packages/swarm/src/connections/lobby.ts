import type { Connection } from '@libp2p/interface'
import { unref } from '@warren/utils'

/** Settings of a {@link Lobby}. */
export interface LobbyOptions {
  readonly places: number
  /** Milliseconds that a connection waits at most. */
  readonly timeout: number
  /** Ends a connection for which no place became free in time. */
  expired(connection: Connection): void
}

interface Waiting {
  readonly connection: Connection
  readonly until: number
  readonly onClose: () => void
}

/**
 * Connections of strangers that came while the swarm is full, oldest first; each waits a while for a
 * place. Those that end meanwhile leave by themselves.
 */
export class Lobby {
  readonly #options: LobbyOptions
  readonly #waiting = new Set<Waiting>()
  /** One timer, for the oldest: all have the same time to wait. */
  #timer: NodeJS.Timeout | undefined

  constructor(options: LobbyOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Takes a connection in, unless every place is taken. */
  enter(connection: Connection): boolean {
    if (this.#waiting.size >= this.#options.places) return false
    const waiting: Waiting = {
      connection,
      until: performance.now() + this.#options.timeout,
      onClose: () => this.#leave(waiting)
    }
    this.#waiting.add(waiting)
    connection.addEventListener('close', waiting.onClose)
    this.#arm()
    return true
  }

  /** The one that has waited longest; it is no longer here afterwards. */
  next(): Connection | undefined {
    const [oldest] = this.#waiting
    if (oldest === undefined) return undefined
    this.#leave(oldest)
    return oldest.connection
  }

  #leave(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return
    waiting.connection.removeEventListener('close', waiting.onClose)
    if (this.#waiting.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #arm(): void {
    const [oldest] = this.#waiting
    if (oldest === undefined || this.#timer !== undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#expire()
        this.#arm()
      },
      Math.max(1, oldest.until - performance.now())
    )
    unref(this.#timer)
  }

  #expire(): void {
    const now = performance.now()
    for (const waiting of this.#waiting) {
      if (waiting.until > now) return
      this.#leave(waiting)
      this.#options.expired(waiting.connection)
    }
  }
}
