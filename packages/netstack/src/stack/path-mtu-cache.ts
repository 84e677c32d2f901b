/** How long a learnt path MTU is believed: routes change (RFC 1191 §6.3, RFC 8201 §5.3). */
const EXPIRY = 600_000

/** Destinations at most; the oldest entry goes first. */
const MAX_ENTRIES = 4096

/** What is known of the paths of past connections, for the next ones. */
export class PathMtuCache {
  readonly #entries = new Map<string, { readonly mtu: number; readonly until: number }>()

  /** The path to `destination` carries no more than `mtu` bytes. */
  learn(destination: Int32Array, mtu: number, now: number): void {
    const key = destination.join()
    this.#entries.delete(key)
    this.#entries.set(key, { mtu, until: now + EXPIRY })
    if (this.#entries.size <= MAX_ENTRIES) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  /** The known MTU of the path, or `otherwise`. */
  get(destination: Int32Array, otherwise: number, now: number): number {
    if (this.#entries.size === 0) return otherwise
    const key = destination.join()
    const entry = this.#entries.get(key)
    if (entry === undefined) return otherwise
    if (entry.until > now) return Math.min(entry.mtu, otherwise)
    this.#entries.delete(key)
    return otherwise
  }
}
