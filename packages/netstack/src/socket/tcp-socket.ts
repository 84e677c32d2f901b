import type { WarrenError } from '@warren/interface'
import {
  NetstackAbortedError,
  NetstackRefusedError,
  NetstackResetError,
  NetstackTimeoutError,
  NetstackUnreachableError
} from '../errors.ts'
import { formatAddress } from '../stack/address.ts'
import type { Connection, ConnectionOwner } from '../stack/connection.ts'
import { TCB_EVENT, type TcbFailure, type TcbInfo, type TcpState } from '../tcp/tcb-types.ts'

/** What a {@link TcpSocket} tells; each is called within a turn of the stack, and may use the socket. */
export interface TcpSocketEvents {
  /** The handshake is complete. Once. */
  onConnect?(): void
  /** There is more to read than before. */
  onReadable?(): void
  /** `write` takes bytes again after it took fewer than it was offered. */
  onWritable?(): void
  /** The peer sends no more; what is `readable` can still be read. Once. */
  onEnd?(): void
  /** All that was written, and our end, has been acknowledged. Once. */
  onFlushed?(): void
  /** The connection is over; without an error both sides had ended in order. Once, and last. */
  onClose?(error: WarrenError | undefined): void
}

/** How a socket reaches its stack. */
export interface TcpSocketHost {
  now(): number
  /** The connection wants a turn. */
  touch(connection: Connection): void
}

/**
 * A TCP connection as a pair of byte streams, without buffers of its own: `write` copies into the
 * send ring, `peek` shows what lies in the receive ring. What is not consumed keeps the peer's window
 * closed, and so the peer from sending: back-pressure from end to end.
 *
 * A socket is over when both sides have ended and our end is acknowledged; the stack looks after
 * TIME-WAIT alone.
 */
export class TcpSocket implements ConnectionOwner {
  /** Who is told what happens; may be set anew at any time. */
  events: TcpSocketEvents = {}
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #connection: Connection
  readonly #host: TcpSocketHost
  #ended = false
  #flushed = false
  #endWhenConnected = false
  #closed = false
  #error: WarrenError | undefined

  /** Made by the stack: `Stack.connect`, `Stack.listen`. */
  constructor(connection: Connection, host: TcpSocketHost) {
    this.#connection = connection
    this.#host = host
    this.localAddress = formatAddress(connection.local)
    this.localPort = connection.localPort
    this.remoteAddress = formatAddress(connection.remote)
    this.remotePort = connection.remotePort
  }

  /** State of the connection (RFC 9293 §3.3.2). */
  get state(): TcpState {
    return this.#connection.tcb.state
  }

  /** Whether it is over. */
  get closed(): boolean {
    return this.#closed
  }

  /** Why it ended, when not in order. */
  get error(): WarrenError | undefined {
    return this.#error
  }

  /** Whether the peer has ended its side. */
  get ended(): boolean {
    return this.#ended
  }

  /** Bytes that wait to be read. */
  get readable(): number {
    return this.#connection.tcb.readable
  }

  /** Bytes that `write` would take now. */
  get writable(): number {
    return this.#closed ? 0 : this.#connection.tcb.writable
  }

  /** Bytes written and not yet acknowledged. */
  get unacknowledged(): number {
    return this.#connection.tcb.unacknowledged
  }

  /** What waits to be read, as far as it lies together; valid until the next call. */
  peek(): Uint8Array {
    return this.#connection.tcb.peek()
  }

  /** Gives `count` bytes back to the window. */
  consume(count: number): void {
    if (count === 0) return
    this.#connection.tcb.consume(count)
    this.#touch()
  }

  /** Copies what waits into `into`; how many bytes that were. */
  read(into: Uint8Array): number {
    const count = this.#connection.tcb.read(into)
    if (count > 0) this.#touch()
    return count
  }

