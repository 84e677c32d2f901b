import type { AbortOptions } from '@libp2p/interface'
import type { Message } from '../session/session-types.ts'
import { encodeGap, MAX_GAP } from '../session/message-codec.ts'
import type { EngineMessageSession, MessageSessionObserver } from '../session/message-session.ts'
import { WaitList } from '../session/signalled.ts'
import type { Subscriber } from './group-types.ts'
import type { PublishedRecord, PushOutcome, SubscriberQueue } from './subscriber-queue.ts'
import { UnconfirmedRecords } from './unconfirmed-records.ts'

/** Turns of the event loop without any progress after which a subscriber is given no more of them. */
const STALLED_AFTER = 1_024

/**
 * One subscriber of a group: the session to it, and what waits for its window. What happens here
 * happens to this subscriber alone.
 */
export class GroupMember implements Subscriber, MessageSessionObserver {
  readonly peer: string
  readonly #queue: SubscriberQueue
  readonly #onReadable: () => void
  readonly #unconfirmed = new UnconfirmedRecords()
  /** Whoever waits until something has left the queue. */
  readonly #progress = new WaitList<void>()
  readonly #stop = new AbortController()
  #session: EngineMessageSession | undefined
  #status: 'joining' | 'open' | 'left' = 'joining'
  #sent = 0
  /** Turns of the event loop that it was given since something last left its queue. */
  #turns = 0
  #finishing = false
  /** The channel was taken back while this session lived: that it ends says nothing of a new one. */
  withdrawn = false
  /** The channel was announced while the session was being opened: a refusal may be out of date. */
  announced = false

  /** @param onReadable the subscriber may have answered */
  constructor(peer: string, queue: SubscriberQueue, onReadable: () => void) {
    this.peer = peer
    this.#queue = queue
    this.#onReadable = onReadable
  }

  get status(): 'joining' | 'open' | 'left' {
    return this.#status
  }

  get link(): string | undefined {
    return this.#session?.link
  }

  get sent(): number {
    return this.#sent
  }

  get queued(): number {
    return this.#queue.size
  }

  get dropped(): number {
    return this.#queue.dropped
  }

  /** Whether it needs the event loop to turn, to catch up; not for ever, if it does not. */
  takeTurn(): boolean {
    if (this.#queue.size === 0 || this.#turns >= STALLED_AFTER) return false
    this.#turns++
    return true
  }

  get session(): EngineMessageSession | undefined {
    return this.#session
  }

  /** Fires when the session need no longer be opened. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Its session is open: what has waited for it leaves. */
  opened(session: EngineMessageSession): void {
    this.#session = session
    this.#status = 'open'
    session.observer = this
    if (this.#finishing) this.#writeAll(session)
    else this.#drain()
  }

  /** Gives it a message; `over`: see {@link untilRoom}. */
  publish(record: PublishedRecord): PushOutcome {
    if (this.#queue.size > 0) this.#drain()
    const outcome = this.#queue.push(record)
    this.#drain()
    return outcome === 'over' && !this.#queue.isOver ? 'taken' : outcome
  }

  /** Waits until no more waits than may; a signal that aborts takes `record` out again. */
  async untilRoom(record: PublishedRecord, options: AbortOptions): Promise<void> {
    try {
      while (this.#queue.isOver) await this.#progress.wait(options)
    } catch (error) {
      this.takeBack(record)
      throw error
    }
  }

  /** Takes a message back, unless it has begun to leave. */
  takeBack(record: PublishedRecord): void {
    this.#queue.remove(record)
    this.#progress.settleAll(undefined)
  }

  /** Waits until everything given before now was taken, or it has left. */
  async flush(options: AbortOptions): Promise<void> {
    const { last } = this.#queue
    while (last !== undefined && this.#queue.has(last)) await this.#progress.wait(options)
    try {
      await this.#session?.flush(options)
    } catch (error) {
      // That it left is told by the group; only the caller's own signal ends the wait.
      if (options.signal?.aborted === true) throw error
    }
  }

  /** Writes all that waits, and the end behind it; also if the session opens only later. */
  finish(): void {
    this.#finishing = true
    if (this.#session !== undefined) this.#writeAll(this.#session)
  }

  /** Gives up opening its session. */
  giveUp(error: Error): void {
    this.#stop.abort(error)
  }

  /** It is gone. Returns what its application has not confirmed, oldest first. */
  leave(): PublishedRecord[] {
    this.#status = 'left'
    const session = this.#session
    if (session !== undefined) {
      session.observer = undefined
      this.#unconfirmed.confirm(session.confirmedOffset)
    }
    const undelivered = [...this.#unconfirmed.takeAll(), ...this.#queue.takeAll()]
    this.#progress.settleAll(undefined)
    return undelivered
  }

  /** A message of the subscriber, if there is one now. */
  tryReceive(): Message | undefined {
    return this.#session?.tryReceive()
  }

  writable(): void {
    this.#drain()
  }

  confirmed(): void {
    const session = this.#session
    if (session !== undefined) this.#unconfirmed.confirm(session.confirmedOffset)
  }

  readable(): void {
    this.#onReadable()
  }

  #drain(): void {
    const session = this.#session
    if (session === undefined || this.#status !== 'open' || this.#finishing) return
    let moved = false
    while (this.#writeNext(session, false)) moved = true
    if (moved) this.#progress.settleAll(undefined)
  }

  #writeAll(session: EngineMessageSession): void {
    while (this.#writeNext(session, true)) {
      // All of it: the end goes behind, and nothing is written after that.
    }
    const gap = this.#queue.takeTailGap()
    if (gap > 0) session.offer(encodeGap(Math.min(gap, MAX_GAP)), true)
    this.#progress.settleAll(undefined)
  }

  /** Moves one message from the queue to the session, behind what tells of those left out. */
  #writeNext(session: EngineMessageSession, always: boolean): boolean {
    const next = this.#queue.peek()
    if (next === undefined) return false
    const { record, gap } = next
    if (gap > 0 && session.offer(encodeGap(Math.min(gap, MAX_GAP)), always) === undefined) {
      return false
    }
    const offset = session.offer(record, always || gap > 0)
    if (offset === undefined) return false
    this.#queue.shift()
    this.#sent++
    this.#turns = 0
    this.#unconfirmed.add(record, offset)
    return true
  }
}
