import type { Socket } from 'node:net'
import { PoolClosedError } from '../errors.ts'
import { PoolCore } from './pool-core.ts'
import type { PoolAction, PoolPolicy } from './pool-core.ts'
import { PooledConn } from './pooled-conn.ts'

/** Counters of a pool. */
export interface PoolStats {
  /** Connections ready, in use, and being made. */
  readonly idle: number
  readonly busy: number
  readonly connecting: number
  /** Sessions that wait for a connection. */
  readonly waiting: number
  /** Connections made, since it began. */
  readonly connected: number
  /** Sessions that found one ready, since it began. */
  readonly hits: number
  /** Ready connections that had died or were not clean, and were replaced, since it began. */
  readonly replaced: number
}

interface Borrower {
  readonly resolve: (conn: PooledConn) => void
  readonly reject: (error: Error) => void
}

/** Connections to one target, kept as a {@link PoolCore} says. */
export class TargetPool {
  readonly #core: PoolCore
  readonly #connect: (signal: AbortSignal) => Promise<Socket>
  readonly #conns = new Map<number, PooledConn>()
  readonly #borrowers = new Map<number, Borrower>()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #ids = 0
  #running = false
  #connected = 0
  #hits = 0
  #replaced = 0

  /** `connect` makes a connection: paused, and with a listener for `error` that stays. */
  constructor(policy: PoolPolicy, connect: (signal: AbortSignal) => Promise<Socket>) {
    this.#core = new PoolCore(policy)
    this.#connect = connect
  }

  /** Begins to keep connections ready. */
  start(): void {
    this.#core.start(now())
    this.#run()
  }

  /**
   * A connection for one user, paused; its `head` comes before what is read from it. It goes back
   * by {@link release}.
   *
   * @throws the error of the connection attempt, PoolExhaustedError, PoolClosedError, the signal's
   * reason
   */
  async borrow(signal?: AbortSignal): Promise<PooledConn> {
    signal?.throwIfAborted()
    const id = this.#ids++
    let onAbort = (): void => {}
    try {
      return await new Promise<PooledConn>((resolve, reject) => {
        this.#borrowers.set(id, { resolve, reject })
        onAbort = () => {
          this.#borrowers.delete(id)
          this.#core.cancel(id)
          this.#run()
          reject(signal?.reason as Error)
        }
        signal?.addEventListener('abort', onAbort)
        this.#core.borrow(id, now())
        this.#run()
      })
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Gives a borrowed connection back. It is used again only if the pool reuses, `clean` is said,
   * and nothing of it is unread, unwritten or ended; otherwise it is destroyed.
   */
  release(conn: PooledConn, clean: boolean): void {
    const { socket } = conn
    const open = !socket.destroyed && socket.writable && !socket.readableEnded
    const empty = socket.readableLength === 0 && socket.writableLength === 0
    conn.used = true
    conn.head = []
    this.#core.release(conn.id, clean && open && empty, now())
    this.#run()
  }

  stats(): PoolStats {
    const { idle, busy, connecting, waiting } = this.#core
    return {
      idle,
      busy,
      connecting,
      waiting,
      connected: this.#connected,
      hits: this.#hits,
      replaced: this.#replaced
    }
  }

  /** Destroys what is ready or being made; what is in use is destroyed when it comes back. */
  destroy(): void {
    if (this.#closing.signal.aborted) return
    this.#core.close()
    this.#run()
    this.#closing.abort(new PoolClosedError('the pool is closed'))
  }

  /** Does what the core says, and sets the timer. What follows from an action is done in turn. */
  #run(): void {
    if (this.#running) return
    this.#running = true
    let action = this.#core.pollAction()
    while (action !== undefined) {
      this.#perform(action)
      action = this.#core.pollAction()
    }
    this.#running = false
    this.#setTimer()
  }

  #perform(action: PoolAction): void {
    switch (action.do) {
      case 'connect':
        void this.#dial()
        return
      case 'keep':
        return this.#keep(action.conn)
      case 'destroy':
        return this.#destroy(action.conn)
      case 'grant':
        return this.#grant(action.waiter, action.conn, action.fresh)
      case 'reject':
        this.#borrowers.get(action.waiter)?.reject(action.error)
        this.#borrowers.delete(action.waiter)
        return
    }
  }

  async #dial(): Promise<void> {
    try {
      const socket = await this.#connect(this.#closing.signal)
      const conn = new PooledConn(this.#ids++, socket)
      this.#connected++
      this.#conns.set(conn.id, conn)
      this.#core.connected(conn.id, now())
    } catch (error) {
      this.#core.failed(error as Error, now())
    }
    this.#run()
  }

  #keep(id: number): void {
    this.#conns.get(id)?.watch(() => {
      this.#replaced++
      this.#core.died(id, now())
      this.#run()
    })
  }

  #destroy(id: number): void {
    const conn = this.#conns.get(id)
    this.#conns.delete(id)
    conn?.unwatch()
    conn?.socket.destroy()
  }

  #grant(waiter: number, id: number, fresh: boolean): void {
    const conn = this.#conns.get(id)
    if (conn === undefined) return
    if (fresh) return this.#deliver(waiter, conn)
    // The kernel may know of an end or of stray bytes that the event loop has not come to. Two
    // immediates have a whole poll of the loop between them: then everything is known.
    conn.watch(() => {})
    setImmediate(() => setImmediate(() => this.#checked(waiter, conn)))
  }

  #checked(waiter: number, conn: PooledConn): void {
    conn.unwatch()
    if (!conn.dead) {
      this.#hits++
      return this.#deliver(waiter, conn)
    }
    this.#replaced++
    // A borrower that has gone in the meantime needs no other.
    if (this.#borrowers.has(waiter)) this.#core.retry(waiter, conn.id, now())
    else this.#core.release(conn.id, false, now())
    this.#run()
  }

  #deliver(waiter: number, conn: PooledConn): void {
    const borrower = this.#borrowers.get(waiter)
    this.#borrowers.delete(waiter)
    if (borrower !== undefined) return borrower.resolve(conn)
    this.#core.release(conn.id, false, now())
    this.#run()
  }

  #setTimer(): void {
    const at = this.#core.nextTimeout() ?? Infinity
    if (at === this.#timerAt) return
    this.#timerAt = at
    clearTimeout(this.#timer)
    if (at === Infinity) return
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(at - now())))
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Infinity
    this.#core.timeout(now())
    this.#run()
  }
}

function now(): number {
  return performance.now()
}
