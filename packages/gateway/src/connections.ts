import type { Socket } from 'node:net'
import type { ByteSession } from '@warren/tunnel'
import { ConnectionResetError, SessionDialError, SessionFailedError } from './errors.ts'
import { Events } from './events.ts'
import { fromReset } from './splice/reset-codes.ts'
import { Splice } from './splice/splice.ts'
import type { SpliceEnd, SpliceOptions } from './splice/splice.ts'
import type { ConnectionInfo, GatewayEvents, GatewayStats } from './types.ts'

/** Kinds of failure that are counted apart; some names come from peers. */
const MAX_FAILURE_CODES = 64

/** The forwarded connections of one share or opening: their counters, their events, their end. */
export class Connections {
  readonly events = new Events<GatewayEvents>()
  readonly #live = new Set<Splice>()
  readonly #bytes = { toSession: 0, fromSession: 0 }
  readonly #failed = new Map<string, number>()
  readonly #whenEmpty: (() => void)[] = []
  #open = 0
  #total = 0
  #reset = 0

  /** Connections that were taken up and not yet let go. */
  get open(): number {
    return this.#open
  }

  /** A connection is taken up; {@link carry} or {@link leave} follows. */
  enter(): void {
    this.#open++
    this.#total++
  }

  /** A connection that was taken up is over. */
  leave(): void {
    this.#open--
    if (this.#open === 0) for (const wake of this.#whenEmpty.splice(0)) wake()
  }

  /**
   * Carries a connection that was taken up to its end, counts how it ended, and lets it go. With
   * callbacks: an async function that waits keeps all it has seen, for as long as a connection is
   * idle.
   */
  carry(
    socket: Socket,
    session: ByteSession,
    info: ConnectionInfo,
    options: SpliceOptions,
    onEnd?: (end: SpliceEnd) => void
  ): void {
    const splice = new Splice(socket, session, { ...options, counters: this.#bytes })
    this.#live.add(splice)
    this.events.emit('connection', info)
    void splice.done.then(end => {
      this.#live.delete(splice)
      onEnd?.(end)
      if (end.why === 'socket') this.#reset++
      else if (end.why === 'session') this.lost(fromReset(end.error), info)
      else if (end.why === 'aborted') this.lost(end.error, info)
      this.leave()
    })
  }

  /** A connection could not be carried, or was broken off. */
  lost(error: Error, info: ConnectionInfo): void {
    // A program may reset its own connection; that is no failure of ours.
    if (error instanceof ConnectionResetError) {
      this.#reset++
      return
    }
    const code = failureCode(error)
    const known = this.#failed.has(code) || this.#failed.size < MAX_FAILURE_CODES
    const key = known ? code : 'ERR_OTHER'
    this.#failed.set(key, (this.#failed.get(key) ?? 0) + 1)
    this.events.emit('error', error, info)
  }

  /** Resets whatever runs. */
  abort(error: Error): void {
    for (const splice of this.#live) splice.abort(error)
  }

  /** Resolves when no connection is left. */
  async empty(): Promise<void> {
    if (this.#open > 0) await new Promise<void>(resolve => this.#whenEmpty.push(resolve))
  }

  stats(): GatewayStats {
    return {
      open: this.#open,
      total: this.#total,
      failed: Object.fromEntries(this.#failed),
      reset: this.#reset,
      bytesToTunnel: this.#bytes.toSession,
      bytesFromTunnel: this.#bytes.fromSession
    }
  }
}

/** The code that says why: of the cause, where the error itself only says that a session failed. */
function failureCode(error: Error): string {
  const wraps = error instanceof SessionDialError || error instanceof SessionFailedError
  const codes = [wraps ? codeOf(error.cause) : undefined, codeOf(error)]
  return codes.find(code => code !== undefined) ?? 'ERR_OTHER'
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : undefined
}
