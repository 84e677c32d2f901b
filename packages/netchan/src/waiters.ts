import { type AbortOptions } from '@libp2p/interface'
import { deadline, waitFor } from '@warren/utils'
import { NetchanTimeoutError } from './errors.ts'

/** Options of `drain` and `sync`. */
export interface WaitOptions extends AbortOptions {
  /** Milliseconds after which it gives up. Default: no limit. */
  readonly timeout?: number
}

/** Waits for conditions that are looked at again whenever something moves. */
export class Waiters {
  readonly #waiting = new Set<{ readonly isMet: () => boolean; readonly resolve: () => void }>()

  /** Something has moved. */
  progress(): void {
    if (this.#waiting.size === 0) return
    for (const waiter of this.#waiting) {
      if (!waiter.isMet()) continue
      this.#waiting.delete(waiter)
      waiter.resolve()
    }
  }

  /**
   * Resolves once the condition is met.
   *
   * @param describe what is still missing, for the message of the timeout
   * @throws NetchanTimeoutError; the signal's reason
   */
  async until(
    isMet: () => boolean,
    describe: () => string,
    { timeout, signal }: WaitOptions = {}
  ): Promise<void> {
    signal?.throwIfAborted()
    if (isMet()) return
    let resolve = (): void => {}
    const met = new Promise<void>(done => {
      resolve = done
    })
    const waiter = { isMet, resolve }
    this.#waiting.add(waiter)
    const limit =
      timeout === undefined
        ? undefined
        : deadline(timeout, () => new NetchanTimeoutError(describe()), signal)
    try {
      await waitFor(met, limit?.signal ?? signal)
    } finally {
      limit?.clear()
      this.#waiting.delete(waiter)
    }
  }
}
