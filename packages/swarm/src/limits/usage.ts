/** What is counted: connections, streams, and bytes received that nobody has read yet. */
export type Resource = 'connections' | 'streams' | 'bytes'

/** How much of one resource is used, of how much. */
export interface Use {
  readonly used: number
  readonly limit: number
}

/** One number and its limit. */
export class Meter implements Use {
  limit: number
  #used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** Whether nothing more is to be taken. */
  get full(): boolean {
    return this.#used >= this.limit
  }

  /** Whether more was taken than is allowed; bytes can be, they come unasked. */
  get over(): boolean {
    return this.#used > this.limit
  }

  /** Whether three quarters are used. */
  get tight(): boolean {
    return this.#used * 4 > this.limit * 3
  }

  /** Counts `amount` more, or fewer when negative. */
  add(amount: number): void {
    this.#used += amount
  }

  /** A copy for those who look. */
  snapshot(): Use {
    return { used: this.#used, limit: this.limit }
  }
}
