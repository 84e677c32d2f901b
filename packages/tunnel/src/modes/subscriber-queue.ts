import type { OverloadPolicy } from './group-types.ts'

/** A message as it is given to every subscriber: encoded once, and shared. */
export type PublishedRecord = Uint8Array

/** A message that waits. */
interface Waiting<T> {
  readonly record: T
  /** Messages left out just before it. */
  gap: number
}

/** What the queue hands out next. */
export interface NextRecord<T> {
  readonly record: T
  /** Messages left out before it, of which the subscriber has to be told. */
  readonly gap: number
}

/** How much may wait; whichever is reached first. One message always may. */
export interface QueueLimits {
  readonly messages: number
  readonly bytes: number
}

/**
 * - `taken`: it waits, or somebody older was left out for it.
 * - `over`: it waits beyond the limit: whoever published it has to wait, too.
 * - `dropped`: it was left out.
 */
export type PushOutcome = 'taken' | 'over' | 'dropped'

/**
 * Messages that wait for one subscriber, and what is left out when there are too many. Pure: no I/O,
 * no clock.
 */
export class SubscriberQueue<T extends object = PublishedRecord> {
  readonly #policy: OverloadPolicy
  readonly #limits: QueueLimits
  readonly #sizeOf: (record: T) => number
  readonly #waiting: Waiting<T>[] = []
  #bytes = 0
  #dropped = 0
  /** Messages left out behind the last one that waits. */
  #tailGap = 0

  constructor(policy: OverloadPolicy, limits: QueueLimits, sizeOf: (record: T) => number) {
    this.#policy = policy
    this.#limits = limits
    this.#sizeOf = sizeOf
  }

  /** Messages that wait. */
  get size(): number {
    return this.#waiting.length
  }

  /** Messages left out so far. */
  get dropped(): number {
    return this.#dropped
  }

  /** More waits than the limits allow; only under `block`. */
  get isOver(): boolean {
    const { messages, bytes } = this.#limits
    return this.size > messages || (this.size > 1 && this.#bytes > bytes)
  }

  /** The message that would leave last. */
  get last(): T | undefined {
    return this.#waiting.at(-1)?.record
  }

  has(record: T): boolean {
    return this.#waiting.some(waiting => waiting.record === record)
  }

  push(record: T): PushOutcome {
    switch (this.#policy) {
      case 'block':
        this.#append(record)
        return this.isOver ? 'over' : 'taken'
      case 'drop-oldest':
        while (!this.#fits(record)) this.#dropFirst()
        this.#append(record)
        return 'taken'
      case 'latest':
        while (this.size > 0) this.#dropFirst()
        this.#append(record)
        return 'taken'
      case 'drop-newest':
      case 'error':
        if (this.#fits(record)) {
          this.#append(record)
          return 'taken'
        }
        this.#dropped++
        this.#tailGap++
        return 'dropped'
    }
  }

  /** The record that is next, with the gap before it; it stays until {@link shift}. */
  peek(): NextRecord<T> | undefined {
    return this.#waiting[0]
  }

  /** Removes what {@link peek} gave. */
  shift(): void {
    const first = this.#waiting.shift()
    if (first !== undefined) this.#bytes -= this.#sizeOf(first.record)
  }

  /** Takes a message out again, wherever it waits; it counts as left out. */
  remove(record: T): void {
    const at = this.#waiting.findIndex(waiting => waiting.record === record)
    const [removed] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (removed === undefined) return
    this.#bytes -= this.#sizeOf(record)
    this.#dropped++
    this.#passGap(at, removed.gap + 1)
  }

  /** Messages left out since the last one that waits; asked for once nothing waits any more. */
  takeTailGap(): number {
    const gap = this.#tailGap
    this.#tailGap = 0
    return gap
  }

  /** Everything that waits, taken out. */
  takeAll(): T[] {
    this.#bytes = 0
    return this.#waiting.splice(0).map(({ record }) => record)
  }

  #fits(record: T): boolean {
    const { messages, bytes } = this.#limits
    if (this.size === 0) return true
    return this.size < messages && this.#bytes + this.#sizeOf(record) <= bytes
  }

  #append(record: T): void {
    this.#waiting.push({ record, gap: this.takeTailGap() })
    this.#bytes += this.#sizeOf(record)
  }

  #dropFirst(): void {
    const first = this.#waiting.shift()
    if (first === undefined) return
    this.#bytes -= this.#sizeOf(first.record)
    this.#dropped++
    this.#passGap(0, first.gap + 1)
  }

  /** What was left out before the message at `at` is told with that one, or with what comes next. */
  #passGap(at: number, gap: number): void {
    const next = this.#waiting[at]
    if (next === undefined) this.#tailGap += gap
    else next.gap += gap
  }
}
