import type { Connection } from '@libp2p/interface'
import { CONNECTION_CODE } from '@warren/interface'
import type { CodedCloseOptions } from '@warren/interface'
import { AcceptQueueClosedError, AcceptTimeoutError } from '../errors.ts'
import { LinkedList } from '../linked-list.ts'
import type { ListNode } from '../linked-list.ts'
import type { AcceptQueue } from '../types.ts'

/** Limits of a {@link BoundedAcceptQueue}, and what it needs of its view. */
export interface AcceptQueueInit {
  readonly acceptQueueLength: number
  readonly acceptTimeout: number
  /** Called when the queue becomes full (`false`) and when it has room again (`true`). */
  onRoom(room: boolean): void
  /** Upgrades under way of this view. */
  upgrading(): number
  /** Ends the upgrades under way; called once, by `close`. */
  endUpgrades(): Promise<void>
}

/** What the peers of connections that nobody took are told at the end. */
const GOODBYE: CodedCloseOptions = { reason: CONNECTION_CODE.shutdown }

interface Queued {
  readonly connection: Connection
  readonly expires: number
  readonly onClose: () => void
}

interface Acceptor {
  resolve(connection: Connection): void
  reject(error: Error): void
}

/** The accept queue of one view. */
export class BoundedAcceptQueue implements AcceptQueue {
  readonly #init: AcceptQueueInit
  readonly #queued = new LinkedList<Queued>()
  readonly #acceptors = new LinkedList<Acceptor>()
  /** One timer, for the oldest connection: all of them have the same time to wait. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #room = true
  #dropped = 0
  #closing: Promise<void> | undefined

  constructor(init: AcceptQueueInit) {
    this.#init = init
  }

  get length(): number {
    return this.#queued.size
  }

  get upgrading(): number {
    return this.#init.upgrading()
  }

  get dropped(): number {
    return this.#dropped
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Hands a connection to whoever waits for one, or queues it. Aborts it when the queue is closed. */
  push(connection: Connection): void {
    if (this.closed) {
      const error = new AcceptQueueClosedError()
      connection.abort(error)
      throw error
    }
    if (connection.status !== 'open') {
      this.#dropped++
      return
    }
    const acceptor = this.#acceptors.shift()
    if (acceptor !== undefined) {
      acceptor.resolve(connection)
      return
    }
    const onClose = (): void => {
      if (this.#take(node)) this.#dropped++
    }
    const expires = performance.now() + this.#init.acceptTimeout
    const node = this.#queued.push({ connection, expires, onClose })
    connection.addEventListener('close', onClose)
    this.#timer ??= this.#wait(this.#init.acceptTimeout)
    this.#tellRoom()
  }

  async accept(signal?: AbortSignal): Promise<Connection> {
    signal?.throwIfAborted()
    if (this.closed) throw new AcceptQueueClosedError()
    const queued = this.#queued.first
    if (queued !== undefined) {
      this.#takeFirst()
      return queued.connection
    }
    let onAbort: (() => void) | undefined
    try {
      return await new Promise<Connection>((resolve, reject) => {
        const node = this.#acceptors.push({ resolve, reject })
        onAbort = () => {
          if (this.#acceptors.remove(node)) reject(signal?.reason as Error)
        }
        signal?.addEventListener('abort', onAbort)
      })
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, undefined> {
    while (!this.closed) {
      try {
        yield await this.accept()
      } catch (error) {
        if (error instanceof AcceptQueueClosedError) return
        throw error
      }
    }
  }

  async #close(): Promise<void> {
    for (let acceptor = this.#acceptors.shift(); acceptor !== undefined; ) {
      acceptor.reject(new AcceptQueueClosedError())
      acceptor = this.#acceptors.shift()
    }
    const left: Connection[] = []
    for (let queued = this.#queued.first; queued !== undefined; queued = this.#queued.first) {
      this.#takeFirst()
      this.#dropped++
      left.push(queued.connection)
    }
    await Promise.all([
      this.#init.endUpgrades(),
      ...left.map(async connection => {
        await connection.close(GOODBYE).catch((error: Error) => connection.abort(error))
      })
    ])
  }

  #takeFirst(): void {
    const queued = this.#queued.shift()
    if (queued === undefined) return
    this.#left(queued)
  }

  #take(node: ListNode<Queued>): boolean {
    if (!this.#queued.remove(node)) return false
    this.#left(node.value)
    return true
  }

  #left(queued: Queued): void {
    queued.connection.removeEventListener('close', queued.onClose)
    if (this.#queued.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    this.#tellRoom()
  }

  #tellRoom(): void {
    const room = this.#queued.size < this.#init.acceptQueueLength
    if (room === this.#room) return
    this.#room = room
    this.#init.onRoom(room)
  }

  #wait(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#timer = undefined
      this.#expire()
    }, ms)
  }

  /** Aborts what has waited too long, and waits for the next one. */
  #expire(): void {
    const now = performance.now()
    for (let queued = this.#queued.first; queued !== undefined; queued = this.#queued.first) {
      // A timer may fire a fraction of a millisecond early.
      if (queued.expires > now + 1) {
        this.#timer = this.#wait(Math.ceil(queued.expires - now))
        return
      }
      this.#takeFirst()
      this.#dropped++
      queued.connection.abort(
        new AcceptTimeoutError(
          `nobody accepted the connection within ${this.#init.acceptTimeout} ms`
        )
      )
    }
  }
}
