/** Where time comes from: the machine's clock, or a simulation's. */
export interface Clock {
  /** Milliseconds since some fixed moment, with fractions, never going back. */
  now(): number
  /** A timer that calls `run` when it is due. It starts unset. */
  timer(run: () => void): ClockTimer
  /** Calls `run` once, as soon as the code that runs now has ended. */
  soon(run: () => void): void
  /** Calls `run` once, after everything that waits to be read has had its turn. */
  later(run: () => void): void
}

/** One timer, set and set again. */
export interface ClockTimer {
  /** Due at `at` (as {@link Clock.now}), in place of what was set before. */
  set(at: number): void
  /** Not due any more. */
  clear(): void
}
