/**
 * Bytes that windows may stand for, shared by all sessions of a process.
 *
 * Every session reserves its initial windows whatever is left (their number is bounded by the limit
 * on sessions); only what a window grows beyond that needs room here. So a full budget slows
 * sessions down, and never refuses one.
 */
export class MemoryBudget {
  readonly limit: number
  #used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes reserved now. */
  get used(): number {
    return this.#used
  }

  /** Reserves `bytes` even beyond the limit. */
  reserve(bytes: number): void {
    this.#used += bytes
  }

  /** Reserves `bytes` if they fit; `false`, and nothing reserved, if they do not. */
  tryReserve(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false
    this.#used += bytes
    return true
  }

  /** Gives back `bytes` that were reserved. */
  release(bytes: number): void {
    this.#used -= bytes
  }
}

/** The budget that sessions share unless they are given another: 64 MiB per process. */
export const processBudget = new MemoryBudget(67_108_864)
