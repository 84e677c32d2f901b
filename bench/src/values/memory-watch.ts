/** Values between two looks. */
const EVERY = 5_000

/** The peaks of resident memory, in bytes, while each half of so many values passed. */
export interface Peaks {
  readonly first: number
  readonly second: number
}

/** Watches the resident memory of this process while values pass. */
export class MemoryWatch {
  #values = 0
  #first = 0
  #second = 0

  begin(values: number): void {
    globalThis.gc?.()
    this.#values = values
    this.#first = process.memoryUsage.rss()
    this.#second = 0
  }

  look(passed: number): void {
    if (passed % EVERY !== 0) return
    const now = process.memoryUsage.rss()
    if (passed * 2 < this.#values) this.#first = Math.max(this.#first, now)
    else this.#second = Math.max(this.#second, now)
  }

  get peaks(): Peaks {
    return { first: this.#first, second: this.#second }
  }
}
