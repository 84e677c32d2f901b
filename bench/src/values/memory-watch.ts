/** Values between two looks. */
const EVERY = 5_000

/** How the resident memory of this process fares while so many values pass. */
export class MemoryWatch {
  #values = 0
  #from = 0
  #firstHalf = 0
  #secondHalf = 0

  begin(values: number): void {
    globalThis.gc?.()
    this.#values = values
    this.#from = process.memoryUsage.rss()
    this.#firstHalf = this.#from
    this.#secondHalf = this.#from
  }

  look(passed: number): void {
    if (passed % EVERY !== 0) return
    const now = process.memoryUsage.rss()
    if (passed * 2 < this.#values) this.#firstHalf = Math.max(this.#firstHalf, now)
    else this.#secondHalf = Math.max(this.#secondHalf, now)
  }

  /** Megabytes: the peak above the beginning, and that of the second half above that of the first. */
  get result(): { readonly peak: number; readonly later: number } {
    const peak = Math.max(this.#firstHalf, this.#secondHalf)
    return {
      peak: (peak - this.#from) / 1e6,
      later: (this.#secondHalf - this.#firstHalf) / 1e6
    }
  }
}
