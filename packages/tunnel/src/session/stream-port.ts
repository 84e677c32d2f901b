import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

/** Who uses a {@link StreamPort} now: first the heads, then the session. */
export interface PortUser {
  /** The next bytes: views, to be used or copied at once. */
  onBytes(chunk: Uint8Array): void
  /** {@link StreamPort.send} may be called again after it returned `false`. */
  onDrain(): void
  /** No more bytes will come, or can be sent; at most once. */
  onLost(error: Error | undefined): void
}

/** Streams of libp2p have it; a wrapped one may not. */
type RemoteEnd = MessageStream & { readonly remoteWriteStatus?: string }

const NOBODY: PortUser = { onBytes() {}, onDrain() {}, onLost() {} }

/**
 * One stream of any muxer, stock or ours, as a session uses it: bytes in by callback, batches out
 * with back-pressure, one notice of the end.
 *
 * It listens to events only (`message`, `drain`, `close`, `remoteCloseWrite`), since the streams'
 * own iterators and `onDrain()` are not safe (they buffer without bound, and work once).
 */
export class StreamPort {
  readonly #stream: MessageStream
  #user: PortUser = NOBODY
  #lost: { readonly error: Error | undefined } | undefined
  #full = false
  #paused = false
  #ended = false
  /** Bytes that came while paused: the rest of an event that was being handled. */
  #held: Uint8Array[] = []
  #onClosed: (() => void) | undefined

  readonly #onMessage = (event: StreamMessageEvent): void => {
    const { data } = event
    if (data instanceof Uint8Array) this.#take(data)
    else for (const chunk of data) this.#take(chunk)
  }
  readonly #onDrain = (): void => {
    if (!this.#full) return
    this.#full = false
    this.#user.onDrain()
  }
  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#removeListeners()
    this.#onClosed?.()
    if (event.error === undefined) this.#onRemoteEnd()
    else this.#setLost(event.error)
  }
  /** A muxer may tell the end before the bytes that came in the same frame: those go first. */
  readonly #onRemoteEnd = (): void => queueMicrotask(() => this.#setLost(undefined))

  constructor(stream: MessageStream) {
    this.#stream = stream
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('message', this.#onMessage)
    const { status, remoteWriteStatus } = stream as RemoteEnd
    if (status !== 'open' || remoteWriteStatus === 'closed') {
      // It ended before we came: its events are over.
      this.#onRemoteEnd()
    }
  }

  get isWritable(): boolean {
    return !this.#full && this.#lost === undefined && !this.#ended
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Who hears from now on; at once, if the stream has ended already. */
  use(user: PortUser): void {
    this.#user = user
    if (this.#lost !== undefined) {
      const { error } = this.#lost
      queueMicrotask(() => {
        if (this.#user === user) user.onLost(error)
      })
    }
  }

  /**
   * Lets go of the stream, as it is, for somebody else to use; with the bytes that came and were not
   * handed on. Of the port only {@link abort} is of use afterwards.
   */
  release(): { readonly stream: MessageStream; readonly held: readonly Uint8Array[] } {
    this.#removeListeners()
    this.#user = NOBODY
    const held = this.#held
    this.#held = []
    return { stream: this.#stream, held }
  }

  /** Stops bytes, so that the muxer's own flow control holds the peer. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    ignoring(() => this.#stream.pause())
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const held = this.#held
    this.#held = []
    for (const chunk of held) this.#take(chunk)
    if (!this.#paused) ignoring(() => this.#stream.resume())
  }

  /** Sends the chunks as one batch, by reference. @returns `false`: wait for `onDrain` */
  send(chunks: readonly Uint8Array[]): boolean {
    if (this.#lost !== undefined || this.#ended) return false
    const single = chunks.length === 1 ? chunks[0] : undefined
    try {
      this.#full = !this.#stream.send(single ?? new Uint8ArrayList(...chunks))
    } catch (error) {
      // The write side is closing or closed: the stream is of no more use.
      this.#setLost(error instanceof Error ? error : undefined)
      return false
    }
    return !this.#full
  }

  /**
   * Ends the stream gracefully: what was sent is delivered; what still comes is dropped.
   * `onClosed` is called once the stream is closed both ways; until then {@link abort} is due.
   */
  close(onClosed?: () => void): void {
    if (this.#ended) return
    this.#ended = true
    this.#user = NOBODY
    this.#held = []
    if (isOver(this.#stream)) {
      this.#removeListeners()
      onClosed?.()
      return
    }
    this.#onClosed = onClosed
    this.resume()
    this.#stream.close().catch((error: unknown) => this.abort(asError(error)))
  }

  /** Ends the stream at once, both ways; the user hears of it as of any other loss. */
  abort(error: Error): void {
    this.#setLost(error)
    if (isOver(this.#stream)) return
    ignoring(() => this.#stream.abort(error))
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended) return
    if (this.#paused) this.#held.push(chunk)
    else this.#user.onBytes(chunk)
  }

  #setLost(error: Error | undefined): void {
    if (this.#lost !== undefined) return
    this.#lost = { error }
    this.#user.onLost(error)
  }

  #removeListeners(): void {
    this.#stream.removeEventListener('close', this.#onClose)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteEnd)
    this.#stream.removeEventListener('drain', this.#onDrain)
    this.#stream.removeEventListener('message', this.#onMessage)
  }
}

function isOver(stream: MessageStream): boolean {
  return stream.status === 'closed' || stream.status === 'aborted' || stream.status === 'reset'
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** For calls that throw only because the stream has just ended, which an event tells as well. */
function ignoring(call: () => void): void {
  try {
    call()
  } catch {
    // The close event says it.
  }
}
