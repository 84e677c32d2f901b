/** Values between two looks. */
const EVERY = 5_000

/** How far the resident memory of this process rises above where it was. */
export class MemoryWatch {
  #from = 0
  #peak = 0

  begin(): void {
    globalThis.gc?.()
    this.#from = process.memoryUsage.rss()
    this.#peak = this.#from
  }

  look(values: number): void {
    if (values % EVERY === 0) this.#peak = Math.max(this.#peak, process.memoryUsage.rss())
  }

  /** Megabytes. */
  get grown(): number {
    return (this.#peak - this.#from) / 1e6
  }
}
