import type { TcpSocket } from '../../src/socket/tcp-socket.ts'
import type { VirtualClock } from '../../src/stack/virtual-clock.ts'
import { streamBytes } from './content.ts'

/** What one end of a simulated connection does. */
export interface SideSettings {
  /** Number of the stream that it sends; the other end's is its pair. */
  readonly stream: number
  /** Bytes that it sends, and how many at a time, how many ms apart. */
  readonly total: number
  readonly chunk: number
  readonly pause: number
  /** Bytes that it reads at a time, and how many ms apart. */
  readonly readLimit: number
  readonly readPause: number
  /** Bytes sent after which it aborts. */
  readonly abortAt: number | undefined
  readonly keepAlive: number
  /** The link is rough, or one of the ends aborts: the connection need not end in order. */
  readonly mayFail: boolean
  /** Bytes that the other end sends. */
  readonly expect: number
}

/** Rings grow in powers of two, and tables beside them: what a connection may hold in all. */
const MEMORY_BOUND = 2 * (1_048_576 + 8_388_608) + 1_048_576

/** One end of a simulated connection: sends, reads and checks every byte. */
export class Side {
  received = 0
  error: Error | undefined
  readonly #socket: TcpSocket
  readonly #clock: VirtualClock
  readonly #settings: SideSettings
  #sent = 0
  #sendWaits = false
  #readWaits = false
  #closed = false
  #ended = false

  constructor(socket: TcpSocket, clock: VirtualClock, settings: SideSettings) {
    this.#socket = socket
    this.#clock = clock
    this.#settings = settings
    socket.events = {
      onReadable: () => this.#read(),
      onWritable: () => this.#send(),
      onEnd: () => {
        this.#ended = true
      },
      onClose: error => {
        this.#closed = true
        this.error = error
        this.#drain()
      }
    }
    // A lost RST leaves the peer waiting: only probes find that out.
    if (settings.keepAlive > 0) socket.setKeepAlive(settings.keepAlive)
    this.#send()
    this.#read()
  }

  /** Throws unless everything was delivered, or the end was reported and has a cause. */
  check(): void {
    if (!this.#closed)
      throw new Error(
        `a connection hangs in ${this.#socket.state}: sent ${this.#sent} of ${this.#settings.total}, received ${this.received} of ${this.#settings.expect}`
      )
    if (this.error !== undefined) {
      if (this.#settings.mayFail) return
      throw new Error(`a connection failed without cause: ${this.error.message}`)
    }
    if (this.received !== this.#settings.expect || !this.#ended)
      throw new Error(
        `a connection ended in order with ${this.received} of ${this.#settings.expect} bytes delivered`
      )
  }

  #send(): void {
    const { stream, total, chunk, pause, abortAt } = this.#settings
    while (!this.#sendWaits && !this.#closed) {
      if (abortAt !== undefined && this.#sent >= Math.min(abortAt, total)) {
        this.#socket.abort()
        return
      }
      if (this.#sent === total) {
        this.#socket.end()
        return
      }
      const bytes = streamBytes(stream, this.#sent, Math.min(chunk, total - this.#sent))
      const taken = this.#socket.write(bytes)
      this.#sent += taken
      if (taken < bytes.length) return
      if (pause > 0) {
        this.#sendWaits = true
        this.#clock.at(this.#clock.now() + pause, () => {
          this.#sendWaits = false
          this.#send()
        })
      }
    }
  }

  #read(): void {
    const { readLimit, readPause } = this.#settings
    while (!this.#readWaits && this.#socket.readable > 0 && !this.#closed) {
      this.#take(readLimit)
      if (readPause > 0 && readLimit < Infinity) {
        this.#readWaits = true
        this.#clock.at(this.#clock.now() + readPause, () => {
          this.#readWaits = false
          this.#read()
        })
      }
    }
    const memory = this.#socket.info().memory
    if (memory > MEMORY_BOUND) throw new Error(`a connection holds ${memory} bytes`)
  }

  /** What was there when the connection ended is still to be read. */
  #drain(): void {
    if (this.error !== undefined) return
    while (this.#socket.readable > 0) this.#take(Infinity)
  }

  #take(limit: number): void {
    const bytes = this.#socket.peek()
    const taken = bytes.subarray(0, limit)
    const expected = streamBytes(this.#settings.stream ^ 1, this.received, taken.length)
    if (Buffer.compare(taken, expected) !== 0)
      throw new Error(`wrong bytes after ${this.received} of stream ${this.#settings.stream ^ 1}`)
    this.received += taken.length
    if (this.received > this.#settings.expect) throw new Error('more arrived than was sent')
    this.#socket.consume(taken.length)
  }
}
