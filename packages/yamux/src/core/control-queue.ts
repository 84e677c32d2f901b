import { YamuxFloodError } from '../errors.ts'
import { FLAG, FRAME, HEADER_BYTES } from './constants.ts'
import { encodeHeader, readUint32 } from './header.ts'

/**
 * Control frames that wait to be sent, in order, ahead of all data.
 *
 * A peer that makes us answer and does not read would grow this without bound: so window updates of
 * one stream add up in place, answers to pings give way to newer ones, and past the limit the
 * connection ends.
 */
export class ControlQueue {
  readonly #maxFrames: number
  #frames: Uint8Array[] = []
  /** Where the waiting window update of a stream is, so that more credit is added to it. */
  #updates: Map<number, Uint8Array> | undefined
  /** Answers to pings that wait. */
  #pongs: Uint8Array[] = []
  readonly #maxPongs: number

  constructor(maxFrames: number, maxPongs: number) {
    this.#maxFrames = maxFrames
    this.#maxPongs = maxPongs
  }

  get length(): number {
    return this.#frames.length + this.#pongs.length
  }

  /** As many answers to pings wait as may: a further one takes the place of the oldest. */
  get pongsFull(): boolean {
    return this.#pongs.length >= this.#maxPongs
  }

  /**
   * Queues a frame that the peer makes us send.
   *
   * @throws {YamuxFloodError} when too many frames wait already
   */
  answer(type: number, flags: number, streamId: number, length: number): void {
    if (this.length >= this.#maxFrames) {
      throw new YamuxFloodError(
        `more than ${this.#maxFrames} control frames (${this.#maxFrames * HEADER_BYTES} bytes) wait for a peer that does not read`
      )
    }
    this.push(type, flags, streamId, length)
  }

  /**
   * Queues a frame of our own accord. There is at most one window update and one reset for each
   * stream that the peer knows, so these are bounded by the number of streams.
   */
  push(type: number, flags: number, streamId: number, length: number): void {
    const frame = encodeHeader(type, flags, streamId, length)
    if (type === FRAME.ping && flags === FLAG.ack) {
      if (this.pongsFull) this.#pongs.shift()
      this.#pongs.push(frame)
      return
    }
    if (type === FRAME.windowUpdate && flags === 0) {
      const waiting = this.#updates?.get(streamId)
      if (waiting !== undefined) {
        frame.set(encodeHeader(type, flags, streamId, readUint32(waiting, 8) + length))
        waiting.set(frame)
        return
      }
      this.#updates ??= new Map()
      this.#updates.set(streamId, frame)
    }
    this.#frames.push(frame)
  }

  /** All that waits, oldest first; the queue is empty afterwards. */
  take(): Uint8Array[] {
    const frames = this.#pongs.length === 0 ? this.#frames : [...this.#frames, ...this.#pongs]
    this.#frames = []
    this.#pongs = []
    this.#updates?.clear()
    return frames
  }
}
