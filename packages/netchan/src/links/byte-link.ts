import { LengthPrefixedDecoder, encodeVarint, varintSize } from '@warren/utils'
import { FrameLinkError } from '../errors.ts'
import type { Carrier, CarrierUser } from './carrier.ts'
import { FrameInbox } from './frame-inbox.ts'
import type { FrameLink } from './frame-link.ts'
import { Gate } from './gate.ts'
import { CLOSE_TIMEOUT, MAX_FRAME_BYTES } from './limits.ts'

/**
 * Frames over a carrier of bytes, each behind its length as a varint.
 *
 * While frames wait to be received the carrier is paused: at most what one of its chunks held is
 * here, and one frame that is not complete.
 */
export class ByteLink implements FrameLink, CarrierUser {
  readonly maxFrameBytes = MAX_FRAME_BYTES
  readonly #carrier: Carrier
  readonly #decoder = new LengthPrefixedDecoder(MAX_FRAME_BYTES)
  readonly #inbox = new FrameInbox()
  readonly #room = new Gate()
  #paused = false
  #closing: Promise<void> | undefined
  /** The carrier is over. */
  #closed = false
  #onClosed: () => void = () => {}

  constructor(carrier: Carrier) {
    this.#carrier = carrier
    carrier.start(this)
  }

  get peer(): string {
    return this.#carrier.peer
  }

  send(frame: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    try {
      signal?.throwIfAborted()
      checkLength(frame, this.maxFrameBytes)
      if (this.#closed || this.#closing !== undefined) throw over()
      const length = new Uint8Array(varintSize(frame.length))
      encodeVarint(frame.length, length)
      if (this.#carrier.write(length, frame)) return undefined
    } catch (error) {
      return Promise.reject(error as Error)
    }
    return this.#room.wait(signal)
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#inbox.length === 0) this.#resume()
    return this.#inbox.receive(signal)
  }

  close(reason?: Error): Promise<void> {
    if (reason !== undefined) this.#destroy(reason)
    this.#closing ??= this.#close()
    return this.#closing
  }

  onBytes(chunk: Uint8Array): void {
    // What comes while the link ends is dropped, so that the end can come behind it.
    if (this.#closing !== undefined || this.#inbox.ended) return
    try {
      for (const frame of this.#decoder.push(chunk)) this.#inbox.push(frame)
    } catch (error) {
      this.#destroy(error as Error)
      return
    }
    if (this.#inbox.length === 0 || this.#paused) return
    this.#paused = true
    this.#carrier.pause()
  }

  onDrain(): void {
    this.#room.open()
  }

  onEnd(): void {
    const cut = this.#decoder.isInFrame
    this.#inbox.end(cut ? new FrameLinkError('the link ended in the middle of a frame') : undefined)
  }

  onClosed(error: Error | undefined): void {
    this.#closed = true
    // An end in order was told before.
    this.#inbox.end(broken(error))
    this.#room.open(broken(error))
    this.#onClosed()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#carrier.resume()
  }

  #destroy(error: Error): void {
    if (this.#closed) return
    this.#inbox.end(error)
    this.#room.open(error)
    this.#carrier.destroy(error)
  }

  /** In order, unless it was destroyed before. */
  async #close(): Promise<void> {
    this.#inbox.clear()
    this.#inbox.end(undefined)
    this.#resume()
    if (this.#closed) return
    const closed = new Promise<void>(resolve => {
      this.#onClosed = resolve
    })
    const timer = setTimeout(() => {
      this.#carrier.destroy(new FrameLinkError('the peer did not end the link in time'))
    }, CLOSE_TIMEOUT)
    this.#carrier.end()
    await closed
    clearTimeout(timer)
  }
}

/** @throws code `ERR_FRAME_LINK` */
export function checkLength(frame: Uint8Array, max: number): void {
  if (frame.length <= max) return
  throw new FrameLinkError(`a frame of ${frame.length} bytes is over the link's limit of ${max}`)
}

/** Why nothing can be sent any more. */
export function over(): FrameLinkError {
  return new FrameLinkError('the link has ended: the frame was not sent')
}

/** The error of a link whose carrier is gone. */
export function broken(cause: Error | undefined): FrameLinkError {
  return new FrameLinkError(
    'what carries the link is gone',
    cause === undefined ? undefined : { cause }
  )
}
