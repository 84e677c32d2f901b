import { Duplex } from 'node:stream'
import { NetstackAbortedError } from '../errors.ts'
import type { TcpSocket } from './tcp-socket.ts'

/** Options of a {@link NetSocket}. */
export interface NetSocketOptions {
  /**
   * Keeps our side open when the peer has ended its own.
   * @default false
   */
  readonly allowHalfOpen?: boolean
}

/** What a write waits for. */
interface PendingWrite {
  readonly chunks: readonly Uint8Array[]
  /** Chunk, and byte of it, from which on nothing has been taken. */
  chunk: number
  offset: number
  readonly done: (error?: Error | null) => void
}

/**
 * A {@link TcpSocket} as a Node stream, with the events, properties and methods of `net.Socket`:
 * what takes one takes the other. It holds no bytes beside the stream's own high-water marks: what is
 * not read stays in the receive ring, and closes the window.
 */
export class NetSocket extends Duplex {
  readonly #tcp: TcpSocket
  #write: PendingWrite | undefined
  #final: ((error?: Error | null) => void) | undefined
  #reading = false
  #connecting: boolean

  /** @param tcp - a socket of a stack; its events are this object's from now on */
  constructor(tcp: TcpSocket, options: NetSocketOptions = {}) {
    super({ allowHalfOpen: options.allowHalfOpen ?? false, emitClose: true })
    this.#tcp = tcp
    this.#connecting = tcp.state === 'syn-sent' || tcp.state === 'syn-received'
    tcp.events = {
      onConnect: () => {
        this.#connecting = false
        this.emit('connect')
        this.emit('ready')
      },
      onReadable: () => this.#pull(),
      onWritable: () => this.#push(),
      onEnd: () => this.#pull(),
      onFlushed: () => this.#flushed(),
      onClose: error => this.#closed(error)
    }
    // So that the end of a peer that sends nothing is noticed, whether or not anybody reads.
    this.read(0)
  }

  /** Whether the handshake is under way. */
  get connecting(): boolean {
    return this.#connecting
  }

  get localAddress(): string {
    return this.#tcp.localAddress
  }

  get localPort(): number {
    return this.#tcp.localPort
  }

  get remoteAddress(): string {
    return this.#tcp.remoteAddress
  }

  get remotePort(): number {
    return this.#tcp.remotePort
  }

  /** The socket underneath, for its measurements. */
  get tcp(): TcpSocket {
    return this.#tcp
  }

  /** Switches Nagle's algorithm off, or on. */
  setNoDelay(on = true): this {
    this.#tcp.setNoDelay(on)
    return this
  }

  /** Probes a silent peer after `idle` ms. */
  setKeepAlive(on = false, idle = 7_200_000): this {
    this.#tcp.setKeepAlive(on ? idle : 0)
    return this
  }

  /** Ends the connection by RST. */
  resetAndDestroy(): this {
    this.#abort()
    return this.destroy()
  }

  override _read(): void {
    this.#reading = true
    this.#pull()
  }

  override _write(
    chunk: Uint8Array,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void
  ): void {
    this.#begin([chunk], done)
  }

  override _writev(
    entries: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void
  ): void {
    this.#begin(
      entries.map(({ chunk }) => chunk),
      done
    )
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#tcp.closed) {
      done()
      return
    }
    this.#final = done
    this.#tcp.end()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // In order when both sides have ended; whatever is left else is not delivered: the peer is told.
    this.#abort()
    done(error)
  }

  #abort(): void {
    this.#tcp.events = {}
    this.#tcp.abort()
  }

  /** Hands on what waits, as long as the stream takes it. */
  #pull(): void {
    const tcp = this.#tcp
    while (this.#reading && tcp.readable > 0) {
      const bytes = tcp.peek()
      const chunk = Buffer.allocUnsafeSlow(bytes.length)
      chunk.set(bytes)
      tcp.consume(bytes.length)
      this.#reading = this.push(chunk)
    }
    if (tcp.ended && tcp.readable === 0 && this.#reading) {
      this.#reading = false
      this.push(null)
      this.read(0)
    }
  }

  #begin(chunks: readonly Uint8Array[], done: (error?: Error | null) => void): void {
    this.#write = { chunks, chunk: 0, offset: 0, done }
    this.#push()
  }

  /** Writes as much as the send buffer takes; the rest when it is writable. */
  #push(): void {
    const write = this.#write
    if (write === undefined) return
    for (let chunk = write.chunks[write.chunk]; chunk !== undefined; ) {
      write.offset += this.#tcp.write(write.offset === 0 ? chunk : chunk.subarray(write.offset))
      if (write.offset < chunk.length) return
      write.offset = 0
      chunk = write.chunks[++write.chunk]
    }
    this.#write = undefined
    write.done()
  }

  #flushed(): void {
    const final = this.#final
    this.#final = undefined
    final?.()
  }

  #closed(error: Error | undefined): void {
    // Whoever waits for a write or an end is told by destroy(). That the stack was closed under it is
    // the application's own doing, and no error of the connection.
    if (error === undefined) this.#flushed()
    else this.destroy(error instanceof NetstackAbortedError ? undefined : error)
  }
}
