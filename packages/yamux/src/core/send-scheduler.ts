import { FLAG, FRAME, HEADER_BYTES, MAX_DATA_BYTES } from './constants.ts'
import { encodeHeader } from './header.ts'
import { NOTHING } from './stream-state.ts'
import type { StreamState } from './stream-state.ts'

/** What left with a batch, for the session to act on. */
export interface SendReport<Owner> {
  /** Some of the stream's queue has left. */
  sent(stream: StreamState<Owner>): void
  /** The end of our direction has left. */
  endSent(stream: StreamState<Owner>): void
}

/**
 * Decides which stream's bytes leave next: streams with something to send and window for it take
 * turns, one frame each. Payload is passed on by reference; a frame is its header and the chunks
 * (or parts of chunks) behind it.
 */
export class SendScheduler<Owner> {
  #ring: StreamState<Owner>[] = []
  #head = 0

  get waiting(): number {
    return this.#ring.length - this.#head
  }

  /** Puts the stream at the end of the ring, if it has something that can leave now. */
  schedule(stream: StreamState<Owner>): void {
    if (stream.scheduled || stream.dead || !hasWork(stream)) return
    stream.scheduled = true
    this.#ring.push(stream)
  }

  /** Lets go of every stream. */
  clear(): void {
    this.#ring = []
    this.#head = 0
  }

  /** Appends frames to `out` until `maxBytes` are reached or nothing can be sent. */
  collect(out: Uint8Array[], maxBytes: number, report: SendReport<Owner>): number {
    let bytes = 0
    while (bytes < maxBytes && this.#head < this.#ring.length) {
      const stream = this.#ring[this.#head++]
      if (stream === undefined) break
      stream.scheduled = false
      if (stream.dead) continue
      bytes += this.#frame(stream, out, report)
      this.schedule(stream)
    }
    if (this.#head === this.#ring.length) {
      this.#ring = []
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#ring = this.#ring.slice(this.#head)
      this.#head = 0
    }
    return bytes
  }

  #frame(stream: StreamState<Owner>, out: Uint8Array[], report: SendReport<Owner>): number {
    const length = Math.min(stream.queuedBytes, stream.sendWindow, MAX_DATA_BYTES)
    const ends = stream.localEnd === 'wanted' && length === stream.queuedBytes
    const flags = stream.pendingFlags
    stream.pendingFlags = 0
    let bytes = length
    if (length > 0) {
      out.push(encodeHeader(FRAME.data, flags, stream.id, length))
      takeQueued(stream, length, out)
      bytes += HEADER_BYTES
      report.sent(stream)
    }
    if (ends || length === 0) {
      // The FIN has a frame of its own: js-libp2p acts on it before it delivers the frame's bytes.
      const rest = (length > 0 ? 0 : flags) | (ends ? FLAG.fin : 0)
      out.push(encodeHeader(FRAME.windowUpdate, rest, stream.id, 0))
      bytes += HEADER_BYTES
    }
    if (ends) {
      stream.localEnd = 'sent'
      report.endSent(stream)
    }
    return bytes
  }
}

function hasWork<Owner>(stream: StreamState<Owner>): boolean {
  return (
    stream.pendingFlags !== 0 ||
    (stream.queuedBytes > 0 && stream.sendWindow > 0) ||
    (stream.localEnd === 'wanted' && stream.queuedBytes === 0)
  )
}

/** Moves `length` bytes from the stream's queue to `out`. */
function takeQueued<Owner>(stream: StreamState<Owner>, length: number, out: Uint8Array[]): void {
  let left = length
  while (left > 0) {
    const chunk = stream.queue[stream.queueHead]
    if (chunk === undefined) break
    if (chunk.length <= left) {
      out.push(chunk)
      left -= chunk.length
      stream.queueHead++
    } else {
      out.push(chunk.subarray(0, left))
      stream.queue[stream.queueHead] = chunk.subarray(left)
      left = 0
    }
  }
  stream.queuedBytes -= length
  stream.sendWindow -= length
  if (stream.queueHead === stream.queue.length) {
    stream.queue = NOTHING
    stream.queueHead = 0
  } else if (stream.queueHead >= 64) {
    stream.queue = stream.queue.slice(stream.queueHead)
    stream.queueHead = 0
  }
}
