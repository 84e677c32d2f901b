/** Shape of a {@link DialBackoff}; times in milliseconds. */
export interface DialBackoffOptions {
  /** The wait after the first failure. */
  readonly base: number
  /** Multiplied by the square of the failures before. */
  readonly coefficient: number
  /** No wait is longer. */
  readonly max: number
  /** Addresses remembered; beyond it the one that failed longest ago is forgotten. */
  readonly maxEntries: number
}

interface Entry {
  failures: number
  until: number
}

/**
 * Which addresses of which peers not to dial for now, after failed dials: `base + coefficient × n²`
 * as in go-libp2p, where n counts the failures before. Time is an argument.
 */
export class DialBackoff {
  readonly #options: DialBackoffOptions
  /** Oldest failure first, by order of insertion. */
  readonly #entries = new Map<string, Entry>()

  constructor(options: DialBackoffOptions) {
    this.#options = options
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#entries.size
  }

  /** Milliseconds until the address may be dialled again; 0 when it may be now. */
  wait(peer: string, address: string, now: number): number {
    const entry = this.#entries.get(keyOf(peer, address))
    return entry === undefined ? 0 : Math.max(0, entry.until - now)
  }

  /** Notes a failed dial of the address. */
  failed(peer: string, address: string, now: number): void {
    const { base, coefficient, max, maxEntries } = this.#options
    const key = keyOf(peer, address)
    const before = this.#entries.get(key)
    // A failure long past says nothing any more.
    const fresh = before === undefined || now - before.until > max
    const failures = fresh ? 0 : before.failures
    const until = now + Math.min(max, base + coefficient * failures ** 2)
    this.#entries.delete(key)
    this.#entries.set(key, { failures: failures + 1, until })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries) break
      this.#entries.delete(oldest)
    }
  }

  /** Forgets the failures of a peer's addresses, since it was reached. */
  clear(peer: string): void {
    const prefix = keyOf(peer, '')
    for (const key of this.#entries.keys()) {
      if (key.startsWith(prefix)) this.#entries.delete(key)
    }
  }
}

function keyOf(peer: string, address: string): string {
  return `${peer}\n${address}`
}
