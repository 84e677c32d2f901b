import type { Connection, PeerStore } from '@libp2p/interface'
import type { PeerId } from '@libp2p/interface'
import { closeConnection } from './close-connection.ts'
import type { ConnectionEntry, ConnectionTable } from './connection-table.ts'

/** Settings of a {@link Trimmer}. */
export interface TrimmerOptions {
  /** Trimming goes down to this many connections. */
  readonly low: number
  /** Trimming begins above this many. */
  readonly high: number
  /** Milliseconds for which a new connection is not trimmed. */
  readonly grace: number
  readonly closeTimeout: number
}

/** What a {@link Trimmer} works with. */
export interface TrimmerContext {
  readonly table: ConnectionTable
  readonly peerStore: PeerStore
  /** Told before the connections are closed. */
  trimming(connections: Connection[]): void
}

/**
 * Keeps the number of connections between watermarks: above the high one it closes the least
 * valuable, down to the low one. Protected peers and connections in their grace are spared.
 */
export class Trimmer {
  readonly #options: TrimmerOptions
  readonly #context: TrimmerContext
  readonly #protected = new Map<string, Set<string>>()
  #timer: NodeJS.Timeout | undefined
  #running = false
  #closed = false

  constructor(options: TrimmerOptions, context: TrimmerContext) {
    this.#options = options
    this.#context = context
  }

  protect(peer: PeerId, tag: string): void {
    const key = peer.toString()
    const tags = this.#protected.get(key) ?? new Set()
    this.#protected.set(key, tags.add(tag))
  }

  unprotect(peer: PeerId, tag: string): void {
    const key = peer.toString()
    const tags = this.#protected.get(key)
    tags?.delete(tag)
    if (tags?.size === 0) this.#protected.delete(key)
  }

  isProtected(peer: PeerId): boolean {
    return this.#protected.has(peer.toString())
  }

  /** The number of connections has changed: trims now, or when the next grace is over. */
  check(): void {
    if (this.#closed || this.#running || this.#context.table.size <= this.#options.high) return
    this.#running = true
    clearTimeout(this.#timer)
    void this.#trim().finally(() => {
      this.#running = false
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #trim(): Promise<void> {
    const { table } = this.#context
    const { low, grace, closeTimeout } = this.#options
    const now = performance.now()
    const all = table.entries().filter(({ connection }) => !this.isProtected(connection.remotePeer))
    const ripe = all.filter(({ since }) => now - since >= grace)
    const chosen = (await this.#leastValuable(ripe)).slice(0, Math.max(0, table.size - low))
    if (this.#closed) return
    if (chosen.length > 0) this.#context.trimming(chosen)
    await Promise.all(chosen.map(async connection => closeConnection(connection, closeTimeout)))
    const young = all.filter(entry => !ripe.includes(entry))
    if (this.#closed || table.size <= this.#options.high || young.length === 0) return
    const next = Math.min(...young.map(({ since }) => since + grace)) - performance.now()
    this.#timer = setTimeout(() => this.check(), Math.max(0, next) + 1)
    this.#timer.unref()
  }

  /** Least valuable first: by the peer's tags, then fewer streams, inbound, newest. */
  async #leastValuable(entries: readonly ConnectionEntry[]): Promise<Connection[]> {
    const weighed = await Promise.all(
      entries.map(async ({ connection, order }) => ({
        connection,
        order,
        value: await this.#valueOf(connection.remotePeer)
      }))
    )
    weighed.sort(
      (a, b) =>
        a.value - b.value ||
        a.connection.streams.length - b.connection.streams.length ||
        Number(a.connection.direction === 'outbound') -
          Number(b.connection.direction === 'outbound') ||
        b.order - a.order
    )
    return weighed.map(({ connection }) => connection)
  }

  /** A peer that is not in the store has no tags. */
  async #valueOf(peer: PeerId): Promise<number> {
    try {
      const { tags } = await this.#context.peerStore.get(peer)
      return [...tags.values()].reduce((sum, { value }) => sum + value, 0)
    } catch {
      return 0
    }
  }
}
