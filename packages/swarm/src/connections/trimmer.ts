import type { Connection, PeerStore } from '@libp2p/interface'
import type { PeerId } from '@libp2p/interface'
import { CONNECTION_CODE } from '@warren/interface'
import { unref } from '@warren/utils'
import { closeConnection } from './close-connection.ts'
import type { ConnectionEntry, ConnectionTable } from './connection-table.ts'
import type { Privileges } from './privileges.ts'

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
  /** Whose connections are spared. */
  readonly privileges: Privileges
  /** Told before the connections are closed. */
  trimming(connections: Connection[]): void
}

/**
 * Keeps the number of connections between watermarks: above the high one it closes the least
 * valuable, down to the low one. Those for whom a place is kept and connections in their grace are
 * spared.
 */
export class Trimmer {
  readonly #options: TrimmerOptions
  readonly #context: TrimmerContext
  /** Being closed, and still in the table. */
  readonly #leaving = new WeakSet<Connection>()
  #evictions: Promise<unknown> = Promise.resolve()
  #toEvict = 0
  #timer: NodeJS.Timeout | undefined
  #running = false
  #closed = false

  constructor(options: TrimmerOptions, context: TrimmerContext) {
    this.#options = options
    this.#context = context
  }

  /** Whether there is anybody whose place may be given away. */
  canMakeRoom(): boolean {
    return this.#others().length > this.#toEvict
  }

  /** Closes the least valuable connection, young or not, of those for whom no place is kept. */
  makeRoom(): void {
    this.#toEvict++
    // One after the other, so that no two choose the same.
    this.#evictions = this.#evictions.then(async () => {
      const [victim] = await this.#leastValuable(this.#others())
      this.#toEvict--
      if (victim !== undefined && !this.#closed) void this.#close([victim])
    })
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
    const { low, grace } = this.#options
    const now = performance.now()
    const all = this.#others()
    const ripe = all.filter(({ since }) => now - since >= grace)
    const chosen = (await this.#leastValuable(ripe)).slice(0, Math.max(0, table.size - low))
    if (this.#closed) return
    if (chosen.length > 0) await this.#close(chosen)
    const young = all.filter(entry => !ripe.includes(entry))
    if (this.#closed || table.size <= this.#options.high || young.length === 0) return
    const next = Math.min(...young.map(({ since }) => since + grace)) - performance.now()
    this.#timer = setTimeout(() => this.check(), Math.max(0, next) + 1)
    unref(this.#timer)
  }

  /** Those for whom no place is kept, and who are not going yet. */
  #others(): ConnectionEntry[] {
    const { table, privileges } = this.#context
    return table
      .entries()
      .filter(
        ({ connection }) =>
          !this.#leaving.has(connection) &&
          !privileges.has(connection.remotePeer, connection.remoteAddr)
      )
  }

  async #close(connections: Connection[]): Promise<void> {
    for (const connection of connections) this.#leaving.add(connection)
    this.#context.trimming(connections)
    const goodbye = { reason: CONNECTION_CODE.garbageCollected }
    const { closeTimeout } = this.#options
    await Promise.all(
      connections.map(async connection => closeConnection(connection, closeTimeout, goodbye))
    )
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
