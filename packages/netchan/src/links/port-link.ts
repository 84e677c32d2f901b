import { FrameLinkError } from '../errors.ts'
import { broken, checkLength, over } from './byte-link.ts'
import { FrameInbox } from './frame-inbox.ts'
import type { FrameLink } from './frame-link.ts'
import { Gate } from './gate.ts'
import { CLOSE_TIMEOUT, MAX_FRAME_BYTES } from './limits.ts'

/** Frames that may be under way and not received, in each direction: ports have no back-pressure. */
const ROOM = 8

/** Beside frames (`Uint8Array`), what the ends tell each other. */
const SIGN = {
  /** One more frame was received. */
  taken: 'taken',
  /** No more frames come; in order. */
  end: 'end',
  /** The link is over, at once. */
  abort: 'abort'
} as const

/** A `MessagePort` of Node or of a browser, a `Worker`, or `parentPort`. */
export interface PortLike {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
  /** Node's. */
  on?(event: string, listener: (value: unknown) => void): unknown
  off?(event: string, listener: (value: unknown) => void): unknown
  /** The browser's. */
  addEventListener?(event: string, listener: (event: Event) => void): void
  removeEventListener?(event: string, listener: (event: Event) => void): void
  start?(): void
  close?(): void
}

/**
 * A link over a `MessagePort` between threads, or over a worker as a whole. The ports of a channel
 * are closed with the link; a worker goes on.
 *
 * Nobody else may use the port for messages. Memory of frames moves to the other thread where it can.
 *
 * @param peer who is at the other end, for events and messages. Default `'port'`
 */
export function portLink(port: PortLike, peer = 'port'): FrameLink {
  return new PortLink(port, peer)
}

class PortLink implements FrameLink {
  readonly maxFrameBytes = MAX_FRAME_BYTES
  readonly peer: string
  readonly #port: PortLike
  readonly #inbox = new FrameInbox()
  readonly #room = new Gate()
  /** Frames that the peer has not received. */
  #underWay = 0
  #closing: Promise<void> | undefined
  #peerEnded = false
  #closed = false
  #onPeerEnd: () => void = () => {}
  readonly #onNodeMessage = (message: unknown): void => this.#onMessage(message)
  readonly #onWebMessage = (event: Event): void => this.#onMessage(Reflect.get(event, 'data'))
  readonly #onGone = (): void => this.#finish(broken(undefined))

  constructor(port: PortLike, peer: string) {
    this.#port = port
    this.peer = peer
    if (port.on !== undefined) {
      port.on('message', this.#onNodeMessage)
      // A port says close, a worker exit.
      port.on('close', this.#onGone)
      port.on('exit', this.#onGone)
    } else {
      port.addEventListener?.('message', this.#onWebMessage)
      port.start?.()
    }
  }

  send(frame: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    try {
      signal?.throwIfAborted()
      checkLength(frame, this.maxFrameBytes)
      if (this.#closed || this.#peerEnded || this.#closing !== undefined) throw over()
      const own = ownMemory(frame)
      this.#port.postMessage(own, [own.buffer])
    } catch (error) {
      return Promise.reject(error as Error)
    }
    return ++this.#underWay < ROOM ? undefined : this.#room.wait(signal)
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const frame = await this.#inbox.receive(signal)
    if (frame !== undefined) this.#tell(SIGN.taken)
    return frame
  }

  close(reason?: Error): Promise<void> {
    if (reason !== undefined) this.#abort(reason)
    this.#closing ??= this.#close()
    return this.#closing
  }

  #onMessage(message: unknown): void {
    if (message instanceof Uint8Array) {
      if (this.#closing !== undefined) this.#tell(SIGN.taken)
      else if (message.length > this.maxFrameBytes || this.#inbox.length >= ROOM) {
        this.#abort(new FrameLinkError('the peer sends more than it may'))
      } else this.#inbox.push(message)
    } else if (message === SIGN.taken && this.#underWay > 0) {
      if (--this.#underWay < ROOM) this.#room.open()
    } else if (message === SIGN.end) {
      this.#peerEnded = true
      this.#inbox.end(undefined)
      this.#room.open(over())
      this.#onPeerEnd()
    } else if (message === SIGN.abort) {
      this.#finish(broken(undefined))
    } else this.#abort(new FrameLinkError('the peer sent what is no frame'))
  }

  #tell(sign: string): void {
    if (!this.#closed) this.#port.postMessage(sign)
  }

  #abort(error: Error): void {
    this.#tell(SIGN.abort)
    this.#finish(error)
  }

  async #close(): Promise<void> {
    if (this.#closed) return
    for (let dropped = this.#inbox.length; dropped > 0; dropped--) this.#tell(SIGN.taken)
    this.#inbox.clear()
    this.#inbox.end(undefined)
    this.#tell(SIGN.end)
    if (!this.#peerEnded) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT)
        this.#onPeerEnd = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#finish(over())
  }

  #finish(error: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox.end(error)
    this.#room.open(error)
    this.#onPeerEnd()
    const port = this.#port
    port.off?.('message', this.#onNodeMessage)
    port.off?.('close', this.#onGone)
    port.off?.('exit', this.#onGone)
    port.removeEventListener?.('message', this.#onWebMessage)
    port.close?.()
  }
}

/** The frame in memory that is all its own, and so can move to another thread. */
function ownMemory(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = frame
  return buffer instanceof ArrayBuffer && buffer.byteLength === frame.length
    ? new Uint8Array(buffer)
    : Uint8Array.from(frame)
}
