import { StreamStateError, type MessageStreamReadStatus } from '@libp2p/interface'

/** Bytes held for a reader that does not come, before the source is stopped. */
const HIGH_WATER = 64 * 1024

/** What a {@link ReadSide} asks of its connection. */
export interface ReadHost {
  /** Is there somebody to take a chunk? */
  hasReader(): boolean
  /** Gives a chunk to the readers. */
  give(chunk: Uint8Array): void
  /** Stops reading from the source, and starts again. */
  stopSource(): void
  startSource(): void
  /** Called whenever nothing is held. */
  onEmpty(): void
}

/**
 * What arrived, or was put back, and was not taken yet; and when to read on.
 *
 * While it is paused, or holds 64 KiB that nobody takes, the source is not read: so whoever does not
 * read holds the peer back.
 */
export class ReadSide {
  readonly #host: ReadHost
  #chunks: Uint8Array[] = []
  #length = 0
  #status: MessageStreamReadStatus = 'readable'
  #stopped = false
  #delivering = false

  constructor(host: ReadHost) {
    this.#host = host
  }

  get status(): MessageStreamReadStatus {
    return this.#status
  }

  /** Bytes held. */
  get length(): number {
    return this.#length
  }

  /** Is the source not being read? */
  get stopped(): boolean {
    return this.#stopped
  }

  /** Takes a chunk from the source. */
  receive(chunk: Uint8Array): void {
    if (this.#status === 'closed') return
    if (this.#status === 'readable' && this.#length === 0 && this.#host.hasReader()) {
      this.#host.give(chunk)
      return
    }
    this.#chunks.push(chunk)
    this.#length += chunk.byteLength
    this.deliver()
    if (this.#length >= HIGH_WATER) this.#stop()
  }

  /** Puts chunks behind what is held, or before it; `deliver` hands them out. */
  putBack(chunks: Iterable<Uint8Array>, where: 'first' | 'last'): void {
    this.#assertOpen(where === 'first' ? 'unshift data onto' : 'push data onto')
    const some = [...chunks].filter(chunk => chunk.byteLength > 0)
    if (where === 'first') this.#chunks.unshift(...some)
    else this.#chunks.push(...some)
    for (const chunk of some) this.#length += chunk.byteLength
  }

  /** Hands out what is held as long as there is somebody to take it, then reads on. */
  deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    try {
      while (this.#status === 'readable' && this.#host.hasReader()) {
        const chunk = this.#chunks.shift()
        if (chunk === undefined) break
        this.#length -= chunk.byteLength
        this.#host.give(chunk)
      }
    } finally {
      this.#delivering = false
    }
    if (this.#length === 0) this.#host.onEmpty()
    if (this.#status === 'readable' && this.#length < HIGH_WATER) this.#start()
  }

  pause(): void {
    this.#assertOpen('pause')
    if (this.#status === 'paused') return
    this.#status = 'paused'
    this.#stop()
  }

  resume(): void {
    this.#assertOpen('resume')
    if (this.#status !== 'paused') return
    this.#status = 'readable'
    this.deliver()
  }

  /** Gives what is held to somebody who reads the source from now on. */
  takeAll(): Uint8Array[] {
    const chunks = this.#chunks
    this.#chunks = []
    this.#length = 0
    this.#status = 'closed'
    return chunks
  }

  /** Nobody will read any more: what is held goes, and so does what still arrives. */
  discard(): void {
    this.#chunks = []
    this.#length = 0
    this.#status = 'closed'
    this.#start()
  }

  /** Closes the side, once nothing is held. */
  closeWhenEmpty(): void {
    if (this.#length === 0) this.#status = 'closed'
  }

  #stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#host.stopSource()
  }

  #start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.#host.startSource()
  }

  #assertOpen(verb: string): void {
    if (this.#status === 'closed') {
      throw new StreamStateError(`Cannot ${verb} a stream whose readable end is closed`)
    }
  }
}
