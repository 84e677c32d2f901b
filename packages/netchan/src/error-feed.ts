/**
 * Errors that no call waits for, oldest first. Bounded: when nobody reads, the oldest are dropped
 * and counted. Never ends anything by itself.
 */
export class ErrorFeed implements AsyncIterable<Error, undefined> {
  readonly #max: number
  readonly #errors: Error[] = []
  #waiting: ((result: IteratorResult<Error, undefined>) => void)[] = []
  #dropped = 0
  #closed = false

  constructor(max: number) {
    this.#max = max
  }

  /** Errors that nobody has read, and that were dropped for newer ones. */
  get dropped(): number {
    return this.#dropped
  }

  /** Errors that wait to be read. */
  get length(): number {
    return this.#errors.length
  }

  add(error: Error): void {
    if (this.#closed) return
    const reader = this.#waiting.shift()
    if (reader !== undefined) {
      reader({ done: false, value: error })
      return
    }
    if (this.#errors.length === this.#max) {
      this.#errors.shift()
      this.#dropped++
    }
    this.#errors.push(error)
  }

  /** Readers get what is left, then the end. */
  close(): void {
    this.#closed = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const reader of waiting) reader({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): AsyncIterator<Error, undefined> {
    let waiting: ((result: IteratorResult<Error, undefined>) => void) | undefined
    return {
      next: () => {
        const error = this.#errors.shift()
        if (error !== undefined) return Promise.resolve({ done: false, value: error })
        if (this.#closed) return Promise.resolve({ done: true, value: undefined })
        return new Promise(resolve => {
          waiting = resolve
          this.#waiting.push(resolve)
        })
      },
      return: () => {
        this.#waiting = this.#waiting.filter(reader => reader !== waiting)
        waiting?.({ done: true, value: undefined })
        return Promise.resolve({ done: true, value: undefined })
      }
    }
  }
}
