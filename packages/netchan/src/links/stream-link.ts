import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { ByteLink } from './byte-link.ts'
import type { Carrier, CarrierUser } from './carrier.ts'
import type { FrameLink } from './frame-link.ts'

/**
 * A link over a stream of libp2p, stock or Warren's. It ends with the stream.
 *
 * Nobody else may read from the stream.
 *
 * @param peer who is at the other end, as the connection of the stream knows; default: the stream's id
 */
export function streamLink(stream: Stream, peer?: string): FrameLink {
  return new ByteLink(new StreamCarrier(stream, peer ?? stream.id))
}

/** Listens to events only: the stock iterator buffers without bound, and `onDrain` works once. */
class StreamCarrier implements Carrier {
  readonly peer: string
  readonly #stream: Stream
  #user: CarrierUser | undefined
  #full = false
  #paused = false
  #ended = false
  #closed = false

  readonly #onMessage = ({ data }: StreamMessageEvent): void => {
    if (data instanceof Uint8Array) this.#user?.onBytes(data)
    else for (const chunk of data) this.#user?.onBytes(chunk)
  }
  readonly #onDrain = (): void => {
    if (!this.#full) return
    this.#full = false
    this.#user?.onDrain()
  }
  readonly #onRemoteEnd = (): void => this.#settleSoon()
  readonly #onClose = ({ error }: StreamCloseEvent): void => {
    if (error === undefined) this.#settleSoon()
    else this.#finish(error)
  }

  constructor(stream: Stream, peer: string) {
    this.#stream = stream
    this.peer = peer
  }

  start(user: CarrierUser): void {
    this.#user = user
    const stream = this.#stream
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('message', this.#onMessage)
    // What happened before we listened is told by nobody.
    this.#settleSoon()
  }

  write(length: Uint8Array, frame: Uint8Array): boolean {
    this.#full = !this.#stream.send(new Uint8ArrayList(length, frame))
    return !this.#full
  }

  pause(): void {
    this.#paused = true
    if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#stream.readStatus === 'paused') this.#stream.resume()
    this.#settleSoon()
  }

  end(): void {
    const stream = this.#stream
    if (isOver(stream)) return
    stream.close().catch((error: unknown) => this.destroy(error as Error))
  }

  destroy(error: Error): void {
    if (!isOver(this.#stream)) this.#stream.abort(error)
    else this.#finish(error)
  }

  /** Tells the end once the stream has delivered what it holds: that is a turn later at most. */
  #settleSoon(): void {
    if (this.#stream.remoteWriteStatus !== 'closed' && !isOver(this.#stream)) return
    setTimeout(() => {
      // Otherwise it is called again, by `resume`.
      if (this.#paused || this.#stream.readBufferLength > 0 || this.#closed) return
      if (!this.#ended) this.#user?.onEnd()
      this.#ended = true
      if (isOver(this.#stream)) this.#finish(undefined)
    }, 0)
  }

  #finish(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    const stream = this.#stream
    stream.removeEventListener('close', this.#onClose)
    stream.removeEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.removeEventListener('drain', this.#onDrain)
    stream.removeEventListener('message', this.#onMessage)
    this.#user?.onClosed(error)
  }
}

function isOver({ status }: Stream): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
