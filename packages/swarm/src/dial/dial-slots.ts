import { DialQueueFullError } from '../errors.ts'

/** Limits of {@link DialSlots}. */
export interface DialSlotsOptions {
  /** Dials in flight at once; each holds a file descriptor. */
  readonly total: number
  /** Dials in flight at once to one peer. */
  readonly perPeer: number
  /** Dials that wait for a place. */
  readonly queue: number
}

interface Waiter {
  readonly peer: string
  readonly grant: () => void
}

/** The places for dials: first come, first served, but a full peer does not hold up the others. */
export class DialSlots {
  readonly #options: DialSlotsOptions
  readonly #perPeer = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  #taken = 0

  constructor(options: DialSlotsOptions) {
    this.#options = options
  }

  /** Dials in flight. */
  get taken(): number {
    return this.#taken
  }

  /** Dials that wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /**
   * Takes a place for a dial to `peer`, waiting for one if need be; the result gives it back.
   *
   * @throws {DialQueueFullError} when too many wait already
   * @throws the signal's reason when it aborts before there is a place
   */
  async acquire(peer: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (!this.#free(peer)) await this.#wait(peer, signal)
    else this.#take(peer)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#release(peer)
    }
  }

  async #wait(peer: string, signal: AbortSignal): Promise<void> {
    if (this.#waiters.size >= this.#options.queue) {
      throw new DialQueueFullError(
        `${this.#waiters.size} dials wait already (limit ${this.#options.queue}); try again later`
      )
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(waiter)
        reject(signal.reason as Error)
      }
      const waiter: Waiter = {
        peer,
        grant: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        }
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
    })
  }

  #free(peer: string): boolean {
    const { total, perPeer } = this.#options
    return this.#taken < total && (this.#perPeer.get(peer) ?? 0) < perPeer
  }

  #take(peer: string): void {
    this.#taken++
    this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1)
  }

  #release(peer: string): void {
    this.#taken--
    const left = (this.#perPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#perPeer.delete(peer)
    else this.#perPeer.set(peer, left)
    for (const waiter of this.#waiters) {
      if (this.#taken >= this.#options.total) return
      if (!this.#free(waiter.peer)) continue
      // Taken on the waiter's behalf, so that no newcomer slips in before its promise settles.
      this.#waiters.delete(waiter)
      this.#take(waiter.peer)
      waiter.grant()
    }
  }
}
