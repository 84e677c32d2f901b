import { FrameLinkError } from '../errors.ts'
import { broken, checkLength, over } from './byte-link.ts'
import { FrameInbox } from './frame-inbox.ts'
import type { FrameLink } from './frame-link.ts'
import { Gate } from './gate.ts'
import { MAX_FRAME_BYTES } from './limits.ts'

/** Frames under way in each direction before the sender waits. */
const ROOM = 8

/** Two ends of a link within one process. */
export function memoryLinks(): [FrameLink, FrameLink] {
  const [a, b] = [new MemoryLink(), new MemoryLink()]
  a.connect(b)
  b.connect(a)
  return [a, b]
}

class MemoryLink implements FrameLink {
  readonly maxFrameBytes = MAX_FRAME_BYTES
  readonly peer = 'memory'
  readonly #inbox = new FrameInbox()
  readonly #room = new Gate()
  #other: MemoryLink | undefined
  #closed = false

  connect(other: MemoryLink): void {
    this.#other = other
  }

  send(frame: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    const inbox = this.#other?.inbox
    try {
      signal?.throwIfAborted()
      checkLength(frame, this.maxFrameBytes)
      if (this.#closed || inbox === undefined || inbox.ended) throw over()
    } catch (error) {
      return Promise.reject(error as Error)
    }
    inbox.push(frame)
    return inbox.length < ROOM ? undefined : this.#room.wait(signal)
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const frame = await this.#inbox.receive(signal)
    this.#other?.room.open()
    return frame
  }

  close(reason?: Error): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    this.#inbox.clear()
    this.#inbox.end(reason)
    this.#room.open(over())
    this.#other?.end(reason)
    return Promise.resolve()
  }

  get inbox(): FrameInbox {
    return this.#inbox
  }

  get room(): Gate {
    return this.#room
  }

  /** The other end is gone; in order, what it sent can still be received. */
  end(reason: Error | undefined): void {
    if (reason !== undefined) this.#inbox.clear()
    this.#inbox.end(reason === undefined ? undefined : broken(reason))
    this.#room.open(new FrameLinkError('the peer has ended the link'))
  }
}
