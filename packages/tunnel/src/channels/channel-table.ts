import type { Mode } from '../session/session-types.ts'

/** How a channel is listened on. */
export interface ChannelInfo {
  readonly mode: Mode
  /** Sessions carry plain bytes instead of messages. */
  readonly bytes: boolean
}

/** What one {@link ChannelTable.open} did. */
export type ChannelChange = 'new' | 'refreshed' | 'full'

/**
 * The channels that a peer has announced on one link. Bounded, and each entry is forgotten when it
 * was not announced again in its lifetime. Time is an argument: monotonic milliseconds.
 */
export class ChannelTable {
  readonly #limit: number
  readonly #lifetime: number
  readonly #entries = new Map<string, ChannelInfo & { readonly seenAt: number }>()

  constructor(limit: number, lifetime: number) {
    this.#limit = limit
    this.#lifetime = lifetime
  }

  get size(): number {
    return this.#entries.size
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  /** What the peer said of `channel`, unless that is too long ago. */
  get(channel: string, now: number): ChannelInfo | undefined {
    const entry = this.#entries.get(channel)
    if (entry === undefined || now - entry.seenAt > this.#lifetime) return undefined
    return entry
  }

  /** Notes an announcement. A table that is full takes no new name. */
  open(channel: string, info: ChannelInfo, now: number): ChannelChange {
    const known = this.#entries.has(channel)
    if (!known && this.#entries.size >= this.#limit) return 'full'
    this.#entries.set(channel, { mode: info.mode, bytes: info.bytes, seenAt: now })
    return known ? 'refreshed' : 'new'
  }

  /** @returns `true` when it was known */
  close(channel: string): boolean {
    return this.#entries.delete(channel)
  }

  /** Forgets what was not announced again in time; returns the names. */
  expire(now: number): string[] {
    const gone: string[] = []
    for (const [channel, { seenAt }] of this.#entries) {
      if (now - seenAt <= this.#lifetime) continue
      this.#entries.delete(channel)
      gone.push(channel)
    }
    return gone
  }
}
