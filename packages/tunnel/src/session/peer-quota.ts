/** Counts what each peer has, up to a limit. */
export class PeerQuota {
  readonly #counts = new Map<string, number>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Peers that have anything. */
  get size(): number {
    return this.#counts.size
  }

  /** Counts one more; `false`, and nothing counted, at the limit. */
  take(peer: string): boolean {
    const count = this.#counts.get(peer) ?? 0
    if (count >= this.#limit) return false
    this.#counts.set(peer, count + 1)
    return true
  }

  give(peer: string): void {
    const count = (this.#counts.get(peer) ?? 1) - 1
    if (count === 0) this.#counts.delete(peer)
    else this.#counts.set(peer, count)
  }
}
