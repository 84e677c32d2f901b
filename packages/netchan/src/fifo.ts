/** Room of a queue that is not empty; a power of two. */
const FEWEST = 16
/** An empty queue with more room than this gives it back. */
const KEPT = 1_024

/**
 * A queue in one array that wraps around: O(1) at both ends, and what was taken is let go of at once.
 * Whoever pushes keeps the bound.
 */
export class Fifo<T> {
  /** Its length is 0 or a power of two. */
  #items: (T | undefined)[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#resize(this.#length + 1)
    this.#items[this.#at(this.#length)] = item
    this.#length++
  }

  /** The oldest, left where it is. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = this.#at(1)
    if (--this.#length === 0 && this.#items.length > KEPT) {
      this.#items = []
      this.#head = 0
    }
    return item
  }

  /** Puts items before all others, in their order. */
  unshift(items: readonly T[]): void {
    if (this.#length + items.length > this.#items.length) this.#resize(this.#length + items.length)
    this.#head = this.#at(this.#items.length - items.length)
    for (const [i, item] of items.entries()) this.#items[this.#at(i)] = item
    this.#length += items.length
  }

  some(test: (item: T) => boolean): boolean {
    for (let i = 0; i < this.#length; i++) {
      if (test(this.#items[this.#at(i)] as T)) return true
    }
    return false
  }

  /** Takes all of them. */
  drain(): T[] {
    const items = Array.from({ length: this.#length }, (_, i) => this.#items[this.#at(i)] as T)
    this.#items = []
    this.#head = 0
    this.#length = 0
    return items
  }

  /** Where the item is that has so many before it. */
  #at(index: number): number {
    return (this.#head + index) & (this.#items.length - 1)
  }

  #resize(least: number): void {
    let room = FEWEST
    while (room < least) room *= 2
    this.#items = Array.from({ length: room }, (_, i) =>
      i < this.#length ? this.#items[this.#at(i)] : undefined
    )
    this.#head = 0
  }
}
