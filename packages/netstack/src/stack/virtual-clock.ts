import type { Clock, ClockTimer } from './clock.ts'

interface Event {
  readonly at: number
  /** Events of the same moment run in the order in which they were made. */
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/**
 * A clock whose time passes only when it is told to: whatever runs on it is deterministic, and an
 * hour of it takes as long as its events do.
 */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  readonly #heap: Event[] = []
  #pending = 0

  /** @param start - milliseconds at which it starts */
  constructor(start = 0) {
    this.#now = start
  }

  /** Events that are still to come. */
  get pending(): number {
    return this.#pending
  }

  now(): number {
    return this.#now
  }

  timer(run: () => void): ClockTimer {
    let event: Event | undefined
    const clear = (): void => {
      if (event === undefined) return
      event.cancelled = true
      this.#pending--
      event = undefined
    }
    return {
      set: at => {
        if (event?.at === at) return
        clear()
        event = this.#push(at, () => {
          event = undefined
          run()
        })
      },
      clear
    }
  }

  soon(run: () => void): void {
    this.#push(this.#now, run)
  }

  later(run: () => void): void {
    this.#push(this.#now, run)
  }

  /** Calls `run` at `at`, or at once when that is past. */
  at(at: number, run: () => void): void {
    this.#push(at, run)
  }

  /**
   * Runs events in order until there is none at or before `until`, and stops there.
   *
   * @param stop - looked at after each event; `true` ends the run at that event's time
   */
  run(until = Infinity, stop?: () => boolean): void {
    for (;;) {
      const event = this.#heap[0]
      if (event === undefined || event.at > until) break
      this.#pop()
      if (event.cancelled) continue
      this.#pending--
      if (event.at > this.#now) this.#now = event.at
      event.run()
      if (stop?.() === true) return
    }
    if (until !== Infinity && until > this.#now) this.#now = until
  }

  #push(at: number, run: () => void): Event {
    const event = { at, order: this.#order++, run, cancelled: false }
    const heap = this.#heap
    let i = heap.length
    heap.push(event)
    while (i > 0) {
      const up = (i - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || !before(event, parent)) break
      heap[i] = parent
      i = up
    }
    heap[i] = event
    this.#pending++
    return event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    for (;;) {
      let down = 2 * i + 1
      let child = heap[down]
      if (child === undefined) break
      const right = heap[down + 1]
      if (right !== undefined && before(right, child)) {
        child = right
        down++
      }
      if (!before(child, last)) break
      heap[i] = child
      i = down
    }
    heap[i] = last
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
