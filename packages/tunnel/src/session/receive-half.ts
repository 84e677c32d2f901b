import { ChunkQueue } from './chunk-queue.ts'
import { SessionProtocolError } from './errors.ts'
import { encodeAck } from './frames.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { WindowOptions } from './send-half.ts'

/**
 * Frames that tell nothing new which one attachment may carry. An honest peer sends a handful; each
 * costs time and moves nothing, so that a flood of them ends the session.
 */
const MAX_IDLE_FRAMES = 1_000

/** Whether an ack should leave: at once, after a short wait for more, or not at all. */
export type AckDue = 'now' | 'soon' | 'no'

/**
 * The incoming direction of a session: what has come and the application has not taken, and what
 * the peer was told about it.
 */
export class ReceiveHalf {
  readonly #queue = new ChunkQueue()
  readonly #budget: MemoryBudget
  readonly #max: number
  /** Bytes that the peer may have in flight, and so the memory this side may have to hold. */
  window: number
  /** The end's offset, once the peer has sent it. */
  endAt: number | undefined
  #toldTaken = 0
  #toldLimit: number
  #ackForced = false
  /** Offset up to which the peer waits for a confirmation. */
  #syncAt = 0
  /** Offset at which the peer stopped because of our limit. */
  #limitedAt: number | undefined
  /** Offset of the next byte on this attachment; behind `received` while known bytes are repeated. */
  #expected = 0
  /** An end came on this attachment. */
  #endSeen = false
  #idleFrames = 0

  constructor(window: WindowOptions, budget: MemoryBudget) {
    this.#budget = budget
    this.#max = window.max
    this.window = window.initial
    this.#toldLimit = window.initial
    budget.reserve(window.initial)
  }

  /** Contiguous bytes that have come. */
  get received(): number {
    return this.#queue.end
  }

  /** Bytes that the application has taken. */
  get taken(): number {
    return this.#queue.start
  }

  get unread(): number {
    return this.#queue.length
  }

  /** What {@link read} gives next at most. */
  get ahead(): Uint8Array | undefined {
    return this.#queue.first
  }

  /** The peer has ended, and the application has taken everything. */
  get endTaken(): boolean {
    return this.endAt !== undefined && this.taken === this.endAt
  }

  /** The next bytes, at most `max`; what is returned counts as taken. */
  read(max: number): Uint8Array | undefined {
    const chunk = this.#queue.shift(max)
    if (chunk !== undefined && this.#limitedAt !== undefined && this.taken >= this.#limitedAt) {
      // The peer was stopped by our window, and the application has kept up: so it is too small.
      this.#limitedAt = undefined
      this.#grow()
    }
    return chunk
  }

  /** A data frame begins. Everything is checked here, before a byte of it is kept. */
  onData(offset: number, length: number, limited: boolean): void {
    if (this.#endSeen) throw new SessionProtocolError('the peer sent data behind its end')
    if (offset !== this.#expected) {
      throw new SessionProtocolError(
        `the peer sent data for offset ${offset} where ${this.#expected} was next`
      )
    }
    if (length > this.#toldLimit - offset) {
      throw new SessionProtocolError(
        `the peer sent ${length} bytes at offset ${offset}, beyond its limit of ${this.#toldLimit}`
      )
    }
    if (this.endAt !== undefined && offset + length > this.endAt) {
      throw new SessionProtocolError(`the peer sent data behind its end at ${this.endAt}`)
    }
    if (limited) this.#limitedAt = offset + length
  }

  /** The next part of the data frame's payload. @returns `true` when there is something new */
  onPayload(part: Uint8Array): boolean {
    const known = this.received - this.#expected
    this.#expected += part.length
    if (known >= part.length) return false
    this.#queue.appendReceived(known > 0 ? part.subarray(known) : part)
    return true
  }

  onEnd(offset: number): void {
    if (this.#endSeen || offset !== this.#expected || offset !== this.received) {
      throw new SessionProtocolError(
        `the peer ended at offset ${offset} where ${this.received} bytes have come`
      )
    }
    this.#endSeen = true
    this.endAt = offset
  }

  onSync(offset: number): void {
    if (offset > this.received) {
      throw new SessionProtocolError(
        `the peer asks to confirm ${offset} bytes where ${this.received} have come`
      )
    }
    if (offset <= this.#syncAt && offset <= this.#toldTaken) this.countIdleFrame()
    this.#syncAt = Math.max(this.#syncAt, offset)
  }

  /** Counts a frame that told nothing new. */
  countIdleFrame(): void {
    this.#idleFrames++
    if (this.#idleFrames > MAX_IDLE_FRAMES) {
      throw new SessionProtocolError(`the peer sent ${this.#idleFrames} frames that tell nothing`)
    }
  }

  /**
   * A new stream, on which the peer sends from `from` on: what we hold since we told it so comes
   * once more, and is dropped. The peer has to be told anew, whatever the old stream carried.
   */
  attach(from: number): void {
    this.#expected = from
    this.#endSeen = false
    this.#idleFrames = 0
    this.#ackForced = true
  }

  get ackDue(): AckDue {
    const taken = this.#confirmable
    if (this.#ackForced) return 'now'
    if (taken === this.#toldTaken) return 'no'
    if (this.endTaken || (this.#syncAt > this.#toldTaken && taken >= this.#syncAt)) return 'now'
    return this.taken + this.window - this.#toldLimit >= this.window / 2 ? 'now' : 'soon'
  }

  /** A quarter of the window can be confirmed: worth to go along with data that leaves anyway. */
  get isAckWorthwhile(): boolean {
    return this.#confirmable - this.#toldTaken >= this.window / 4
  }

  /** The ack of this moment; counts as told. */
  takeAck(): Uint8Array {
    this.#ackForced = false
    this.#toldTaken = this.#confirmable
    this.#toldLimit = Math.max(this.#toldLimit, this.taken + this.window)
    return encodeAck(this.#toldTaken, this.#toldLimit)
  }

  /** Bytes taken; one more when the end was taken too. */
  get #confirmable(): number {
    return this.endTaken ? this.taken + 1 : this.taken
  }

  /** Drops what nobody will read. */
  discard(): void {
    this.#queue.clear()
  }

  /** Lets go of all bytes and of the budget. */
  release(): void {
    this.#queue.clear()
    this.#budget.release(this.window)
    this.window = 0
  }

  #grow(): void {
    const more = Math.min(this.window, this.#max - this.window)
    if (more > 0 && this.#budget.tryReserve(more)) this.window += more
  }
}
