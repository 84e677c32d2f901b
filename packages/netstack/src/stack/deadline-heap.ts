/** Something with a deadline in a {@link DeadlineHeap}. */
export interface Timed {
  /** When it is to be looked at, as kept by the heap; `Infinity` outside. */
  deadline: number
  /** Its place in the heap; -1 outside. */
  place: number
}

/** A binary heap of deadlines, the earliest first. Entries know their place: no search, no garbage. */
export class DeadlineHeap<T extends Timed> {
  readonly #heap: T[] = []

  /** Entries that have a deadline. */
  get size(): number {
    return this.#heap.length
  }

  /** The entry that is due first. */
  get first(): T | undefined {
    return this.#heap[0]
  }

  /**
   * Makes `entry` due at `at` unless it is due earlier already: a later deadline costs nothing, the
   * entry is looked at once too early and put back.
   */
  arm(entry: T, at: number): void {
    if (entry.place < 0) {
      if (at === Infinity) return
      entry.deadline = at
      entry.place = this.#heap.length
      this.#heap.push(entry)
    } else if (at < entry.deadline) entry.deadline = at
    else return
    this.#up(entry)
  }

  /** Takes an entry out. */
  remove(entry: T): void {
    const place = entry.place
    if (place < 0) return
    const last = this.#heap.pop() as T
    if (last !== entry) {
      last.place = place
      this.#heap[place] = last
      this.#up(last)
      this.#down(last)
    }
    entry.place = -1
    entry.deadline = Infinity
  }

  #up(entry: T): void {
    const heap = this.#heap
    let i = entry.place
    while (i > 0) {
      const up = (i - 1) >> 1
      const parent = heap[up] as T
      if (parent.deadline <= entry.deadline) break
      heap[i] = parent
      parent.place = i
      i = up
    }
    heap[i] = entry
    entry.place = i
  }

  #down(entry: T): void {
    const heap = this.#heap
    const size = heap.length
    let i = entry.place
    for (;;) {
      let down = 2 * i + 1
      if (down >= size) break
      if (down + 1 < size && (heap[down + 1] as T).deadline < (heap[down] as T).deadline) down++
      const child = heap[down] as T
      if (child.deadline >= entry.deadline) break
      heap[i] = child
      child.place = i
      i = down
    }
    heap[i] = entry
    entry.place = i
  }
}
