import { DeadlineQueue, type Expiring } from './deadline-queue.ts'

/** One timer of the system for all deadlines of a host. */
export class HostTimer {
  readonly #deadlines = new DeadlineQueue()
  readonly #isNeeded: () => boolean
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY

  /** @param isNeeded - `false`: what waits now keeps no process alive */
  constructor(isNeeded: () => boolean) {
    this.#isNeeded = isNeeded
  }

  /** Items that wait. */
  get size(): number {
    return this.#deadlines.size
  }

  /** Monotonic milliseconds. */
  now(): number {
    return performance.now()
  }

  /** Calls the item at `at`, or at the earlier time that was set before. */
  schedule(item: Expiring, at: number): void {
    this.#deadlines.set(item, at)
    this.#arm()
  }

  unschedule(item: Expiring): void {
    this.#deadlines.delete(item)
  }

  clear(): void {
    this.#deadlines.clear()
    clearTimeout(this.#timer)
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    const next = this.#deadlines.next
    if (next === undefined || next >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = next
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(next - this.now())))
    if (!this.#isNeeded()) this.#timer.unref()
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.now()
    for (let item = this.#deadlines.takeDue(now); item !== undefined; ) {
      item.onDeadline(now)
      item = this.#deadlines.takeDue(now)
    }
    this.#arm()
  }
}
