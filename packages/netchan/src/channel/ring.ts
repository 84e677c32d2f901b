/** Room to begin with, and to fall back to; a power of two. */
const INITIAL = 16
/** An empty ring with more room than this gives it back. */
const KEPT = 1024

/** A first-in first-out list in one array, which grows as needed. Whoever pushes keeps the bound. */
export class Ring<T> {
  #items = room<T>(INITIAL)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  /** Takes the oldest item; only while there is one. */
  shift(): T {
    const item = this.#items[this.#head] as T
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    if (this.#length === 0 && this.#items.length > KEPT) {
      this.#items = room<T>(INITIAL)
      this.#head = 0
    }
    return item
  }

  #grow(): void {
    const items = room<T>(this.#items.length * 2)
    for (let i = 0; i < this.#length; i++) {
      items[i] = this.#items[(this.#head + i) & (this.#items.length - 1)]
    }
    this.#items = items
    this.#head = 0
  }
}

function room<T>(length: number): (T | undefined)[] {
  return Array.from({ length })
}
