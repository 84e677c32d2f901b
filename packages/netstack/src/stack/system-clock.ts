import type { Clock, ClockTimer } from './clock.ts'

/** Longest wait that one Node timer is set for; what is due later is looked at again then. */
const MAX_WAIT = 0x3fff_ffff

/** The machine's monotonic clock and Node's timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  timer: run => new SystemTimer(run),
  soon: queueMicrotask,
  later: run => {
    setImmediate(run)
  }
}

/**
 * One Node timer. Set to a later moment it is left alone and set again when it fires: a connection
 * pushes its deadline out with every segment, and arming a Node timer costs more than looking.
 */
class SystemTimer implements ClockTimer {
  readonly #run: () => void
  #handle: NodeJS.Timeout | undefined
  #armedFor = Infinity
  #due = Infinity

  constructor(run: () => void) {
    this.#run = run
  }

  set(at: number): void {
    this.#due = at
    if (this.#armedFor <= at) return
    clearTimeout(this.#handle)
    this.#arm()
  }

  clear(): void {
    this.#due = this.#armedFor = Infinity
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  #arm(): void {
    this.#armedFor = this.#due
    const wait = Math.min(Math.max(this.#due - performance.now(), 0), MAX_WAIT)
    this.#handle = setTimeout(() => this.#fire(), Math.ceil(wait))
  }

  #fire(): void {
    this.#handle = undefined
    this.#armedFor = Infinity
    if (this.#due === Infinity) return
    if (performance.now() < this.#due) {
      this.#arm()
      return
    }
    this.#due = Infinity
    this.#run()
  }
}
