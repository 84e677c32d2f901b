/** What the watch asks of a connection. */
export interface Stallable {
  /** Bytes that wait for the socket. */
  readonly pending: number
  /** Bytes the socket has taken since it was opened. */
  readonly taken: number
  /** Longest time, in milliseconds, without any of the pending bytes being taken. */
  readonly writeStallTimeout: number
  /** Called when it has passed. */
  onStalled(): void
}

const SWEEP_INTERVAL = 1_000

/**
 * Finds sockets that take nothing of what is pending. One timer serves all connections, and runs
 * only while one of them has something pending: nearly never, since a write to a socket with room
 * is done when it returns.
 */
export class StallWatch {
  readonly #now: () => number
  readonly #watched = new Map<Stallable, { taken: number; since: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size(): number {
    return this.#watched.size
  }

  /** Watches a connection until nothing is pending on it. */
  add(connection: Stallable): void {
    if (connection.writeStallTimeout === 0 || this.#watched.has(connection)) return
    this.#watched.set(connection, { taken: connection.taken, since: this.#now() })
    // Unreferenced: the sockets keep the process alive as long as that makes sense.
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_INTERVAL).unref()
  }

  remove(connection: Stallable): void {
    this.#watched.delete(connection)
    this.#stopWhenEmpty()
  }

  sweep(): void {
    const now = this.#now()
    for (const [connection, seen] of this.#watched) {
      const { pending, taken } = connection
      if (pending === 0) {
        this.#watched.delete(connection)
      } else if (taken !== seen.taken) {
        seen.taken = taken
        seen.since = now
      } else if (now - seen.since >= connection.writeStallTimeout) {
        this.#watched.delete(connection)
        connection.onStalled()
      }
    }
    this.#stopWhenEmpty()
  }

  #stopWhenEmpty(): void {
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