  /** Takes bytes to send: how many, which is fewer than offered when the send buffer is full. */
  write(bytes: Uint8Array): number {
    if (this.#closed) return 0
    const count = this.#connection.tcb.write(bytes)
    if (count > 0) this.#touch()
    return count
  }

  /**
   * Ends our side behind all that was written, before the handshake is complete too: only `abort`
   * gives an attempt to connect up. Idempotent.
   */
  end(): void {
    if (this.#closed) return
    if (this.state === 'syn-sent') {
      this.#endWhenConnected = true
      return
    }
    this.#connection.tcb.close(this.#host.now())
    this.#touch()
  }

  /** Ends the connection at once, by RST. Idempotent. */
  abort(): void {
    if (this.#closed) return
    this.#connection.tcb.abort()
    this.#touch()
    this.#finish(new NetstackAbortedError(`the connection to ${this.#peer} was aborted here`))
  }

  /** Nobody reads any more: what is there is dropped, and what still comes is answered by RST. */
  discardInput(): void {
    if (this.#closed) return
    this.#connection.tcb.discardInput(this.#host.now())
    this.#touch()
  }

  /** Switches Nagle's algorithm off (`true`) or on. */
  setNoDelay(on: boolean): void {
    this.#connection.tcb.setNoDelay(on)
    this.#touch()
  }

  /**
   * Probes a silent peer.
   *
   * @param idle - ms of silence before the first probe; 0 switches it off
   */
  setKeepAlive(idle: number): void {
    this.#connection.tcb.setKeepAlive(idle, this.#host.now())
    this.#touch()
  }

  /**
   * How long data may stay unacknowledged (RFC 5482).
   *
   * @param timeout - ms; 0 restores the default
   */
  setUserTimeout(timeout: number): void {
    this.#connection.tcb.setUserTimeout(timeout)
    this.#touch()
  }

  /**
   * The link below carries the connection over another path now, and what is under way on the old one
   * is lost: it is sent again at once.
   */
  pathChanged(): void {
    if (this.#closed) return
    this.#connection.tcb.onPathChange(this.#host.now())
    this.#touch()
  }

  /** Measurements of the connection. */
  info(): TcbInfo {
    return this.#connection.tcb.info()
  }

  /** @internal Called by the stack. */
  onTcbEvents(events: number): void {
    if (this.#closed) return
    if ((events & TCB_EVENT.connected) !== 0) {
      this.events.onConnect?.()
      if (this.#endWhenConnected) this.end()
    }
    if ((events & TCB_EVENT.readable) !== 0) this.events.onReadable?.()
    if ((events & TCB_EVENT.ended) !== 0) {
      this.#ended = true
      this.events.onEnd?.()
    }
    if ((events & TCB_EVENT.writable) !== 0) this.events.onWritable?.()
    if ((events & TCB_EVENT.flushed) !== 0) {
      this.#flushed = true
      this.events.onFlushed?.()
    }
    if ((events & TCB_EVENT.closed) !== 0) this.#finish(this.#failure())
    else if (this.#ended && this.#flushed) this.#finish(undefined)
  }

  #failure(): WarrenError | undefined {
    const { failure } = this.#connection.tcb
    if (failure !== undefined) return errorOf(failure, this.#peer)
    if (this.#ended && this.#flushed) return undefined
    return new NetstackAbortedError(`the connection to ${this.#peer} was closed with its stack`)
  }

  #finish(error: WarrenError | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    this.events.onClose?.(error)
  }

  #touch(): void {
    this.#host.touch(this.#connection)
  }

  get #peer(): string {
    const host = this.remoteAddress.includes(':') ? `[${this.remoteAddress}]` : this.remoteAddress
    return `${host}:${this.remotePort}`
  }
}

function errorOf(failure: TcbFailure, peer: string): WarrenError {
  switch (failure) {
    case 'refused':
      return new NetstackRefusedError(`${peer} refused the connection: nothing listens there`)
    case 'reset':
      return new NetstackResetError(`${peer} reset the connection`)
    case 'timeout':
      return new NetstackTimeoutError(`${peer} did not answer: the connection was given up`)
    case 'unreachable':
      return new NetstackUnreachableError(`the network says that ${peer} cannot be reached`)
    case 'aborted':
      return new NetstackAbortedError(`the connection to ${peer} was aborted here`)
  }
}
