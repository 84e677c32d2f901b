import { PoolClosedError, PoolExhaustedError } from '../errors.ts'

/**
 * How connections to a target are kept.
 *
 * - `warm`: fresh connections wait ready, and each is used once;
 * - `reuse`: a connection is used again after a session, if it is clean;
 * - `none`: each session dials.
 */
export type PoolMode = 'warm' | 'reuse' | 'none'

/** Limits of a pool. */
export interface PoolPolicy {
  readonly mode: PoolMode
  /** Connections kept ready. */
  readonly minIdle: number
  /** Connections in all: connecting, ready and in use. */
  readonly maxTotal: number
  /** Milliseconds that a connection may wait unused. */
  readonly maxIdle: number
  /** Borrowers that may wait while `maxTotal` connections are in use. */
  readonly maxWaiters: number
  /** Milliseconds that a borrower waits. */
  readonly waitTimeout: number
}

/**
 * What the shell has to do. `connect`: make one more connection; `keep`: watch this one, it waits
 * ready now; `grant`: this one is the waiter's (not `fresh`: it has been ready before, or in use).
 */
export type PoolAction =
  | { readonly do: 'connect' }
  | { readonly do: 'keep'; readonly conn: number }
  | { readonly do: 'destroy'; readonly conn: number }
  | {
      readonly do: 'grant'
      readonly waiter: number
      readonly conn: number
      readonly fresh: boolean
    }
  | { readonly do: 'reject'; readonly waiter: number; readonly error: Error }

/**
 * Connections in a row that may end unused (they died, or waited `maxIdle`) before no more are kept
 * ready until the next borrower. Some servers count connections that say nothing as attacks, or
 * take one of few places: nobody is to be dialled for ever on behalf of nobody.
 */
const MAX_UNUSED_IN_ROW = 4

/**
 * Delay before a connection is made ready again after one could not be made, doubling with each
 * failure in a row; milliseconds. The first that died after it had been ready is replaced at once.
 */
const REFILL_FIRST_MS = 250
const REFILL_MAX_MS = 30_000

interface Waiter {
  readonly id: number
  readonly until: number
}

interface Ready {
  readonly conn: number
  /** How long it may wait. */
  readonly until: number
}

/**
 * The policy of a pool of connections, without connections: it is told what happens, and says what
 * to do.
 *
 * Call order: any of {@link start}, {@link borrow}, {@link cancel}, {@link connected},
 * {@link failed}, {@link died}, {@link release}, {@link timeout}, {@link close}; then drain
 * {@link pollAction}; then ask {@link nextTimeout}. `now` is in milliseconds and never goes back.
 * Ids of connections and waiters are the caller's.
 */
export class PoolCore {
  readonly #policy: PoolPolicy
  /** Ready connections, oldest first. */
  readonly #idle: Ready[] = []
  readonly #busy = new Set<number>()
  /** First come, first served. */
  readonly #waiters = new Map<number, Waiter>()
  readonly #actions: PoolAction[] = []
  #connecting = 0
  #unusedInRow = 0
  #failuresInRow = 0
  #refillAt = 0
  #closed = false

  constructor(policy: PoolPolicy) {
    this.#policy = policy
  }

  get idle(): number {
    return this.#idle.length
  }

  get busy(): number {
    return this.#busy.size
  }

