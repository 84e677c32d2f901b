import type { AbortOptions } from '@libp2p/interface'

/** Somebody who waits in a {@link WaitList}. */
interface Waiter<T> {
  settle(value: T): void
  fail(error: unknown): void
}

/**
 * Promises that are settled by hand, in order. A signal that aborts takes its waiter out, and no
 * listener stays on it.
 */
export class WaitList<T> {
  readonly #waiters = new Set<Waiter<T>>()

  get size(): number {
    return this.#waiters.size
  }

  wait(options: AbortOptions = {}): Promise<T> {
    const { signal } = options
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter<T> = {
        settle: value => {
          leave()
          resolve(value)
        },
        fail: error => {
          leave()
          reject(error as Error)
        }
      }
      const onAbort = (): void => waiter.fail(signal?.reason)
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      signal?.addEventListener('abort', onAbort)
      this.#waiters.add(waiter)
    })
  }

  /** Settles who waits longest; `false` when nobody waits. */
  settleFirst(value: T): boolean {
    for (const waiter of this.#waiters) {
      waiter.settle(value)
      return true
    }
    return false
  }

  settleAll(value: T): void {
    for (const waiter of this.#waiters) waiter.settle(value)
  }

  failAll(error: unknown): void {
    for (const waiter of this.#waiters) waiter.fail(error)
  }
}
