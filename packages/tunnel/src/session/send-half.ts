import { ChunkQueue } from './chunk-queue.ts'
import { SessionProtocolError } from './errors.ts'
import { DATA_HEADER, MAX_SENT_PAYLOAD, encodeDataHeader, encodeEnd, encodeSync } from './frames.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** Sizes of a window, in bytes. */
export interface WindowOptions {
  readonly initial: number
  readonly max: number
}

/**
 * The outgoing direction of a session: what was written, what was sent, and what the peer's
 * application has not taken yet (kept, by reference, to be sent again).
 *
 * `acked ≤ sent ≤ written`; the end counts as one byte behind the last.
 */
export class SendHalf {
  readonly #queue = new ChunkQueue()
  readonly #budget: MemoryBudget
  readonly #initial: number
  readonly #max: number
  /** Bytes that this side is willing to keep unacked. */
  window: number
  /** The peer's application has taken everything before this offset. */
  acked = 0
  /** Offset of the next byte to be sent on this attachment. */
  sent = 0
  /** The furthest that was ever sent. */
  sentMax = 0
  /** How far the peer lets us send. */
  limit: number
  /**
   * Bytes that may be unacked on this attachment, whatever the window: all that is on its way is lost
   * where a relay cuts the connection.
   */
  inFlight = Number.POSITIVE_INFINITY
  /** `true` once no more can be written. */
  ended = false
  /** `true` once the peer has confirmed the end. */
  endAcked = false
  replayed = 0
  #endSent = false
  #endEverSent = false
  #syncWanted = 0
  #syncSent = 0

  constructor(window: WindowOptions, limit: number, budget: MemoryBudget) {
    this.#budget = budget
    this.#initial = window.initial
    this.#max = window.max
    this.window = window.initial
    this.limit = limit
    budget.reserve(window.initial)
  }

  get written(): number {
    return this.#queue.end
  }

  /** Bytes that may be written before the window is full. */
  get room(): number {
    this.#grow()
    return Math.max(0, this.#allowance - this.written)
  }

  /** Everything written is inside the window, so that it leaves without waiting for the peer. */
  isInside(offset: number): boolean {
    return offset <= this.#allowance
  }

  get #allowance(): number {
    return Math.min(this.limit, this.acked + this.window)
  }

  /** How far may be sent now. */
  get #sendable(): number {
    return Math.min(this.written, this.#allowance, this.acked + this.inFlight)
  }

  /** Keeps `chunk`, whatever the window says; the caller stops when there is no {@link room}. */
  write(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#queue.append(chunk)
  }

  end(): void {
    this.ended = true
  }

  /** Asks the peer to confirm what was written so far as soon as its application has taken it. */
  sync(): void {
    this.#syncWanted = this.written
  }

  /** {@link poll} has something to send. */
  get hasOutput(): boolean {
    this.#grow()
    if (this.sent < this.#sendable) return true
    if (this.sent < this.written) return false
    if (this.ended && !this.#endSent) return true
    return this.#syncWanted > Math.max(this.acked, this.#syncSent)
  }

  /** Appends frames to `out`, of `max` bytes at most (about), and returns how many. */
  poll(out: Uint8Array[], max: number): number {
    let bytes = 0
    this.#grow()
    while (bytes < max) {
      const length = this.#sendable - this.sent
      if (length <= 0) break
      const payload = Math.min(length, MAX_SENT_PAYLOAD)
      this.#pushData(out, payload)
      bytes += DATA_HEADER + payload
    }
    if (this.sent < this.written) return bytes
    if (this.#syncWanted > Math.max(this.acked, this.#syncSent)) {
      this.#syncSent = this.#syncWanted
      out.push(encodeSync(this.#syncWanted))
      bytes += 9
    }
    if (this.ended && !this.#endSent) {
      this.#endSent = true
      this.#endEverSent = true
      out.push(encodeEnd(this.written))
      bytes += 9
    }
    return bytes
  }

  #pushData(out: Uint8Array[], payload: number): void {
    const offset = this.sent
    const limited = offset + payload === this.limit
    out.push(encodeDataHeader(offset, payload, limited))
    this.#queue.slices(offset, payload, out)
    this.replayed += Math.max(0, Math.min(this.sentMax, offset + payload) - offset)
    this.sent += payload
    this.sentMax = Math.max(this.sentMax, this.sent)
  }

  /** The peer's word on what its application has taken, and how far we may send. */
  onAck(taken: number, limit: number): void {
    const end = this.written + 1
    const known = this.#endEverSent && taken === end ? this.written : taken
    if (known > this.sent) {
      throw new SessionProtocolError(
        `the peer confirmed ${taken} bytes, but only ${this.sent} were sent`
      )
    }
    if (known < this.acked || (this.endAcked && taken !== end)) {
      throw new SessionProtocolError(
        `the peer confirmed ${taken} bytes after it had confirmed ${this.acked}`
      )
    }
    if (limit < this.limit || limit < known) {
      throw new SessionProtocolError(`the peer took its limit back from ${this.limit} to ${limit}`)
    }
    this.acked = known
    this.limit = limit
    this.#queue.dropTo(known)
    if (taken === end && this.#endEverSent) this.endAcked = true
    if (known === this.written) this.#shrink()
  }

  /**
   * Whether the peer's word on what it holds fits.
   *
   * @returns `false` when it is older than what the peer has confirmed since
   * @throws {SessionProtocolError} when the peer holds more than was ever sent
   */
  canAttach(received: number): boolean {
    if (received <= this.sentMax) return received >= this.acked
    throw new SessionProtocolError(
      `the peer claims ${received} bytes, but only ${this.sentMax} were ever sent`
    )
  }

  /** A new stream: everything from `received` on is sent again. */
  attach(received: number): void {
    this.sent = received
    this.#endSent = false
    this.#syncSent = 0
  }

  /** Written, and not confirmed. */
  get unconfirmed(): number {
    return this.written - this.acked
  }

  /** Lets go of all bytes and of the budget. */
  release(): void {
    this.#queue.clear()
    this.#budget.release(this.window)
    this.window = 0
  }

  /** Nothing is kept: what the window has grown by is for those who need it. It grows at once. */
  #shrink(): void {
    const surplus = this.window - this.#initial
    if (surplus <= 0) return
    this.#budget.release(surplus)
    this.window = this.#initial
  }

  /** Doubles the window while it, and not the peer's limit, is what holds data back. */
  #grow(): void {
    while (
      this.written >= this.acked + this.window &&
      this.limit > this.acked + this.window &&
      this.window < this.#max
    ) {
      const more = Math.min(this.window, this.#max - this.window)
      if (!this.#budget.tryReserve(more)) return
      this.window += more
    }
  }
}