  get connecting(): number {
    return this.#connecting
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Begins to keep connections ready. */
  start(now: number): void {
    this.#refill(now)
  }

  /**
   * Somebody wants a connection: a `grant` or a `reject` for `waiter` follows.
   *
   * A ready connection is taken oldest first when each is used once (so that none waits long), and
   * newest first when they are reused (so that those too many grow old and go).
   */
  borrow(waiter: number, now: number): void {
    if (this.#closed) {
      const error = new PoolClosedError('the pool is closed')
      return this.#push({ do: 'reject', waiter, error })
    }
    this.#unusedInRow = 0
    const ready = this.#pick()
    if (ready !== undefined) {
      this.#grant(waiter, ready.conn, false, now)
      return this.#refill(now)
    }
    const uncovered = this.#waiters.size - this.#connecting
    if (this.#room <= 0 && uncovered >= this.#policy.maxWaiters) {
      const { maxTotal, maxWaiters } = this.#policy
      const text = `all ${maxTotal} connections to the target are in use and ${maxWaiters} sessions wait`
      const error = new PoolExhaustedError(`${text}: raise maxConnections, or try again later`)
      return this.#push({ do: 'reject', waiter, error })
    }
    this.#waiters.set(waiter, { id: waiter, until: now + this.#policy.waitTimeout })
    this.#cover()
    this.#refill(now)
  }

  /** The borrower has gone. What is being connected for it is kept ready instead. */
  cancel(waiter: number): void {
    this.#waiters.delete(waiter)
  }

  /** A connection that was asked for is there. */
  connected(conn: number, now: number): void {
    this.#connecting--
    if (this.#closed) return this.#push({ do: 'destroy', conn })
    this.#hand(conn, true, now)
    this.#refill(now)
  }

  /** A connection that was asked for failed: the borrower that nothing else can serve gets `error`. */
  failed(error: Error, now: number): void {
    this.#connecting--
    this.#unusedInRow++
    this.#backOff(now, REFILL_FIRST_MS)
    if (this.#closed) return
    const [oldest] = this.#waiters.values()
    if (oldest !== undefined && this.#waiters.size > this.#connecting) {
      this.#waiters.delete(oldest.id)
      this.#push({ do: 'reject', waiter: oldest.id, error })
    }
    this.#cover()
    this.#refill(now)
  }

  /** A ready connection ended, or is not clean. It is replaced without a word. */
  died(conn: number, now: number): void {
    const at = this.#idle.findIndex(ready => ready.conn === conn)
    if (at === -1) return
    this.#idle.splice(at, 1)
    this.#unusedInRow++
    this.#backOff(now, this.#failuresInRow === 0 ? 0 : REFILL_FIRST_MS / 2)
    this.#push({ do: 'destroy', conn })
    this.#refill(now)
  }

  /**
   * A granted connection was found dead before its borrower had it: it is thrown away and the
   * borrower is served anew, in front of all others.
   */
  retry(waiter: number, conn: number, now: number): void {
    this.#busy.delete(conn)
    this.#push({ do: 'destroy', conn })
    if (this.#closed) {
      const error = new PoolClosedError('the pool is closed')
      return this.#push({ do: 'reject', waiter, error })
    }
    const ready = this.#pick()
    if (ready !== undefined) {
      this.#grant(waiter, ready.conn, false, now)
    } else {
      const others = [...this.#waiters.values()]
      const until = Math.min(now + this.#policy.waitTimeout, others[0]?.until ?? Infinity)
      this.#waiters.clear()
      this.#waiters.set(waiter, { id: waiter, until })
      for (const other of others) this.#waiters.set(other.id, other)
      this.#cover()
    }
    this.#refill(now)
  }

  /** A borrower is done. Only a clean connection of a pool that reuses is kept. */
  release(conn: number, clean: boolean, now: number): void {
    if (!this.#busy.delete(conn)) return
    const keep = clean && this.#policy.mode === 'reuse' && !this.#closed
    if (keep) this.#hand(conn, false, now)
    else this.#push({ do: 'destroy', conn })
    this.#cover()
    this.#refill(now)
  }

  /** Time has come: see {@link nextTimeout}. */
  timeout(now: number): void {
    for (const { id, until } of this.#waiters.values()) {
      if (until > now) break
      this.#waiters.delete(id)
      const { waitTimeout, maxTotal } = this.#policy
      const text = `no connection to the target came free within ${waitTimeout} ms (at most ${maxTotal})`
      const error = new PoolExhaustedError(`${text}: raise maxConnections, or try again later`)
      this.#push({ do: 'reject', waiter: id, error })
    }
    for (let old = this.#idle[0]; old !== undefined && old.until <= now; old = this.#idle[0]) {
      this.#idle.shift()
      this.#unusedInRow++
      this.#push({ do: 'destroy', conn: old.conn })
    }
    this.#refill(now)
  }

  /** When {@link timeout} is to be called; `undefined` for not at all. */
  nextTimeout(): number | undefined {
    // Both queues are in the order of their ends, since all wait equally long.
    const [waiter] = this.#waiters.values()
    const refill = this.#wanted > 0 ? this.#refillAt : Infinity
    const next = Math.min(waiter?.until ?? Infinity, this.#idle[0]?.until ?? Infinity, refill)
    return next === Infinity ? undefined : next
  }

  /** Everything ready is destroyed and everybody who waits is turned away. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const { conn } of this.#idle.splice(0)) this.#push({ do: 'destroy', conn })
    for (const waiter of this.#waiters.keys()) {
      this.#push({ do: 'reject', waiter, error: new PoolClosedError('the pool is closed') })
    }
    this.#waiters.clear()
  }

  pollAction(): PoolAction | undefined {
    return this.#actions.shift()
  }

  /** How many more connections there may be. */
  get #room(): number {
    return this.#policy.maxTotal - this.#connecting - this.#idle.length - this.#busy.size
  }

  /** How many more connections should be made ready. */
  get #wanted(): number {
    if (this.#closed || this.#policy.mode === 'none') return 0
    if (this.#unusedInRow >= MAX_UNUSED_IN_ROW) return 0
    const coming = Math.max(0, this.#connecting - this.#waiters.size)
    return Math.min(this.#policy.minIdle - this.#idle.length - coming, this.#room)
  }

  #pick(): Ready | undefined {
    return this.#policy.mode === 'reuse' ? this.#idle.pop() : this.#idle.shift()
  }

  #hand(conn: number, fresh: boolean, now: number): void {
    const [waiter] = this.#waiters.keys()
    if (waiter !== undefined) {
      this.#waiters.delete(waiter)
      return this.#grant(waiter, conn, fresh, now)
    }
    // Its borrower has gone in the meantime.
    const { mode, minIdle, maxIdle } = this.#policy
    const spare = mode === 'none' || (mode === 'warm' && this.#idle.length >= minIdle)
    if (spare) return this.#push({ do: 'destroy', conn })
    this.#idle.push({ conn, until: now + maxIdle })
    this.#push({ do: 'keep', conn })
  }

  #grant(waiter: number, conn: number, fresh: boolean, now: number): void {
    this.#failuresInRow = 0
    this.#refillAt = now
    this.#busy.add(conn)
    this.#push({ do: 'grant', waiter, conn, fresh })
  }

  /** Every borrower that waits has a connection coming, as far as there is room. */
  #cover(): void {
    while (this.#waiters.size > this.#connecting && this.#room > 0) this.#connect()
  }

  #refill(now: number): void {
    if (now < this.#refillAt) return
    for (let wanted = this.#wanted; wanted > 0; wanted--) this.#connect()
  }

  #connect(): void {
    this.#connecting++
    this.#push({ do: 'connect' })
  }

  /** `first`: the pause after the first failure in a row. */
  #backOff(now: number, first: number): void {
    const delay = Math.min(REFILL_MAX_MS, first * 2 ** Math.min(this.#failuresInRow, 16))
    this.#failuresInRow++
    this.#refillAt = now + delay
  }

  #push(action: PoolAction): void {
    this.#actions.push(action)
  }
}
