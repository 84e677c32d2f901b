import type { Socket } from 'node:net'

/** Bytes kept of what a target says before it has a user; beyond, it is not read. */
const MAX_HEAD_BYTES = 64 * 1024

/** A connection of a pool, and the watch over it while nobody uses it. */
export class PooledConn {
  readonly id: number
  readonly socket: Socket
  /** What the target said before its first user came, such as a banner; it is that user's. */
  head: Uint8Array[] = []
  /** `true` from its first user on. */
  used = false
  /** Set when it ended, or said what is nobody's, while it was watched. */
  dead = false
  #headBytes = 0
  #onDead: (() => void) | undefined

  /** `socket` is paused, and has a listener for `error` that stays. */
  constructor(id: number, socket: Socket) {
    this.id = id
    this.socket = socket
  }

  /** Watches for an end, a reset and stray bytes; `onDead` is called at most once. */
  watch(onDead: () => void): void {
    this.unwatch()
    this.#onDead = onDead
    const { socket } = this
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
    // An end or bytes that came before the watch have been announced to nobody.
    if (this.dead || socket.destroyed || socket.readableEnded) this.#onEnd()
    else if (this.#headBytes < MAX_HEAD_BYTES) socket.resume()
  }

  /** Ends the watch: the connection is paused and has none of its listeners left. */
  unwatch(): void {
    this.#onDead = undefined
    const { socket } = this
    socket.pause()
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onEnd)
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.used) return this.#onEnd()
    this.head.push(chunk)
    this.#headBytes += chunk.length
    if (this.#headBytes >= MAX_HEAD_BYTES) this.socket.pause()
  }

  readonly #onEnd = (): void => {
    this.dead = true
    const onDead = this.#onDead
    this.#onDead = undefined
    onDead?.()
  }
}
