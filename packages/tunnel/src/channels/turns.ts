import { waitFor } from '@warren/utils'

/** Lets so many run at once; the others wait their turn, first come, first served. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Runs `work` when there is room; rejects with the signal's reason when that fires before. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    try {
      return await work()
    } finally {
      const [next] = this.#waiting
      // The place goes from hand to hand, so that nobody overtakes.
      if (next === undefined) this.#free++
      else next()
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    let turn = (): void => {}
    const mine = new Promise<void>(resolve => {
      turn = () => {
        this.#waiting.delete(turn)
        resolve()
      }
    })
    this.#waiting.add(turn)
    try {
      await waitFor(mine, signal)
    } finally {
      this.#waiting.delete(turn)
    }
  }
}
