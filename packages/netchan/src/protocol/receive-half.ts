import { readVarint } from '@warren/utils'
import { CODE, type Failure, Violation } from './codes.ts'
import { Fifo } from '../fifo.ts'
import type { Window } from './frames.ts'

/** `open`: values come. `ended`: the peer said `close`, unread values are left. `over`: the end. */
export type ReceiveState = 'open' | 'ended' | 'over'

/**
 * The receiving half of a binding: the values that the application has not taken, still encoded,
 * and the credit that is owed for those that it has.
 */
export class ReceiveHalf {
  #state: ReceiveState = 'open'
  #window: Window
  readonly #maxValueBytes: number
  readonly #bodies = new Fifo<Uint8Array>()
  /** The body that values are taken from now, and how far. */
  #body: Uint8Array | undefined
  #at = 0
  #unread = 0
  /** Taken since the last credit. */
  #owed = 0
  /** Of unread values and of those that credit is owed for: what the sender counts as in flight. */
  #heldBytes = 0
  #owedBytes = 0
  /** Values that may still come; Infinity without a count. */
  #remaining: number
  #received = 0
  #failure: Failure | undefined

  /** @param count values after which it ends; 0: no limit */
  constructor(window: Window, maxValueBytes: number, count: number) {
    this.#window = window
    this.#maxValueBytes = maxValueBytes
    this.#remaining = count === 0 ? Infinity : count
  }

  get state(): ReceiveState {
    return this.#state
  }

  get unread(): number {
    return this.#unread
  }

  /** Values ever received. */
  get received(): number {
    return this.#received
  }

  /** Values taken that no credit has told of. */
  get owed(): number {
    return this.#owed
  }

  /** Credit for half of the window is owed. */
  get isCreditDue(): boolean {
    return this.#owed * 2 >= this.#window.items || this.#owedBytes * 2 >= this.#window.bytes
  }

  /** How the peer ended it, once `ended` or `over`. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  /** What the sender may have unread from now on. */
  allow(window: Window): void {
    this.#window = window
  }

  /**
   * Adds the values of a `data` frame, checking each against the window before any is kept.
   *
   * @param pinnedBytes size of the buffer that `body` is a view of: a small view is copied, so that
   * unread values hold no more memory than their own bytes
   * @throws Violation
   */
  add(body: Uint8Array, pinnedBytes: number): void {
    if (this.#state !== 'open') throw new Violation(CODE.misdirected, 'a value after close')
    let at = 0
    let items = 0
    let held = this.#heldBytes
    const room = Math.min(this.#window.items - this.#unread - this.#owed, this.#remaining)
    while (at < body.length) {
      const length = this.#readLength(body, at)
      at = length.end + length.value
      if (at > body.length) throw new Violation(CODE.invalid, 'a value longer than its frame')
      if (items === room || held >= this.#window.bytes) {
        throw new Violation(CODE.overrun, 'more values than the window allows')
      }
      items++
      held += length.value
    }
    if (items === 0) throw new Violation(CODE.invalid, 'a data frame without a value')
    this.#heldBytes = held
    this.#unread += items
    this.#received += items
    this.#remaining -= items
    this.#bodies.push(body.length * 2 < pinnedBytes ? new Uint8Array(body) : body)
  }

  /** Takes the next value: it counts as taken by the application. */
  take(): Uint8Array | undefined {
    if (this.#unread === 0) return undefined
    if (this.#body === undefined) {
      this.#body = this.#bodies.shift() ?? new Uint8Array(0)
      this.#at = 0
    }
    const body = this.#body
    const { value, end } = this.#readLength(body, this.#at)
    this.#at = end + value
    if (this.#at === body.length) this.#body = undefined
    this.#unread--
    this.#owed++
    this.#owedBytes += value
    return body.subarray(end, end + value)
  }

  /** The credit that is owed; it counts as sent. */
  takeOwed(): number {
    const owed = this.#owed
    this.#owed = 0
    this.#heldBytes -= this.#owedBytes
    this.#owedBytes = 0
    return owed
  }

  /** The peer will send no more. */
  end(failure: Failure | undefined): void {
    this.#failure = failure
    this.#state = this.#unread === 0 ? 'over' : 'ended'
  }

  /** Everything has been read after the end. */
  finish(): void {
    this.#state = 'over'
  }

  /** Over at once; returns how many unread values are dropped. */
  abandon(): number {
    const dropped = this.#unread
    this.#state = 'over'
    this.#bodies.drain()
    this.#body = undefined
    this.#unread = 0
    return dropped
  }

  #readLength(body: Uint8Array, at: number): { value: number; end: number } {
    const first = body[at] ?? 0
    if (first < 0x80) {
      if (first > this.#maxValueBytes) throw this.#tooLong()
      return { value: first, end: at + 1 }
    }
    let read: { value: number; bytes: number } | undefined
    try {
      read = readVarint(body, at, this.#maxValueBytes)
    } catch {
      throw this.#tooLong()
    }
    if (read === undefined) throw new Violation(CODE.invalid, 'a data frame ends inside a length')
    return { value: read.value, end: at + read.bytes }
  }

  #tooLong(): Violation {
    return new Violation(CODE.limit, `a value longer than ${this.#maxValueBytes} bytes`)
  }
}
