/** Something that wants to be called at a time. */
export interface Expiring {
  /** `now` is at or behind the deadline that was set. */
  onDeadline(now: number): void
}

interface Entry {
  readonly at: number
  item: Expiring | undefined
}

/** Outdated entries that are kept at most, beside as many as there are live ones. */
const SLACK = 64

/**
 * Deadlines of many things behind one timer: a binary heap. An item has one deadline; setting a
 * later one while an earlier stands keeps the earlier (the item is asked again when it is due).
 */
export class DeadlineQueue {
  #heap: Entry[] = []
  readonly #entries = new Map<Expiring, Entry>()

  get size(): number {
    return this.#entries.size
  }

  /** The earliest deadline. */
  get next(): number | undefined {
    this.#dropOutdated()
    return this.#heap[0]?.at
  }

  set(item: Expiring, at: number): void {
    const old = this.#entries.get(item)
    if (old !== undefined) {
      if (old.at <= at) return
      old.item = undefined
    }
    const entry: Entry = { at, item }
    this.#entries.set(item, entry)
    this.#push(entry)
    if (this.#heap.length > 2 * this.#entries.size + SLACK) this.#rebuild()
  }

  delete(item: Expiring): void {
    const entry = this.#entries.get(item)
    if (entry === undefined) return
    // The heap must not keep the item alive until its deadline.
    entry.item = undefined
    this.#entries.delete(item)
  }

  clear(): void {
    this.#heap = []
    this.#entries.clear()
  }

  /** Removes and returns an item that is due, if there is one. */
  takeDue(now: number): Expiring | undefined {
    const at = this.next
    if (at === undefined || at > now) return undefined
    const item = this.#pop()?.item
    if (item !== undefined) this.#entries.delete(item)
    return item
  }

  #dropOutdated(): void {
    while (this.#heap.length > 0 && this.#heap[0]?.item === undefined) this.#pop()
  }

  #rebuild(): void {
    // Sorted by time is a heap.
    this.#heap = [...this.#entries.values()].sort((a, b) => a.at - b.at)
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Entry
      if (above.at <= entry.at) break
      heap[i] = above
      i = parent
    }
    heap[i] = entry
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      const left = heap[child]
      if (left === undefined) break
      const right = heap[child + 1]
      if (right !== undefined && right.at < left.at) child++
      const smaller = heap[child] as Entry
      if (last.at <= smaller.at) break
      heap[i] = smaller
      i = child
    }
    heap[i] = last
    return first
  }
}
